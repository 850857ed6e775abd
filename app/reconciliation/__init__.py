"""Reconciliation: our books against themselves and against what providers list.

Compares every source each night and on request, books what a provider lists and we missed, and
opens a case for every difference that is left. Owns `reconciliations`, one row per run and source.
"""
