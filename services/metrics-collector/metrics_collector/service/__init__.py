"""Use cases: take journeys, take measurements."""
