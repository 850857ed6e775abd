"""Importing lists: whole or not at all, versions kept, everybody screened again."""

import shutil
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app.cli.sample import SANCTIONS
from app.kit import ids
from app.kit.db import Database
from app.outbox import service as outbox
from app.screening import queries as screening_queries
from app.screening.decisions import rescreening, subjects
from app.screening.errors import ImportRunning, ListShrank
from app.screening.lists import index, sdn
from app.screening.lists.imports import import_list
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject
from tests import sanctions
from tests.people import People
from tests.unchanged_database import database_unchanged

ONE = (1, "ESPERPENTO VILLANOVA, Dragomir Casimir", "individual", "DOB 14 Jun 1960.")
TWO = (2, "UMBRAVITZ, Xenobia", "individual", "")
SIX = (6, "PHANTASMOS, Melchior", "individual", "")


def cli(app: Flask, *arguments: object) -> Result:
    return app.test_cli_runner().invoke(args=["sanctions", *map(str, arguments)])


def newest(database: Database) -> screening_queries.ListVersion:
    with database.reading() as session:
        return screening_queries.list_versions(session, 1)[0]


def numbers(database: Database, name: str) -> list[int]:
    with database.reading() as session:
        _, found = screening.preview_hits(session, ScreeningSubject((name,)))
        return [match.entry_number for match in found]


def test_a_new_version_says_what_changed_and_the_old_one_stays(
    app: Flask, listed: Database, tmp_path: Path
) -> None:
    before = newest(listed)
    folder = sanctions.write_files(
        tmp_path, [ONE, TWO, SIX], aliases=[(6, "aka", "MEL THE GHOST")], addresses=[(6, "Cuba")]
    )
    result = cli(app, "import", folder, "--accept-shrunk")
    assert result.exit_code == 0, result.output
    assert f"{folder}: 3 entries" in result.output
    version = before.version + 1
    assert (
        f"Version {version}: 1 added, 2 changed, 2 removed. Everyone is screened again in the"
        " background." in result.output
    )
    after = newest(listed)
    assert (after.version, after.entries, after.aliases, after.addresses) == (version, 3, 1, 1)
    assert (after.added, after.changed, after.removed) == (1, 2, 2)
    assert after.digest == sdn.read_files(folder).digest
    with listed.reading() as session:
        assert index.current_list(session).version == version
        old = screening_queries.listed_parties(session, [1, 2, 3, 4, 6], before.version)
        new = screening_queries.listed_parties(session, [1, 2, 3, 4, 6], version)
        [(action, told)] = session.rows(
            "SELECT action, after FROM audit_records WHERE subject = %s",
            (f"sanctions list {version}",),
        )
    assert (sorted(old), sorted(new)) == ([1, 2, 3, 4], [1, 2, 6])
    assert (old[2].remarks, new[2].remarks) != (new[2].remarks, old[2].remarks)
    assert (action, told["added"]) == ("sanctions.imported", 1)
    assert numbers(listed, "Mel the Ghost") == [6]
    assert numbers(listed, "Shadow Bullion Trading LLC") == []


def test_the_list_that_stands_is_recognised(app: Flask, listed: Database) -> None:
    with database_unchanged(listed):
        result = cli(app, "import", SANCTIONS)
    assert result.exit_code == 0
    version = newest(listed).version
    assert f"This list is already current: version {version}." in result.output


def test_an_older_list_again_is_a_new_version(listed: Database, tmp_path: Path) -> None:
    before = newest(listed).version
    sanctions.import_folder(listed, sanctions.write_files(tmp_path, [ONE]))
    assert sanctions.import_folder(listed, SANCTIONS).version == before + 2


def test_a_bad_file_is_named_with_its_line_and_nothing_is_changed(
    app: Flask, listed: Database, tmp_path: Path
) -> None:
    folder = shutil.copytree(SANCTIONS, tmp_path / "list")
    lines = (folder / sdn.ALT).read_text().splitlines()
    (folder / sdn.ALT).write_text("\n".join([*lines[:2], lines[2].replace("aka", "abc")]))
    with database_unchanged(listed):
        result = cli(app, "import", folder)
    assert result.exit_code == 1
    assert "alt.csv, line 3: expected aka, fka or nka, and a name. Nothing was" in result.output
    with database_unchanged(listed):
        result = cli(app, "import", tmp_path)
    assert "sdn.csv, line 1: the file cannot be read: No such file or directory" in result.output


def test_a_list_that_shrank_is_refused_unless_accepted(
    app: Flask, listed: Database, tmp_path: Path
) -> None:
    folder = sanctions.write_files(tmp_path, [ONE, TWO, SIX])
    with database_unchanged(listed):
        result = cli(app, "import", folder)
    assert result.exit_code == 1
    assert (
        "The new list has 3 entries; the current list has 4. Nothing was changed." in result.output
    )
    with database_unchanged(listed), pytest.raises(ListShrank):
        sanctions.import_folder(listed, folder, accept_shrunk=False)
    assert sanctions.import_folder(listed, folder).is_new


def test_an_import_that_breaks_off_leaves_nothing(listed: Database, tmp_path: Path) -> None:
    files = sdn.read_files(sanctions.write_files(tmp_path, [ONE, SIX]))

    def killed(_stored: int) -> None:
        raise KeyboardInterrupt

    with (
        database_unchanged(listed),
        pytest.raises(KeyboardInterrupt),
        listed.transaction() as session,
    ):
        import_list(session, files, progress=killed, accept_shrunk=True)
    assert numbers(listed, "Melchior Phantasmos") == []


