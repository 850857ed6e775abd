"""Benchmarks: every figure a ratio of medians within one run on one server.

`python -m bench` lists them; `python -m bench NAME [--quick] [--json]` runs one. The yardstick is
`pgbench -s 50 -M prepared` (TPC-B-like) at 16 clients, interleaved with what is measured, on the
same server with the same settings.
"""
