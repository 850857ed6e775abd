"""Plaid: identity verification. Called through Plaid's own client library; its webhooks carry
signed tokens."""
