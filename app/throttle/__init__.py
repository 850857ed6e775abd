"""Counts of requests per rate-limit key and window, while Redis cannot keep them.

Redis counts normally. When it is away, every process counts here, so that the limit stays one
limit and does not become one per process. The table is unlogged: losing it in a crash of the
database restarts the windows, nothing more.
"""
