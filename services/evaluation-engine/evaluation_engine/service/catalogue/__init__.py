"""The catalogue as code: read the files, list every fault, show what changes, apply all or nothing."""
