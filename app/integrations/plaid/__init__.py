"""Plaid: verifies who people are. Reached by its own client; its webhooks carry signed tokens."""
