"""A bank that gives each customer their own account number, and pays out in dollars.

Assumed, all of it: there is no contract with a bank yet, and no protocol that banks share. This is
the smallest protocol that can be used safely, and what we would ask of a bank:

- JSON over HTTPS with `X-API-Key`; amounts are decimal strings with a currency; instants RFC 3339.
- `PUT /accounts/{reference}` {holder} returns the account with our reference, the same each time.
- `GET /arrivals/{id}`, `/accounts/{id}/arrivals`, `/arrivals?since=`, `/payouts?since=`: lists are
  oldest first, in pages: {items, next}, and `?after={next}` requests the next page.
- `POST /payouts` with `Idempotency-Key`: a repetition returns the state of the first payout; a
  different payout with the same key is refused with 409.
- `GET /payouts/by-reference/{reference}` returns the payout with our reference.
- Errors are {error: {code, message}}.
- Webhooks {id, type, data} for `arrival.received`, `arrival.returned` and `payout.updated`, signed
  over the time and the raw body in `Bank-Signature: t=…,v1=…`.
"""
