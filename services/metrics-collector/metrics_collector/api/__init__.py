"""What comes in over HTTP, one router a noun."""
