"""A custodian in the form of Anchorage Digital's API v2.

Known from its published description: an access key in `Api-Access-Key`; an Ed25519 signature of
seconds, method, path with query, and body, in hex, as `Api-Signature` beside `Api-Timestamp`; a
payout is a transfer with our `idempotentId`, kept forever: a repetition gets the first response;
errors are `{errorType, message}`; an address comes with an Ed25519 signature by our own key, which
we verify before we show the address; incoming transactions are listed once they are final; webhooks
are signed by the key that `GET /webhook/validation-key` returns.

Assumed: addresses are created by `POST /vaults/{id}/addresses` with an `idempotentId`; a transfer
is found by its memo, which is our reference, because it cannot be requested by `idempotentId`; the
fee of a transfer is in the same asset; a webhook is signed like a request, over seconds and body,
and names its transaction or transfer.
"""
