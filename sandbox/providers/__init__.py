"""One module for each simulated provider, with its `provider`. The sandbox finds them here."""
