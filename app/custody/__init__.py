"""Custody: who keeps our tokens; the addresses to send to, what comes in, and what goes out.

Owns the addresses that custodians gave us (each for one person and asset, never for another), the
arrivals at them, the sends with their custodian, and what each custodian last said it keeps. It
books nothing: funding does, once for each arrival and each send, when told by a task.

What holds: an arrival is noted once, with the amount that its custodian says came in, and only when
it is final. A send goes out once: its custodian is written down before it is asked, it is asked
under our reference, and another one is asked only after the first has certainly done nothing. What
an attempt did that gave no answer is unknown until that custodian says what it knows of the
reference.
"""
