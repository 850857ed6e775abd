"""UPS: tracking and proof of delivery, over its REST API. The labels are those of partners.

Known, from UPS's published OpenAPI documents and several clients: tokens by client credentials
with Basic authentication, whose lifetime is a text; `GET /api/track/v1/details/{number}`, one
parcel at a time, with `transId` and `transactionSrc`; activities with a date and a time in GMT, and
a type of status for each; errors in `response.errors`.

Assumed: which codes of an exception mean a wrong address, damage and loss, and that the proof of
delivery is a PDF.
"""
