"""What needs a second person: asked for by one, approved and done by another.

Owns `approvals` and `approval_events`.

Invariants: an approval is bound to the SHA-256 of what was asked for, and the checker approves
that hash. Maker and checker are never one person, nor is the checker whom it is about. The checker
may do the act themselves at the moment of approving, and the maker still may. What was asked for is
done in the transaction that approves it, once, or not at all. A request that is edited, that
expires, or whose subject has changed meanwhile is dead, and has to be asked for again.
"""
