"""SendGrid v3: e-mail, in the words of SendGrid's own library over our transport, and its signed
events. What the library sends with cannot say whether a mail that failed may have gone out.
"""
