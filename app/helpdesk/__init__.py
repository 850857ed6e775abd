"""The desk of support: what staff know of a customer, and what waits for them.

- `customers`: a customer at a glance, and the timeline of everything that happened.
- `search`: one search over everything that staff may open.
"""
