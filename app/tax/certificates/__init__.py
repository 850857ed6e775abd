"""Exemption certificates: why a customer, or their company, buys without sales tax in a state.

Owns `exemption_certificates`. One person records a certificate, a second one compares it with its
document, and only then it counts. Its number is sealed.
"""
