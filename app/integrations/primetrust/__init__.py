"""A custodian with the shape of Prime Trust's API v2 (that company is no more; its API is public).

Known from clients that were published: documents of JSON:API with names in dashes; a bearer token
from `POST /auth/jwts` with name and password; an `X-Idempotent-ID` of a UUID's form (version 4);
`asset-transfer-methods` of direction `incoming` have a `wallet-address`; what goes out is an
`asset-disbursement`, what goes either way an `asset-transfer`; a webhook names its resource.

Assumed: a repetition under one `X-Idempotent-ID` is answered with what there is, at any time;
`asset-disbursements` take a wallet's address and our `reference`, and asset transfers can be found
by it; assets are named by their codes; no signature of webhooks, so one counts as a hint at a
resource that the API knows, and its event is that resource in the state which the API tells.
"""
