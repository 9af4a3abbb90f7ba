"""What feedback is, what is taken and what leaves: pure rules, no I/O and no clock."""
