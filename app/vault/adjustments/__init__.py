"""Adjustments: units that were lost, damaged or stolen, and units that were found.

Owns `stock_adjustments`. One person requests an adjustment, and a second one approves it; it is
booked in the transaction that approves it, at the accepted price of that moment. A loss costs the
metal at that price and the premium that its lots have left. What is found is a lot of its own, at
that price and without a premium.
"""
