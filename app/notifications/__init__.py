"""What people are notified of: every kind of message with its facts, and the call that stages one.

The room `messages` delivers them, and people choose there by topic and channel. This package is
below it, because rooms below it notify people too.
"""
