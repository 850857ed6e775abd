"""Import of lists: all or nothing, versions kept, everyone screened again."""

import json
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from app.identity.models import User
from app.kit import ids
from app.kit.db import Database
from app.outbox import service as outbox
from app.sample.lists import FIRST_LIST as SANCTIONS
from app.screening import queries as screening_queries
from app.screening import tasks as screening_tasks
from app.screening.decisions import rescreening, subjects
from app.screening.errors import ImportRunning, ListShrank
from app.screening.lists import index, sdn
from app.screening.lists.imports import import_list
from app.screening.matching import service as screening
from app.screening.models import Screening
from app.screening.rules import ScreeningSubject
from tests import sanctions
from tests.people import People
from tests.rows import change_rows, count_rows
from tests.unchanged_database import database_unchanged

PARTY_ONE = (1, "ESPERPENTO VILLANOVA, Dragomir Casimir", "individual", "DOB 14 Jun 1960.")
PARTY_TWO = (2, "UMBRAVITZ, Xenobia", "individual", "")
PARTY_SIX = (6, "PHANTASMOS, Melchior", "individual", "")


def run_cli(app: Flask, *arguments: object) -> Result:
    return app.test_cli_runner().invoke(args=["sanctions", *map(str, arguments)])


def newest_version(database: Database) -> screening_queries.ListVersion:
    with database.reading() as session:
        return screening_queries.list_versions(session, 1)[0]


def hit_numbers(database: Database, name: str) -> list[int]:
    with database.reading() as session:
        _, hits = screening.preview_hits(session, ScreeningSubject((name,)))
        return [hit.entry_number for hit in hits]


def test_import_reports_changes_and_keeps_the_old_version(
    app: Flask, listed: Database, tmp_path: Path
) -> None:
    before = newest_version(listed)
    folder = sanctions.write_files(
        tmp_path,
        [PARTY_ONE, PARTY_TWO, PARTY_SIX],
        aliases=[(6, "aka", "MEL THE GHOST")],
        addresses=[(6, "Cuba")],
    )
    result = run_cli(app, "import", folder, "--accept-shrunk")
    assert result.exit_code == 0, result.output
    assert f"{folder}: 3 entries" in result.output
    version = before.version + 1
    assert (
        f"Version {version}: 1 added, 2 changed, 2 removed. Everyone is screened again in the"
        " background." in result.output
    )
    after = newest_version(listed)
    assert (after.version, after.entries, after.aliases, after.addresses) == (version, 3, 1, 1)
    assert (after.added, after.changed, after.removed) == (1, 2, 2)
    assert after.digest == sdn.read_files(folder).digest
    with listed.reading() as session:
        assert index.current_list(session).version == version
        old = screening_queries.listed_parties(session, [1, 2, 3, 4, 6], before.version)
        new = screening_queries.listed_parties(session, [1, 2, 3, 4, 6], version)
        [(action, facts)] = session.rows(
            "SELECT action, after FROM audit_records WHERE subject = %s",
            (f"sanctions list {version}",),
        )
    assert (sorted(old), sorted(new)) == ([1, 2, 3, 4], [1, 2, 6])
    assert (old[2].remarks, new[2].remarks) != (new[2].remarks, old[2].remarks)
    assert (action, facts["added"]) == ("sanctions.imported", 1)
    assert hit_numbers(listed, "Mel the Ghost") == [6]
    assert hit_numbers(listed, "Shadow Bullion Trading LLC") == []


def test_importing_the_current_list_changes_nothing(app: Flask, listed: Database) -> None:
    with database_unchanged(listed):
        result = run_cli(app, "import", SANCTIONS)
    assert result.exit_code == 0
    version = newest_version(listed).version
    assert f"This list is already current: version {version}." in result.output


def test_importing_an_older_list_again_makes_a_new_version(
    listed: Database, tmp_path: Path
) -> None:
    before = newest_version(listed).version
    sanctions.import_folder(listed, sanctions.write_files(tmp_path, [PARTY_ONE]))
    assert sanctions.import_folder(listed, SANCTIONS).version == before + 2


def test_invalid_file_is_reported_with_its_line_and_changes_nothing(
    app: Flask, listed: Database, tmp_path: Path
) -> None:
    folder = shutil.copytree(SANCTIONS, tmp_path / "list")
    lines = (folder / sdn.ALT).read_text().splitlines()
    (folder / sdn.ALT).write_text("\n".join([*lines[:2], lines[2].replace("aka", "abc")]))
    with database_unchanged(listed):
        result = run_cli(app, "import", folder)
    assert result.exit_code == 1
    assert "alt.csv, line 3: expected aka, fka or nka, and a name. Nothing was" in result.output
    with database_unchanged(listed):
        result = run_cli(app, "import", tmp_path)
    assert "sdn.csv, line 1: the file cannot be read: No such file or directory" in result.output


