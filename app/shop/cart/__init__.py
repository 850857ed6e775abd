"""Carts: what a person, or a visitor who has not signed in, means to buy."""
