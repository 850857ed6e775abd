"""Background processes, and the only package that knows RQ.

`relay` moves due rows of the outbox to RQ, `worker` runs RQ's workers, `dispatch` is the one
function they call, `timetable` stages what is periodic. All truth is in PostgreSQL: Redis may be
emptied at any moment and costs a delay, never a job.
"""
