"""SendGrid v3: email built with SendGrid's own library and sent over our transport, and its signed
events.

The library's own sending cannot say whether an email whose request failed may have gone out.
"""
