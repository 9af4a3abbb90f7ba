"""Data quality as a product: what can't be trusted in the numbers, and whom the answers speak for."""
