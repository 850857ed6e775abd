"""Twilio Messages: text messages, by Twilio's own library over our transport.

Twilio knows no repetition and keeps no reference of ours beside the text, so a message is found
again by the reference that it ends with. Statuses come as signed callbacks; they are hints, and the
message itself is asked.
"""
