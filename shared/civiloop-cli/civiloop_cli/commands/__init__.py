"""One module a noun; each function is one command of `civiloop`."""
