"""Refunds to cards: a part of a card payment goes back to the card that it came from.

Owns `card_refunds`. The amount is in the customer's balance and held, until the processor has made
the refund; then the processor's refund is booked as any payment that is taken back.
"""
