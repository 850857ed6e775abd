"""Tills: where a branch keeps the cash of one teller at a time.

Owns `tills`. A till is closed for good; its code can be used again.
"""
