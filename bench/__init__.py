"""Benchmarks: every figure is a ratio of medians within one run on one server.

`python -m bench` lists them; `python -m bench NAME [--quick] [--json]` runs one. The yardstick is
`pgbench -s 50 -M prepared` (TPC-B-like) with 16 clients, interleaved with the measurement, on the
same server with the same settings.
"""
