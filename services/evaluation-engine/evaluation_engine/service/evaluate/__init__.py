"""From aggregates to results, verdicts and numbered evaluations."""
