"""Transfers: PAXG to XAU-s and back, one to one by weight.

A transfer mints or burns XAU-s through the backing accounts, so that every ounce of XAU-s is
matched by an ounce of PAXG set aside in the same entry.
"""
