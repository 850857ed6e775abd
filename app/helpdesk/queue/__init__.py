"""The queue of support: what waits, from all rooms, and who works on it.

Rooms declare their work (`app.cases.queue_sources`); the queue adds who has claimed it, until when
it sleeps and why it was escalated. Work leaves the queue when its room says so.
"""
