"""Imports of CSV files: checked row by row without effect, then applied as a whole or not at all.

A room registers an `ImportKind` (registry.py) with its columns and what writes a row.
"""
