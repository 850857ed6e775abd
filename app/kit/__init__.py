"""Domain-free tools that every room may use. Nothing here knows what a customer or a metal is."""
