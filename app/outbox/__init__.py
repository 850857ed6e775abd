"""The outbox: jobs staged in the same transaction as the fact that causes them.

Owns the tables `outbox` and `timetable`. A row is pending until its task's effect commits
(`done_at`, set in the task's own transaction) or until all its tries have failed (`dead_at`, with
the error). Redis only wakes up workers: a job that Redis loses is sent again from here, with
exponential backoff. Delivery is at least once, the effect exactly once.
"""
