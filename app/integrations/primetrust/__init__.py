"""A custodian in the form of Prime Trust's API v2 (the company has closed; its API is public).

Known from published clients: JSON:API documents with dashed names; a bearer token from `POST
/auth/jwts` with user name and password; an `X-Idempotent-ID` in the form of a UUID version 4;
`asset-transfer-methods` of direction `incoming` have a `wallet-address`; a payout is an
`asset-disbursement`, a movement in either direction an `asset-transfer`; a webhook names its
resource.

Assumed: a repetition with the same `X-Idempotent-ID` returns the existing resource, at any time;
`asset-disbursements` take a wallet address and our `reference`, and asset transfers can be found by
it; assets are named by their codes; webhooks have no signature, so a webhook counts as a hint at a
resource that the API knows, and its event is that resource in the state that the API reports.
"""
