"""Public pages: rendered on the server, no script needed, closed periods only."""
