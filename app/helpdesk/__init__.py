"""The desk of support: what staff know of a customer, and what waits for them.

- `customers`: a customer at a glance, and the timeline of everything that happened.
- `notes`, `goodwill`: what staff write about a customer, and give to them.
- `queue`: what waits for staff, from all rooms, and who works on it.
- `search`: one search over everything that staff may open.
"""
