"""Rules of intake: pure, without clock and framework."""
