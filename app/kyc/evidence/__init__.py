"""Documents that customers send: checked, sanitized, sealed, and shown to staff."""
