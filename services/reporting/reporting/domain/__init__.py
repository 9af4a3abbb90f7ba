"""Pure rules of showing: what may be published, how a period is named, which figure belongs to which table."""
