"""Brink's Global Services as a partner: it keeps goods of ours in Memphis, and sends them by FedEx.

Known: its Web Services are SOAP, with operations such as `preadviseShipment`. Assumed, all the
rest, because the fields of its messages are not public: this is the same shape in JSON.

- Every operation is a POST to `/{service}/{operation}` whose body has `credentials` {userId,
  password}. The answer is 200 with `result` {code, message}: code `0` is success, all others are
  refusals. A fault is a 500, after which the outcome is unknown.
- `ShipService/preadviseShipment` {customerReference, service, consignee, items: [{itemCode,
  pieces, barNumbers}], declaredValue {amount, currency}} returns `shipment`; a known reference is
  refused with `E104`, too few pieces with `E110`.
- `ShipService/getShipmentStatus` {customerReference}; an unknown one is refused with `E101`. A
  shipment is {shipmentNumber, customerReference, status, preadvisedAt, remark, parcels:
  [{waybill, items: [{itemCode, barNumber}]}]}, and its status `PREADVISED`, `IN_PROCESS`,
  `DISPATCHED`, `CANCELLED` or `REJECTED`.
- `ShipService/cancelShipment` {customerReference}: refused with `E210` from `IN_PROCESS` on.
- `InventoryService/getInventory` returns {asOf, items: [{itemCode, pieces, barNumbers}]}.
"""
