"""The audit trail: who did what to which subject, on whose behalf and why, denials included.

Owns `audit_records` and `audit_seals`, and the anchors in the data folder (ports.py).

Invariants: a record is written in the transaction of the act, so both exist or neither does. A
denial is recorded in a transaction of its own after the rollback. Records and seals are
append-only: database privileges and triggers enforce it. Each record carries a keyed hash of its
contents. Within seconds a single sealer gives it a position in a chain of keyed hashes, in the
order of transactions, and the head of the chain is signed and stored outside the database. Rows
rewritten without the key are therefore detected one by one (verification.py).

Recorded are acts of staff and of the command line, and changes to permissions and credentials.
Customers' orders and transfers are not: the ledger is their trail, append-only and balanced, with
the order's public id as reference. A second row for each would slow the busiest path down and
prove nothing new.
"""
