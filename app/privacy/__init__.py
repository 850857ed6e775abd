"""Data rights: consents to policies, data exports and erasure.

Owns `consents`, `exports` and `erasures`. `personal_data_tables` collects what each room declares
in its `personal` module (kit/personal.py): the personal data that the room holds, what prevents an
erasure, and how the room erases a person.

Invariants: rows of `consents` and `erasures` are only ever added. An archive exists, sealed, from
the moment when it is ready until it expires, and only the person it is about can fetch it. A person
is not erased while anything on their account is open. The row of an erased person identifies no
one, never changes again, and no row that refers to it can be added (migration 0014).
"""
