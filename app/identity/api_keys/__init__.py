"""API keys for customers' own programs."""
