"""Providers: the record of our calls to them, and of their webhooks.

A call is recorded before it is made and again when it has ended, in transactions of their own: a
call whose process crashed stays `pending`, and is checked. A webhook is verified on its raw body,
stored once by its event's id, and stages a task. The webhook only hints that something changed: the
task reads the current state from the provider, and so does a poll. The order, the repetition and
the loss of webhooks therefore change nothing.
"""
