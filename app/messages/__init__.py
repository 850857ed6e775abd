"""What people are told, in the app and by e-mail, rendered from versioned templates.

Owns the tables `messages` and `mails`. An event has a key ("trade_confirmed:trd_…"); a person gets
at most one message and one e-mail for it, however often its delivery is tried. The one exception: a
worker that ends between the mail server's acceptance and our record of it makes the e-mail go out
once more, with the same Message-ID (mailing.py). The text of an e-mail is kept nowhere.
"""
