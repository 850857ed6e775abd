"""Search everything: one text, looked for in each room that the person may read.

`sources` declares what is looked for where. Names, emails and phone numbers are stored as text and
found by any part; what is sealed (documents, ID numbers, whole account numbers) is not searched.
"""
