"""What was said between us and the providers: each call of ours, each webhook of theirs.

A call is noted before it is made and again when it is over, in transactions of their own: one that
nobody came back from stays `pending`, and is looked into. A webhook is verified on its raw body,
kept once by its event's id, and stages a task with it. It is a hint that something changed: the
task asks the provider what is so, and so does a poll. Order, repetition and loss of webhooks
therefore change nothing.
"""
