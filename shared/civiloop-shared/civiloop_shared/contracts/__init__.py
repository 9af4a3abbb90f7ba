"""The events and records that cross a service border. Additive change only; anything else is a ``.v2``."""