def test_two_imports_do_not_mix(listed: Database, tmp_path: Path) -> None:
    files = sdn.read_files(sanctions.write_files(tmp_path, [ONE, SIX]))
    with listed.transaction() as first:
        import_list(first, files, progress=lambda _stored: None, accept_shrunk=True)
        with pytest.raises(ImportRunning), listed.transaction() as second:
            import_list(second, files, progress=lambda _stored: None, accept_shrunk=True)
        # Whoever is screened meanwhile is screened against the list that stands.
        assert numbers(listed, "Melchior Phantasmos") == []
        assert numbers(listed, "Xenobia Umbravitz") == [2]
    assert numbers(listed, "Melchior Phantasmos") == [6]
    assert numbers(listed, "Xenobia Umbravitz") == []


def test_what_only_the_comments_know_is_kept_for_its_addresses(
    listed: Database, tmp_path: Path
) -> None:
    address = "1AjZPMsnmpdK2Rv9KQNfMurTXinscVro9V"
    said = f"Digital Currency Address - XBT {address}; a.k.a. 'THE UNPLACED ONE'."
    folder = sanctions.write_files(tmp_path, [ONE, TWO, SIX], comments=[(99, said)])
    done = sanctions.import_folder(listed, folder)
    assert newest(listed).entries == 3
    with listed.transaction() as session:
        found = screening.screen_wallet(session, address, about="wdr_1", purpose="payout")
        assert [match.entry_number for match in found.hits] == [99]
        assert screening_queries.listed_parties(session, [99], done.version)[99].name == ""
    assert numbers(listed, "The Unplaced One") == [99]


def run_jobs(database: Database) -> int:
    """Do the screenings that are staged, as the worker does; answers how many jobs there were."""
    done = 0
    while True:
        with database.transaction() as session:
            rows = session.rows(
                "SELECT id, args FROM outbox WHERE task = 'screening.rescreen'"
                " AND done_at IS NULL ORDER BY id LIMIT 1"
            )
            if not rows:
                return done
            [(job, args)] = rows
            assert outbox.count_attempt(session, job)
            rescreening.rescreen(session, **args)
            outbox.mark_done(session, job)
        done += 1


def test_after_an_import_everybody_is_screened_again_in_batches(
    lone_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescreening, "BATCH", 3)
    database: Database = lone_app.extensions["database"]
    people = [People(database).customer() for _ in range(7)]
    # Six of them in threes and the end; the other sources know nobody.
    jobs = 3 + len(subjects.source_names()) - 1
    suspect, erased = people[4], people[5]
    with database.transaction() as session:
        session.send(
            "UPDATE users SET first_name = 'Melchior', last_name = 'Phantasmos' WHERE id = %s",
            (suspect.user_id,),
        )
        session.send(
            "UPDATE users SET status = 'erased', erased_at = now() WHERE id = %s",
            (erased.user_id,),
        )
    sanctions.import_folder(database, SANCTIONS)
    assert run_jobs(database) == jobs
    sanctions.import_folder(database, sanctions.write_files(tmp_path, [ONE, TWO, SIX]))
    assert run_jobs(database) == jobs
    with database.reading() as session:
        rows = session.rows(
            "SELECT person_id, array_agg(verdict ORDER BY id), array_agg(list_version ORDER BY id)"
            " FROM screenings WHERE purpose = 'list_update' GROUP BY person_id"
        )
    found = {person_id: (verdicts, versions) for person_id, verdicts, versions in rows}
    assert found == {
        person.user_id: (["clear", "review" if person is suspect else "clear"], [1, 2])
        for person in people
        if person is not erased
    }


def test_screening_again_ends_when_a_newer_list_stands(lone_app: Flask, tmp_path: Path) -> None:
    database: Database = lone_app.extensions["database"]
    People(database).customer()
    sanctions.import_folder(database, SANCTIONS)
    sanctions.import_folder(database, sanctions.write_files(tmp_path, [ONE, TWO, SIX]))
    with database.transaction() as session:
        rescreening.rescreen(session, version=1, source="accounts", after=None)
        assert session.rows("SELECT count(*) FROM screenings") == [(0,)]


def test_a_source_is_registered_once() -> None:
    assert "accounts" in subjects.source_names()
    with pytest.raises(TypeError):
        subjects.register_source("accounts", lambda _session, _after, _limit: [])
    with pytest.raises(LookupError):
        subjects.source_named("nobody")


def test_check_says_who_is_alike(app: Flask, listed: Database) -> None:
    with database_unchanged(listed):
        found = cli(app, "check", "Dragan Esperpento", "--born", "1960-06-14", "--country", "MD")
    assert found.exit_code == 1
    assert "100  ESPERPENTO, Dragan (aka)  individual 1 ESPERPENTO VILLANOVA" in found.output
    assert "SAMPLE  birth date: agrees, country: agrees" in found.output
    nobody = cli(app, "check", "Grace Hopper")
    assert nobody.exit_code == 0
    version = newest(listed).version
    assert nobody.output == f"No name on version {version} of the list resembles this one.\n"
    assert cli(app, "check", "Grace Hopper", "--country", "XX").exit_code == 2


def test_check_needs_a_list(lone_app: Flask) -> None:
    result = cli(lone_app, "check", "Grace Hopper")
    assert result.exit_code == 1
    assert "Import one: flask sanctions import DIR" in result.output


def test_a_person_is_known_by_their_public_id(listed: Database, people: People) -> None:
    who = people.customer()
    with listed.transaction() as session:
        after = subjects.source_named("accounts")
        found = after(session, None, 10_000)
        mine = [subject for subject in found if subject.person_id == who.user_id]
        assert [subject.about for subject in mine] == [ids.encode("usr", who.user_id)]
        assert [subject.subject.names for subject in mine] == [("Ada Lovelace",)]
        assert after(session, found[-1].id, 10) == []
