"""Takes what people say about public services on every channel, keeps it and hands it on without personal data."""
