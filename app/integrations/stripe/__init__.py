"""Stripe: card payments, authorised first and captured later, and their disputes.

Card details never pass through PBCEx: the customer's browser sends them to Stripe and gives us a
token.

Assumed, from public material: a key that is used again with other parameters is refused with 400
`idempotency_error`, a key still in use with 409 `idempotency_key_in_use`; keys live for 24 hours;
lists contain a payment as soon as it exists, the search about a minute later.
"""
