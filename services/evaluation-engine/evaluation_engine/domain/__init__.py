"""What is computed, and by which rule: pure code, no I/O, no clock, no framework."""
