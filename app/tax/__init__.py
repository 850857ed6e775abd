"""Sales tax: the dated table of rules, what an invoice owes by it, and exemption certificates.

Owns `tax_rules` and `exemption_certificates`. A rule is data with a date and a source, and is never
changed: a change is a new row, which a second person approves. `assessment` is pure: the same
lines, destination, instant, rules and certificates give the same tax, so that the tax of an old
invoice can be computed again.
"""
