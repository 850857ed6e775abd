"""Messages to people: in an inbox, by email and by SMS, from versioned templates.

Owns the tables `messages`, `mails`, `texts` and `notification_choices`. An event has a key
("trade_confirmed:trd_…"); a person gets at most one inbox message, one email and one SMS for it,
however often its job is tried. The one exception: if a worker ends between the server's acceptance
of an email and our record of it, the email is sent once more with the same Message-ID
(email_delivery.py); an SMS is looked up at the carrier instead (sms_delivery.py). The text of an
email or SMS is not stored.
"""
