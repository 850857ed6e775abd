"""Comparing people, companies and wallet addresses with the sanctions list."""
