"""Paxos: custody of PAXG and USDC, over its public API v2.

Known from its published description: OAuth2 client credentials; decimal texts; `ref_id`, of which a
second use is answered 409 `already-exists` and not with what there is; problems of RFC 9457; lists
by `created_at`, `ref_ids` and `type`, paged by `next_page_cursor`; a webhook's body is an event
that `GET /events/{id}` answers too.

Assumed: no signature of webhooks is published, so one counts if that event is known and says the
same; the object of a `transfer.*` event is the transfer, or names it as `transfer_id`; what a
withdrawal costs is `COSTS` until it was made, and what the transfer says from then on.
"""
