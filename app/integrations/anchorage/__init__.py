"""A custodian with the shape of Anchorage Digital's API v2.

Known from its published description: an access key in `Api-Access-Key`; an Ed25519 signature of
seconds, method, path with query, and body, in hex, as `Api-Signature` beside `Api-Timestamp`; what
goes out is a transfer with our `idempotentId`, kept for ever: a repetition is answered with what it
was answered before; errors are `{errorType, message}`; an address comes with an Ed25519 signature
of the house's own key, which is checked before it is shown to anybody; what came in is listed once
it is final; webhooks are signed by the key that `GET /webhook/validation-key` answers.

Assumed: addresses are made by `POST /vaults/{id}/addresses` under an `idempotentId`; a transfer is
found by its memo, which is our reference, for it cannot be asked for by `idempotentId`; the fee of
a transfer is of the same asset; a webhook is signed as a request is, over seconds and body, and
names the transaction or the transfer that it is about.
"""
