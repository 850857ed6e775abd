"""Plaid: identity verification, called through Plaid's own client library.

Its webhooks carry signed tokens.
"""
