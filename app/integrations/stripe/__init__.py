"""Stripe: payments by card, authorised first and captured later, and the disputes about them.

Nothing of a card passes through here: the customer's browser gives it to Stripe and us a token.

Assumed, from public material: a key that is used again with other parameters is refused with 400
`idempotency_error`, one that is still in use with 409 `idempotency_key_in_use`; keys live for 24
hours; lists know a payment as soon as it is made, the search about a minute later.
"""
