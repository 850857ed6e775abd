"""Goods that customers collect at a branch: against a code that was sent to them, and a document.

The code is eight digits of a one-time token, which is stored nowhere: only its hash is. A wrong
code is counted; after some of them only a new one works.
"""
