"""Storage fees: what customers pay for metal that we keep for them above a free allowance.

Owns the days that were accrued, with their prices, rates and allowances; how many ounces each
customer had at the end of each day; and the charges of each month. A day is accrued once, for all
customers in one statement, and never again, whatever is booked later. A month is closed once, when
all its days are accrued: from then on its charges are fixed, and each is posted by a job of its
own.
"""
