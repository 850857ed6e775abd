"""Paxos: custody of PAXG and USDC, and the price of PAXG, over its public API v2.

Known from its published description: OAuth2 client credentials; decimal texts; `ref_id`, whose
second use is refused with 409 `already-exists` and does not return the existing object; problem
documents of RFC 9457; lists by `created_at`, `ref_ids` and `type`, paged by `next_page_cursor`; a
webhook's body is an event that `GET /events/{id}` returns too.

Assumed: no webhook signature is published, so a webhook counts if Paxos knows its event with the
same content; the object of a `transfer.*` event is the transfer, or names it as `transfer_id`; a
withdrawal costs `send_fees` until it is made, and what its transfer says from then on. Quotes need
the scope `exchange:read_quote`, and feed.py says how they are read.
"""
