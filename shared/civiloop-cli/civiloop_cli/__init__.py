"""The command `civiloop` and the embedded platform that it runs."""
