"""Counts of one window, shared by all processes.

Owns `throttle_counts`: requests while Redis, which counts them normally, is unavailable, so that a
limit does not become one limit per process; and denials. The table is unlogged: a database crash
loses it and only restarts the windows.
"""
