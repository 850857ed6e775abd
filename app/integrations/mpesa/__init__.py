"""M-Pesa through Safaricom's Daraja API: payments and payouts by phone.

A customer confirms each payment on their phone.

A phone's wallet holds whole Kenyan shillings; PBCEx holds US dollars. A payment in dollars is
charged in shillings at the setting `mpesa.kes_per_usd`, rounded up to a shilling, and credited in
exactly those dollars; a payout sends shillings rounded down. Both roundings are in our favour and
below a cent, because a dollar is more than a hundred shillings. What was agreed is recorded with
the call, because Daraja's answers name shillings only and the rate changes. What the shillings at
M-Pesa are worth later is our risk: docs/adr/0021-rails.md.

Daraja signs nothing. Each payment, payout and query carries its own callback URL with an HMAC that
only we can make (webhook.py), over TLS. A callback about a payment is only a hint: we query the
state of the payment. The result of a payout comes only by callback, so that callback is the result.

The provider is called `daraja` wherever a name can reach Daraja, because Daraja refuses URLs that
contain its product's name.

Assumed, from public material: a prompt without a response is HTTP 500 `500.001.1001` or ResultCode
4999; an expired access token is 404 `404.001.03` or 401; a second payout with the same
OriginatorConversationID is not paid and gets ResponseCode 15; the status of an unknown payout is
ResultCode 2032; the list of payments goes back two days; result 1 of a payout means that our own
account is too low, after which the payout is ordered under another OriginatorConversationID;
results 17, 26, 1025, 1037 and 9999, and every call of a QueueTimeOutURL, leave open whether it will
be paid.
"""
