"""Sanctions lists, and who was checked against them.

Owns `sanctions_lists`, `sanctions_entries`, `screenings`, `screening_hits`, `screening_decisions`.

Invariants: every version of a list stays, so that what was found can be found again; a screening
names the version that it was made against, and what it found is kept with it. Nothing passes while
no list is there. What is found opens a case, one for each subject; decided as no match, the same
subject and the same entry pass from then on; decided as the listed party, the subject is blocked
until the case is opened again.
"""
