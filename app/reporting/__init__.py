"""Reporting: movements, statements and the exported journal. Reads every room and moves nothing.

Import-linter holds the second half: this package imports no room's service.
"""
