"""Images of products: drawn anew in several sizes, and found by the hash of their content."""
