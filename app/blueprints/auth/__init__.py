"""Signing in to the desks, and out."""
