"""The desk of those who look after customers."""
