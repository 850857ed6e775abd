"""A bank that gives each customer an account number of their own, and pays out in dollars.

Assumed, all of it: there is no contract with a bank yet, and no protocol that banks share. This is
the smallest one that can be used safely, and what a bank would be asked for:

- JSON over HTTPS with `X-API-Key`; amounts are decimal strings with a currency; instants RFC 3339.
- `PUT /accounts/{reference}` {holder} gives the account with our reference, the same each time.
- `GET /arrivals/{id}`, `/accounts/{id}/arrivals`, `/arrivals?since=`, `/payouts?since=`: lists are
  oldest first, in pages: {items, next}, and `?after={next}` asks for the next.
- `POST /payouts` with `Idempotency-Key`: the same once more answers how the first one stands,
  another with the same key is refused with 409. `GET /payouts/by-reference/{reference}` asks.
- Errors are {error: {code, message}}.
- Webhooks {id, type, data} for `arrival.received`, `arrival.returned` and `payout.updated`, signed
  over the moment and the raw body in `Bank-Signature: t=…,v1=…`.
"""
