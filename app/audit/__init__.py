"""The audit trail: who did what to what, on whose behalf, why; what was refused, too.

Owns `audit_records` and `audit_seals`, and the anchors in the data folder (ports.py).

Invariants: a record is written in the transaction of the act, so either both exist or neither; what
was refused is recorded in a transaction of its own after the rollback. Records and seals are only
ever added: rights and triggers see to it. Each record carries a keyed hash of all that it says;
within seconds one sealer gives each a position in a chain of keyed hashes, in the order of
transactions, and the chain's head is signed and kept outside the database. So whoever rewrites the
tables without the key is found out, row by row (verification.py).

What is recorded: acts of staff, of the command line, and whatever changes who may do what or who
can sign in. Customers' orders and transfers are not: the ledger is their trail, append-only and
balanced, with the order's public id as reference, and a second row for each would cost the
busiest path for nothing new.
"""
