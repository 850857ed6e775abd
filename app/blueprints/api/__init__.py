"""The JSON API: one file per resource, with request and response schemas in `schemas`."""
