"""Prices: every tick of every source, and the one market price per metal that orders use.

All prices are US dollars per troy ounce, `Decimal`. Ticks are append-only (the application's role
cannot change or delete one); a market price never moves back in time, and `bid <= mid <= ask`
holds in the database. Only `service` writes. Fetching from feeds happens outside any transaction,
in app/jobs/price_recorder.py.
"""
