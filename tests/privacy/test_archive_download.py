"""An archive is sent in parts, and few at once."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from werkzeug.test import TestResponse

from app.blueprints import file_downloads
from app.keys import files
from tests.mailbox import run_pending_jobs
from tests.privacy.customer_history import EXPORT, JOBS, CustomerWithHistory, read_archive


@pytest.fixture
def begin_download(
    ada: CustomerWithHistory, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], TestResponse]:
    """Return a function that requests an archive of many parts, and reads nothing of it yet."""
    monkeypatch.setattr(files, "PART_BYTES", 1000)
    requested = ada.client.ok(202, ada.client.post(EXPORT))
    run_pending_jobs(ada.database, *JOBS)
    shown = ada.client.ok(200, ada.client.get(f"{EXPORT}/{requested['id']}"))

    def begin() -> TestResponse:
        headers = {"Authorization": f"Bearer {ada.client.token}"}
        return ada.client.app.test_client().get(shown["archiveUrl"], headers=headers)

    return begin


def test_archive_is_sent_in_parts_with_its_length(
    begin_download: Callable[[], TestResponse],
) -> None:
    with begin_download() as response:
        *parts, last = response.iter_encoded()
        assert len(parts) > 1
        assert {len(part) for part in parts} == {1000}
        content = b"".join([*parts, last])
        assert response.content_length == len(content)
        assert "identity.json" in read_archive(content)


def test_few_archives_are_sent_at_once_and_each_end_makes_room(
    begin_download: Callable[[], TestResponse],
) -> None:
    with ExitStack() as downloads:
        first, second, *_ = (
            downloads.enter_context(begin_download()) for _ in range(file_downloads.STREAMS_MAX)
        )
        refused = begin_download()
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert first.data.startswith(b"PK")  # received to its end
        downloads.enter_context(begin_download())
        assert begin_download().status_code == 503
        second.close()  # the client leaves
        assert downloads.enter_context(begin_download()).status_code == 200
