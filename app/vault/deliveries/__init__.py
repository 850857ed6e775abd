"""Deliveries: what arrived at a location, from whom, and what it cost. Owns `lots`."""
