"""FedEx: rates, labels, tracking and proof of delivery, over its REST API of 2024.

Known, from FedEx's published OpenAPI documents and several clients:

- Tokens by client credentials live for an hour; a 401 asks for a new one. Bodies are JSON;
  responses have `output`, or `errors` with a code.
- `POST /ship/v1/shipments` recognises no repetition. `x-customer-transaction-id` is for FedEx's
  support only. A label is found again by the reference that is printed on it
  (`POST /track/v1/referencenumbers`), without its document, which is given once.
- `POST /track/v1/trackingnumbers` takes 30 numbers, and reports errors of single ones inside a 200.
  There are no webhooks for it in our tier.
- Declared values are whole dollars, weights whole pounds: both are rounded up.

Assumed, each in one place of the adapter: which exception codes mean damage and loss, the codes of
errors for what is cancelled already, not found and not ready, and that a new label can be found
within 15 minutes.
"""
