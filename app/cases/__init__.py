"""Cases: findings that staff must investigate, with notes, an assignee and an outcome.

Owns `cases` and `case_events`.

Invariants: there is at most one open case of a kind for a key, however often it is opened. The
facts of a case never change; everything that happens later is an event, and events are only added.
A case ends with one of its kind's dispositions and a reason; the room of the kind does what follows
in the same transaction. Members of staff do not work on cases about themselves.
"""
