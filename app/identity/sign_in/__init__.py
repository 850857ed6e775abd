"""Signing in: login sessions and their tokens, staff browsers, pending sign-ins, lockout."""
