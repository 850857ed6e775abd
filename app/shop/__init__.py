"""The shop: what customers see of products, and whether they are in stock."""
