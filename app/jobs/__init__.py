"""Background processes. This is the only package that knows RQ.

`relay` moves due rows of the outbox to RQ, `worker` runs RQ's workers, `dispatch` has the one
function that they call, `timetable` stages periodic tasks, `price_recorder` records prices.
PostgreSQL is the only source of truth: losing everything in Redis costs a delay, never a job.
"""
