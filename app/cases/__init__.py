"""Cases: something that a person has to look into, with notes, somebody who does it, and an end.

Owns `cases` and `case_events`.

Invariants: of one kind there is one open case per key, however often it is opened. What was found
stays as it was written down; everything that happens afterwards is an event, and events are only
ever added. A case ends with one of its kind's dispositions and a reason; what follows from that is
done by the room of the kind, in the same transaction. Nobody works on a case about themselves.
"""
