"""Dillon Gage's FizTrade as a wholesaler: `FizServices/<Method>/{token}` with JSON.

Known from public integrations:
- The token is in the path, so a URL is a secret. Errors come with status 200 as {"error": …}, and
  as 500; a product that is not among the favourites of our account is one.
- `GET GetSpotPriceData` returns {goldAsk, silverAsk, …, areStale, spotTime}. `spotTime` is
  `/Date(ms)/` of the wall clock in Chicago, without its offset.
- `POST LockPrices` {transactionId, includeRetailPrices, items: [{code, transactionType, qty}]},
  with quantities as texts, returns {lockToken, prices: [{product, amount}]}.
- `POST ExecuteTrade` {transactionId, referenceNumber, shippingOption, dropShipInfo, lockToken,
  traderId} returns {transactionId, confirmationNumber, status}. A repetition is not recognised.

Assumed, until an account shows it:
- A lock lasts 20 seconds from the call; `amount` is of one unit; an ended lock is refused with a
  text that names it.
- `GET GetOrders?transactionId=` or `?since=` returns {orders: [{transactionId, referenceNumber,
  confirmationNumber, status, items: [{code, qty, shippedQty}], trackingNumbers}]}, with a status
  `Open`, `Partially Shipped`, `Shipped` or `Cancelled`.
"""
