"""What can be done with feedback: submit it, see it, take it back, count it."""
