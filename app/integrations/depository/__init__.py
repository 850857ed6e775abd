"""A partner that keeps goods in its depots, and states each day what is there.

Assumed, all of it: depositories agree a format with each customer. This is what we would ask of
one, the smallest that names every unit:

- JSON over HTTPS with `X-API-Key`; a depot of ours is an account, named by our location's code.
- `GET /accounts/{account}/inventory` returns the latest statement in pages: {as_of, items, next};
  `?after={next}` requests the next page of the same statement.
- `as_of` is RFC 3339: what left or came until then is in the statement, and nothing later.
- An item is {sku, quantity, serials}: our SKU, a whole number, and the numbers of its bars, if it
  has any. A SKU is listed once.
- Errors are {error: {code, message}}; an account that it does not know is `account_not_found`.
"""
