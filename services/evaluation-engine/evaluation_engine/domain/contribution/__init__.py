"""What one journey, answer or measurement adds to the aggregates.

A contribution is a list of shares; a share is one map of measures and the address of every cell
it goes to. A journey has a share where it started (channel = first), one where their part was
done and one where it was fulfilled (channel = last). Changing a fact takes its old shares out and
puts the new ones in: `Batch` nets that before anything is spread over cells, so that most events
touch two or three numbers.
"""
