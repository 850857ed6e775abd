"""Approvals: acts that one person requests and a second person approves.

Owns `approvals` and `approval_events`.

Invariants: an approval is bound to the SHA-256 of the request, and the checker approves that hash.
The checker is neither the maker nor the person that the request is about, and independent of the
maker (`ports.Independence`): one person with two accounts is no second person. At the moment of
approval both maker and checker are permitted to do the act themselves. The act is done in the
transaction that approves it, once, or not at all. A request that is edited, expires or whose
subject has changed has ended; a new request is needed.
"""
