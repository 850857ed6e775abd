"""Twilio Messages: SMS, through Twilio's own library over our transport.

Twilio does not recognise a repetition and stores no reference of ours beside the text, so a message
is found again by the reference at its end. Statuses come as signed callbacks; they are hints, and
we fetch the message itself.
"""
