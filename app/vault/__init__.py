"""The vault: locations with goods on their shelves, and what arrived there at what cost.

How many units are where, and in what state, is in the ledger alone: a location owns the accounts,
and the state is their class (`stock`). Metal and premium of goods that are not sold are accounts of
the branch, and `lots` says which delivery they belong to.
"""
