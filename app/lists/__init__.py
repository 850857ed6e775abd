"""What staff keep about the lists of the desks: columns and density, saved views, CSV exports.

The lists themselves are declared where their pages are; this room knows them by name. Invariant: a
person sees their own views and those shared with their role, and only their own exports.
"""
