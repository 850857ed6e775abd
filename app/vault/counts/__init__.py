"""Counts: what is really on the shelves of a location, against the books.

Owns `counts` and `count_lines`. Who counts does not see what is expected. A line is only appended:
one that is entered again for a product replaces the earlier one. Each line keeps the units that the
ledger had at the location in the transaction that stored it, so what is sold, packed or delivered
during a count is no variance. One count is under way at a location at a time.
"""
