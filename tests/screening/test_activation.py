"""A list is indexed outside any transaction, and current only once it is indexed."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
import sqlalchemy as sa
from flask import Flask

from app.access import Role
from app.jobs import dispatch
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.preparation import NotPrepared, run_prepared
from app.outbox import service as outbox
from app.outbox.models import StagedJob
from app.outbox.rules import Backoff
from app.screening.decisions import rescreening, subjects
from app.screening.lists import activation, index
from app.screening.lists.activation import ListPreparation
from app.screening.matching import service as screening
from app.screening.matching.name_index import IndexedParty, NameIndex
from app.screening.models import SanctionsList, ScreeningProcess
from app.screening.rules import ScreeningSubject
from tests import sanctions
from tests.kyc.applicant import Applicant
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.rows import count_rows, delete_rows, read_values

OLD = (2, "UMBRAVITZ, Xenobia", "individual", "")
NEW = (6, "PHANTASMOS, Melchior", "individual", "")
_OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'pbcex' AND xact_start IS NOT NULL
    AND pid <> pg_backend_pid()
"""
#: What is done with a database and comes upon a list that is not indexed.
Screen = Callable[[Flask, Database], None]


@pytest.fixture(autouse=True)
def _no_processes(listed: Database) -> Iterator[None]:
    yield
    with listed.transaction() as session:
        delete_rows(session, ScreeningProcess, sa.true())