def test_shrunk_list_is_refused_unless_accepted(
    app: Flask, listed: Database, tmp_path: Path
) -> None:
    folder = sanctions.write_files(tmp_path, [PARTY_ONE, PARTY_TWO, PARTY_SIX])
    with database_unchanged(listed):
        result = run_cli(app, "import", folder)
    assert result.exit_code == 1
    assert (
        "The new list has 3 entries; the current list has 4. Nothing was changed." in result.output
    )
    with database_unchanged(listed), pytest.raises(ListShrank):
        sanctions.import_folder(listed, folder, accept_shrunk=False)
    assert sanctions.import_folder(listed, folder).is_new


def test_interrupted_import_leaves_no_trace(listed: Database, tmp_path: Path) -> None:
    files = sdn.read_files(sanctions.write_files(tmp_path, [PARTY_ONE, PARTY_SIX]))

    def killed(_stored: int) -> None:
        raise KeyboardInterrupt

    with (
        database_unchanged(listed),
        pytest.raises(KeyboardInterrupt),
        listed.transaction() as session,
    ):
        import_list(session, files, progress=killed, accept_shrunk=True)
    assert hit_numbers(listed, "Melchior Phantasmos") == []


def test_second_import_at_the_same_time_is_refused(listed: Database, tmp_path: Path) -> None:
    files = sdn.read_files(sanctions.write_files(tmp_path, [PARTY_ONE, PARTY_SIX]))
    with listed.transaction() as first:
        import_list(first, files, progress=lambda _stored: None, accept_shrunk=True)
        with pytest.raises(ImportRunning), listed.transaction() as second:
            import_list(second, files, progress=lambda _stored: None, accept_shrunk=True)
        # Until the commit, screenings use the current list.
        assert hit_numbers(listed, "Melchior Phantasmos") == []
        assert hit_numbers(listed, "Xenobia Umbravitz") == [2]


def test_entry_known_only_from_comments_keeps_its_wallet(listed: Database, tmp_path: Path) -> None:
    address = "1AjZPMsnmpdK2Rv9KQNfMurTXinscVro9V"
    comment = f"Digital Currency Address - XBT {address}; a.k.a. 'THE UNPLACED ONE'."
    folder = sanctions.write_files(
        tmp_path, [PARTY_ONE, PARTY_TWO, PARTY_SIX], comments=[(99, comment)]
    )
    imported = sanctions.import_folder(listed, folder)
    assert newest_version(listed).entries == 3
    with listed.transaction() as session:
        screening_result = screening.screen_wallet(
            session, address, about="wdr_1", purpose="payout"
        )
        assert [hit.entry_number for hit in screening_result.hits] == [99]
        assert screening_queries.listed_parties(session, [99], imported.version)[99].name == ""
    assert hit_numbers(listed, "The Unplaced One") == [99]


def run_jobs(database: Database) -> int:
    """Run the staged screenings as the worker does. Return how many jobs there were."""
    count = 0
    while True:
        with database.transaction() as session:
            rows = session.rows(
                "SELECT id, args FROM outbox WHERE task = 'screening.rescreen'"
                " AND done_at IS NULL ORDER BY id LIMIT 1"
            )
            if not rows:
                return count
            [(job, args)] = rows
            assert outbox.count_attempt(session, job)
            screening_tasks.rescreen(session, **args)
            outbox.mark_done(session, job)
        count += 1


def test_import_screens_everyone_again_in_batches(
    lone_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescreening, "BATCH", 3)
    database: Database = lone_app.extensions["database"]
    people = [People(database).customer() for _ in range(7)]
    # Six active people in batches of three, and the end; the other sources are empty.
    jobs = 3 + len(subjects.source_names()) - 1
    suspect, erased = people[4], people[5]
    with database.transaction() as session:
        change_rows(
            session, User, User.id == suspect.user_id, first_name="Melchior", last_name="Phantasmos"
        )
        change_rows(
            session, User, User.id == erased.user_id, status="erased", erased_at=sa.func.now()
        )
    sanctions.import_folder(database, SANCTIONS)
    assert run_jobs(database) == jobs
    sanctions.import_folder(
        database, sanctions.write_files(tmp_path, [PARTY_ONE, PARTY_TWO, PARTY_SIX])
    )
    assert run_jobs(database) == jobs
    with database.reading() as session:
        rows = session.rows(
            "SELECT person_id, array_agg(verdict ORDER BY id), array_agg(list_version ORDER BY id)"
            " FROM screenings WHERE purpose = 'list_update' GROUP BY person_id"
        )
    verdicts_and_versions = {
        person_id: (verdicts, versions) for person_id, verdicts, versions in rows
    }
    assert verdicts_and_versions == {
        person.user_id: (["clear", "incomplete" if person is suspect else "clear"], [1, 2])
        for person in people
        if person is not erased
    }


