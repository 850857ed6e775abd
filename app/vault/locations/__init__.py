"""Locations: places of a branch where goods are. Owns `locations`."""
