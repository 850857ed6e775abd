"""What people are told, in the app, by e-mail and by text message, from versioned templates.

Owns the tables `messages`, `mails`, `texts` and `notification_choices`. An event has a key
("trade_confirmed:trd_…"); a person gets at most one message, one e-mail and one text message for
it, however often its delivery is tried. The one exception: a worker that ends between the mail
server's acceptance and our record of it makes the e-mail go out once more, with the same Message-ID
(mailing.py); a text message is looked for at the carrier instead (texting.py). The text of an
e-mail or text message is kept nowhere.
"""
