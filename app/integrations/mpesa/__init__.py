"""M-Pesa through Safaricom's API Daraja: payments that a customer confirms on their phone, and
payouts to a phone.

The wallet of a phone is in Kenyan shillings, whole ones, and this exchange holds dollars. So a
payment of dollars is asked for in shillings at `MPESA_KES_PER_USD`, rounded up to a shilling, and
credited in exactly those dollars; a payout sends shillings rounded down. Both roundings are in our
favour and less than a cent, because a dollar is more than a hundred shillings. What the shillings
at M-Pesa are worth later is our risk: docs/adr/0021-rails.md.

Daraja signs nothing. Each payment, payout and question goes out with an address of its own to call
back, which holds an HMAC that only we can make (callbacks.py), over TLS. What comes there about a
payment is only a hint; how it stands is asked. About a payout Daraja answers nowhere else: there,
what came is the answer.

The provider is called `daraja` wherever a name can reach Daraja, because it refuses addresses with
its product's name in them.

Assumed, from public material: a prompt that nobody answered yet is HTTP 500 `500.001.1001` or
ResultCode 4999; an access token that expired is 404 `404.001.03` or 401; a second payout with one
OriginatorConversationID is not paid and answered with ResponseCode 15; the status of a payout that
it does not know is ResultCode 2032; the list of payments goes back two days.
"""
