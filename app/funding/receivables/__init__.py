"""Receivables: what customers owe PBCEx after a deposit was taken back."""
