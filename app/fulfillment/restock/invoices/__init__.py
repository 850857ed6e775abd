"""Invoices of suppliers: compared with what was received at the price agreed, and paid.

Owns `supplier_invoices`. An invoice asks for what arrived of one purchase order since the one
before it. A small difference is booked as a variance of the price; a large one takes two people, as
every payment does.
"""
