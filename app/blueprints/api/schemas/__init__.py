"""Schemas of requests and responses: one file per resource, shared fields in `fields`."""
