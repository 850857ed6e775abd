import pytest

from app.outbox.models import StagedJob, TimetableEntry
from tests.rows import delete_rows


@pytest.fixture(autouse=True)
def empty_outbox(database):
    """Empty the outbox, because jobs staged by other tests would be claimed here too."""
    with database.transaction() as session:
        delete_rows(session, StagedJob)
        delete_rows(session, TimetableEntry)
