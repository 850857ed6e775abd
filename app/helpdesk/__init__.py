"""The desk of support: what staff know of a customer, and what waits for them.

- `search`: one search over everything that staff may open.
"""
