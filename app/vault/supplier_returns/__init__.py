"""Returns of goods in quarantine to the supplier who delivered them, at what they cost.

Owns `supplier_returns`. One person requests a return, and a second one approves it; it is booked in
the transaction that approves it. It undoes its part of a delivery: units and ounces leave, and we
owe the supplier that much less, of the metal at the price that was agreed and of the premium that
is left. So a return earns and costs nothing.
"""
