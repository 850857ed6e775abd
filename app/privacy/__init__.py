"""Data rights: what people agreed to, a copy of what is held on them, and being forgotten.

Owns `consents`, `exports` and `erasures`. Composes what each room says about itself in its
`personal` module (kit/personal.py): what it holds on a person, what of theirs is still open, and
how it forgets them.

Invariants: consents and erasures are only ever added. An archive exists, sealed, from the moment
that it is ready until it expires, and only the person it is about can fetch it. Nobody is erased
while anything of theirs is open; once somebody is, their row says nothing about them, never changes
again, and nothing is added about them (migration 0014).
"""