def test_rescreening_stops_when_a_newer_list_is_current(lone_app: Flask, tmp_path: Path) -> None:
    database: Database = lone_app.extensions["database"]
    People(database).customer()
    sanctions.import_folder(database, SANCTIONS)
    sanctions.import_folder(
        database, sanctions.write_files(tmp_path, [PARTY_ONE, PARTY_TWO, PARTY_SIX])
    )
    with database.transaction() as session:
        rescreening.rescreen(session, version=1, source="accounts", after=None)
        assert count_rows(session, Screening) == 0


def test_source_name_can_be_registered_once() -> None:
    assert "accounts" in subjects.source_names()
    with pytest.raises(TypeError):
        subjects.register_source("accounts", lambda _session, _after, _limit: [])
    with pytest.raises(LookupError):
        subjects.source_named("nobody")


def test_check_prints_similar_listed_parties(app: Flask, listed: Database) -> None:
    with database_unchanged(listed):
        listed_result = run_cli(
            app, "check", "Dragan Esperpento", "--born", "1960-06-14", "--country", "MD"
        )
    assert listed_result.exit_code == 1
    assert (
        "100  ESPERPENTO, Dragan (aka)  individual 1 ESPERPENTO VILLANOVA" in listed_result.output
    )
    assert "SAMPLE  birth date: equal, country: agrees, number: unknown" in listed_result.output
    unlisted_result = run_cli(app, "check", "Grace Hopper")
    assert unlisted_result.exit_code == 0
    version = newest_version(listed).version
    assert (
        unlisted_result.output == f"No name on version {version} of the list resembles this one.\n"
    )
    assert run_cli(app, "check", "Grace Hopper", "--country", "XX").exit_code == 2


def test_check_without_a_list_fails(lone_app: Flask) -> None:
    result = run_cli(lone_app, "check", "Grace Hopper")
    assert result.exit_code == 1
    assert "Import one: flask sanctions import DIR" in result.output


def test_accounts_source_returns_people_by_public_id(listed: Database, people: People) -> None:
    person = people.customer()
    with listed.transaction() as session:
        source = subjects.source_named("accounts")
        everyone = source(session, None, 10_000)
        of_person = [subject for subject in everyone if subject.person_id == person.user_id]
        assert [subject.about for subject in of_person] == [ids.encode("usr", person.user_id)]
        assert [subject.subject.names for subject in of_person] == [("Ada Lovelace",)]
        assert source(session, everyone[-1].id, 10) == []


def test_check_of_a_file_prints_a_json_object_for_each_line(
    app: Flask, listed: Database, tmp_path: Path
) -> None:
    file = tmp_path / "names.csv"
    file.write_text(
        "\ufeffkind,name,born,country,number\n"
        "person,Dragan Esperpento,1960-06-14,US,\n"
        'company,"Hopper, Grace & Co.",,,\n',
        encoding="utf-8",
    )
    result = app.test_cli_runner().invoke(
        args=["sanctions", "check", "--file", str(file), "--json"]
    )
    assert result.exit_code == 1
    listed_line, clear_line = map(json.loads, result.output.splitlines())
    assert (listed_line["verdict"], listed_line["score"]) == ("review", 100)
    assert listed_line["entries"] == [1]
    [hit] = listed_line["hits"]
    assert (hit["agrees"], hit["differs"]) == (["birthDate"], [])
    assert hit["unknown"] == ["country", "number"]
    assert (clear_line["verdict"], clear_line["score"], clear_line["hits"]) == ("clear", 0, [])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("name,born\n", "line 1: the columns kind, country, number are missing"),
        ("kind,name,born,country,number\nship,Ada,,,\n", "line 2: kind: enter person, company"),
        ("kind,name,born,country,number\n,Ada,1.2.1970,,\n", "line 2: born: enter a date like"),
        ("kind,name,born,country,number\n,Ada,,UK,\n", "line 2: country: enter a code"),
        ("kind,name,born,country,number\n,-,,,\n", "line 2: name: enter a name in letters"),
    ],
)
def test_check_of_an_invalid_file_says_where_and_what_is_right(
    app: Flask, listed: Database, tmp_path: Path, lines: str, message: str
) -> None:
    file = tmp_path / "names.csv"
    file.write_text(lines)
    result = app.test_cli_runner().invoke(args=["sanctions", "check", "--file", str(file)])
    assert result.exit_code == 1
    assert message in result.output


def test_files_with_a_byte_order_mark_and_doubled_quotes_are_read(
    listed: Database, tmp_path: Path
) -> None:
    folder = sanctions.write_files(
        tmp_path, [(1, "ESPERPENTO", "individual", 'a.k.a. ""THE BOOKKEEPER"".')]
    )
    for file in folder.iterdir():
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    [entry] = sdn.read_files(folder).entries
    assert entry.name == "ESPERPENTO"
    assert index.indexed_party(entry).names[1] == ("weak", "THE BOOKKEEPER")
