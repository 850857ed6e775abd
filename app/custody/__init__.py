"""Custody: tokens at custodians. Deposit addresses, incoming transfers, sends and balances.

It owns the deposit addresses (each for one person and asset, never reassigned), the incoming token
transfers, the sends with their custodian, and the balances that custodians reported. It posts only
opening balances and dust: funding posts the rest, once for each incoming transfer and each send,
when a task notifies it.

Invariants: an incoming transfer is recorded once, with the amount that its custodian reports, and
only when it is final. A send goes out once: its custodian is recorded before it is called, the call
bears our reference, and another custodian is called only after the first has certainly done
nothing. After a call without an answer the outcome is unknown until that custodian's records show
it.
"""
