"""The JSON API: one file for each resource, what they take and give in `schemas`."""
