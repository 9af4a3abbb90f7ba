"""What people say in free text: the language, the themes, what is new, and what it costs in satisfaction.

A comment arrives masked. `extraction.extract` turns it into a small record that is stored with the
answer; `extraction.measures_of` says what the record adds to the aggregates, so that themes are
exact counts that merge and can be taken out again. `impact` and `trend` judge those counts,
`phrases` finds what the taxonomy does not know, `quotes` picks examples.
There is no sentiment model: the score the person gave is better evidence.
"""
