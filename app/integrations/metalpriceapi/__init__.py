"""metalpriceapi.com: latest rates of metals against the dollar, over JSON.

Assumed, from public material: the key is a query parameter; a refusal is `{"success": false,
"error": {"statusCode": …}}`, often with HTTP 200; XCU is per troy ounce.
"""
