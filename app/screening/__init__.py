"""Sanctions screening: lists, hits, and decisions about hits.

Owns `sanctions_lists`, `sanctions_entries`, `screenings`, `screening_hits`, `screening_decisions`,
`screening_processes`.

Sub-rooms: `lists` (read, import and index a list), `matching` (compare names and wallet addresses,
record screenings), `decisions` (what follows when a case is closed, and screening again).

Invariants: every version of a list is kept, so that a hit can be reproduced; a screening names the
version it used, and its hits are kept with it. A version becomes current once it is indexed, which
no transaction waits for (`lists.activation`). Without a list no one passes. Hits open one case
for each subject. Decided as a false positive, the same subject and entry pass from then on; decided
as a true match, the subject is blocked until the case is reopened.
"""
