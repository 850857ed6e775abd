import pytest


@pytest.fixture(autouse=True)
def empty_outbox(database):
    """Empty the outbox, because jobs staged by other tests would be claimed here too."""
    with database.transaction() as session:
        session.send("DELETE FROM outbox")
        session.send("DELETE FROM timetable")
