"""JM Bullion as a partner: it keeps goods of ours and sends them by UPS or FedEx.

Assumed, all of it: no interface for fulfilment is public. This is the contract that we would agree,
in the style of its other interfaces:

- JSON over HTTPS with `X-API-KEY`, 60 requests a minute; errors are {code, message}.
- `POST /fulfilments` {reference, carrier, signature, declared_value, ship_to, items: [{sku,
  quantity, serials}]} returns the order. A reference that it knows is refused with 409
  `duplicate_reference`, and too few units with 409 `out_of_stock`.
- `GET /fulfilments?reference=` returns {items}. An order is {id, reference, status, submitted_at,
  reason, parcels: [{carrier, tracking_number, serials: [{sku, serial}]}]}, and its status
  `received`, `processing`, `shipped`, `cancelled` or `rejected`.
- `POST /fulfilments/{id}/cancel` within 24 hours of the order, unless it is shipped: else 409
  `cancel_window_closed`.
- `GET /inventory` returns {as_of, items: [{sku, quantity, serials}]}: all that it keeps for us.
"""
