"""Who people and companies are, as far as they have shown it, and what they may move for it.

Owns `verifications`, `verification_events`, `beneficial_owners` and `kyc_documents`.

A verification is what somebody said about themselves or their company, and what became of it.

- `identity` gives tier 1 at once, if the data hold and no sanctions list knows the name, and tier
  2 when the provider has verified them.
- `enhanced` begins by itself when somebody of tier 2 has sent documents that show who they are,
  where they live and where their money comes from; approved by two of the staff, it lifts the
  identity to tier 3.
- `business` is a company with its owners: decided by two of the staff.

Invariants: what is said and shown is sealed. One verification of a kind is open for a person at a
time. Nothing is approved while a hit of a sanctions list is not disposed of. A tier counts only
while the identity that gave it is neither expired nor superseded, and the person's e-mail address
is confirmed. Every step is an event row.
"""
