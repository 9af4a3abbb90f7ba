"""Webhooks: subscribed to, and delivered."""
