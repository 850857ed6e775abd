"""Tracking: where parcels are, as their carriers report it when they are asked.

Every event is stored once. The status follows from all of them, so that the order, the repetition
and the loss of reports change nothing.
"""
