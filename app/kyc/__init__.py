"""Know your customer: verification of people and companies, and the tiers it gives.

Owns `verifications`, `verification_events`, `beneficial_owners` and `kyc_documents`.

Sub-rooms: `submission` (what customers submit, and the checks by provider and sanctions list),
`evidence` (the documents they send), `review` (decisions by staff and by the system). `status` is
what a customer sees.

Kinds of verification:

- `identity` gives tier 1 at once, if the details are valid and no sanctions list names the person,
  and tier 2 when the provider has verified the person.
- `enhanced` starts by itself when a customer with tier 2 has sent proof of identity, proof of
  address and proof of the source of funds. Two members of staff approve it. It raises the identity
  to tier 3.
- `business` is a company with its owners. Two members of staff decide it.

Invariants: submitted details and documents are sealed. A person has at most one open verification
of each kind. Nothing is approved while a sanctions hit is undecided. A tier counts only while its
identity is neither expired nor superseded and the person's email address is confirmed. Every
change of status leaves an event row.
"""
