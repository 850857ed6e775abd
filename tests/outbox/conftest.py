import pytest


@pytest.fixture(autouse=True)
def empty_outbox(database):
    """A queue belongs to everyone: what other tests staged would be claimed here too."""
    with database.transaction() as session:
        session.send("DELETE FROM outbox")
        session.send("DELETE FROM timetable")
