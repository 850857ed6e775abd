"""Limits: how much, or how often, within a window, by one person.

Owns no table. A room declares a limit beside the rules that use it, with the rows of its own tables
that use the limit up; what no longer counts there is free again at once. `service.check` sums them
and raises one refusal, which says what is left and when more is free.

Invariant: two requests at the same moment never share what is left, because the person stays locked
until the transaction of the first one ends. A person can have several accounts: callers pass all.
"""
