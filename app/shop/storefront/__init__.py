"""The storefront: products as customers find and read them. Owns no table."""
