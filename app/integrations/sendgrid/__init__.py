"""SendGrid v3: email, and its signed events.

Emails are built with SendGrid's own library and sent over our transport: the library's own sending
cannot say whether an email whose request failed may have gone out.
"""