@pytest.fixture
def open_transactions(listed: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Forget all indexes; how many transactions were open when one was built, for each build."""
    counts: list[int] = []

    def build(parties: Iterable[IndexedParty]) -> NameIndex:
        with listed.reading() as session:
            counts.append(session.value(_OPEN))
        return NameIndex(parties)

    monkeypatch.setattr(index, "NameIndex", build)
    monkeypatch.setattr(index, "_ready", {})
    return counts


def submit_verification(app: Flask, _database: Database) -> None:
    Applicant.with_confirmed_email(app).submit_ok()


def check_on_page(app: Flask, database: Database) -> None:
    browser = Browser(app)
    browser.sign_in(People(database).staff(Role.COMPLIANCE).email, PASSWORD)
    response = browser.submit_form("/admin/screening", "check", name="Grace Hopper")
    assert response.status_code == 200


def run_job(_app: Flask, database: Database) -> None:
    with database.transaction() as session:
        args = {"version": newest(database), "source": "accounts", "after": None}
        job = outbox.stage(session, "screening.rescreen", args)
    dispatch.execute_job(database, job, Backoff())
    with database.reading() as session:
        [done_at] = read_values(session, StagedJob.done_at, StagedJob.id == job)
    assert done_at is not None


def check_in_terminal(app: Flask, _database: Database) -> None:
    result = app.test_cli_runner().invoke(args=["sanctions", "check", "Grace Hopper"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("screen", [submit_verification, check_on_page, run_job, check_in_terminal])
def test_no_transaction_is_open_while_a_list_is_indexed(
    app: Flask, listed: Database, open_transactions: list[int], screen: Screen
) -> None:
    screen(app, listed)
    assert open_transactions == [0]
    # Control: one that is open would be counted.
    with listed.transaction() as session, listed.reading() as other:
        session.rows("SELECT 1")
        assert other.value(_OPEN) == 1


def test_transaction_that_needs_the_list_ends_and_runs_again(
    listed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_ready", {})
    runs = []

    def run() -> int:
        runs.append(1)
        with listed.transaction() as session:
            return index.current_list(session).version

    with pytest.raises(NotPrepared):
        run()
    assert run_prepared(listed, run) == newest(listed)
    assert len(runs) == 3

    def never_prepared() -> NoReturn:
        runs.append(1)
        raise NotPrepared("It", lambda _database: None)

    with pytest.raises(NotPrepared):
        run_prepared(listed, never_prepared)
    assert len(runs) == 6


def newest(database: Database) -> int:
    with database.reading() as session:
        newest_version: int = session.value("SELECT max(version) FROM sanctions_lists")
        return newest_version


def of_task(task: str, version: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (StagedJob.task == task, StagedJob.args["version"].as_integer() == version)


def is_current(database: Database, version: int) -> bool:
    with database.reading() as session:
        made = (SanctionsList.version == version, SanctionsList.current_at.is_not(None))
        return count_rows(session, SanctionsList, *made) == 1


def hit_numbers(database: Database, name: str) -> list[int]:
    with database.reading() as session:
        return [
            hit.entry_number
            for hit in screening.preview_hits(session, ScreeningSubject((name,)))[1]
        ]


def test_old_list_serves_until_the_new_one_is_current(listed: Database, tmp_path: Path) -> None:
    before = newest(listed)
    stored = sanctions.store_folder(listed, sanctions.write_files(tmp_path, [NEW]))
    assert (stored.version, is_current(listed, stored.version)) == (before + 1, False)
    assert hit_numbers(listed, "Xenobia Umbravitz") == [2]
    # Indexed ahead, it still is not used.
    assert index.prepare(listed) == stored.version
    assert hit_numbers(listed, "Melchior Phantasmos") == []
    with listed.transaction() as session:
        rescreening.rescreen(session, version=stored.version, source="accounts", after=None)
        activation.make_current(session, stored.version)
    # Without another preparation: no screening waits.
    assert hit_numbers(listed, "Melchior Phantasmos") == [6]
    assert hit_numbers(listed, "Xenobia Umbravitz") == []


def test_everyone_is_screened_again_once_the_list_is_current(
    listed: Database, tmp_path: Path
) -> None:
    stored = sanctions.store_folder(listed, sanctions.write_files(tmp_path, [NEW]))

    def count_jobs() -> int:
        with listed.reading() as session:
            return count_rows(session, StagedJob, *of_task("screening.rescreen", stored.version))

    assert count_jobs() == 0
    activation.activate(listed, stored.version)
    activation.activate(listed, stored.version)
    assert count_jobs() == len(subjects.source_names())


def test_older_list_does_not_become_current_after_a_newer_one(
    listed: Database, tmp_path: Path
) -> None:
    older = sanctions.store_folder(listed, sanctions.write_files(tmp_path, [OLD])).version
    newer = sanctions.store_folder(listed, sanctions.write_files(tmp_path, [NEW])).version
    activation.activate(listed, newer)
    activation.activate(listed, older)
    assert (is_current(listed, older), is_current(listed, newer)) == (False, True)


def test_new_list_waits_for_running_processes_to_index_it(
    listed: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = sanctions.store_folder(listed, sanctions.write_files(tmp_path, [NEW])).version
    late = ListPreparation(listed)
    monkeypatch.setattr(index, "prepare", lambda _database: stored - 1)
    late.step()
    monkeypatch.undo()
    with listed.transaction() as session:
        gone = {"seen_at": clock.now() - timedelta(minutes=1), "ready_version": 0}
        session.write(sa.insert(ScreeningProcess).values(id=ids.new(), **gone))
    waits: list[bool] = []

    def wait(_seconds: float) -> None:
        waits.append(is_current(listed, stored))
        late.step()

    monkeypatch.setattr(activation.time, "sleep", wait)
    activation.activate(listed, stored)
    assert waits == [False]
    assert is_current(listed, stored)


def test_new_list_does_not_wait_forever_for_a_late_process(
    listed: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = sanctions.store_folder(listed, sanctions.write_files(tmp_path, [NEW])).version
    with listed.transaction() as session:
        late = {"seen_at": clock.now(), "ready_version": stored - 1}
        session.write(sa.insert(ScreeningProcess).values(id=ids.new(), **late))
    monkeypatch.setattr(activation, "_PATIENCE_SECONDS", 0)
    activation.activate(listed, stored)
    assert is_current(listed, stored)


def test_list_whose_import_ended_early_is_made_current_by_a_job(
    listed: Database, tmp_path: Path
) -> None:
    stored = sanctions.store_folder(listed, sanctions.write_files(tmp_path, [NEW])).version
    with listed.reading() as session:
        [job] = read_values(session, StagedJob.id, *of_task("screening.activate", stored))
    dispatch.execute_job(listed, job, Backoff())
    assert is_current(listed, stored)


def test_list_whose_import_ended_early_is_made_current_by_the_next_import(
    app: Flask, listed: Database, tmp_path: Path
) -> None:
    folder = sanctions.write_files(tmp_path, [NEW])
    stored = sanctions.store_folder(listed, folder).version
    result = app.test_cli_runner().invoke(args=["sanctions", "import", str(folder)])
    assert f"This list is already current: version {stored}." in result.output
    assert is_current(listed, stored)


def test_process_reports_what_it_has_indexed(listed: Database) -> None:
    process = ListPreparation(listed)
    process.step()
    process.step()
    with listed.reading() as session:
        assert read_values(session, ScreeningProcess.ready_version) == [newest(listed)]
