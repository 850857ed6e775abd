"""Rate-limit counts in the database while Redis is unavailable.

Owns `throttle_counts`. Redis counts normally. While it is unavailable, every process counts here,
so that a limit does not become one limit per process. The table is unlogged: a database crash
loses it and only restarts the windows.
"""
