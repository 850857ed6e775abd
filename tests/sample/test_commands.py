"""`flask sample`: when it loads and when it does not, and play money."""

import socket
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from flask import Flask, url_for

from app.access import Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.blueprints import nav
from app.branches import queries as branches_queries
from app.config import Environment, Settings
from app.embedded.sample_people import PASSWORD, SAMPLE_PEOPLE
from app.identity.accounts import people
from app.identity.accounts import queries as account_queries
from app.identity.accounts import service as accounts
from app.identity.sign_in import password_proof
from app.identity.sign_in import service as sign_in
from app.kit.db import Database
from app.sample import load as business_load
from app.sample import timeline
from app.sample.business import Business
from app.sample.commands import sample
from app.sample.timeline import Act
from tests.people import People

NOTHING_ADDED = "The database has people already: nothing is added\n"


def count_people(database: Database) -> int:
    with database.reading() as session:
        return int(session.value("SELECT count(*) FROM users"))


def units(database: Database, email: str, asset: str) -> int:
    with database.reading() as session:
        person = account_queries.get_person_by_email(session, email)
        row = session.row(
            "SELECT b.posted FROM balances b JOIN accounts a ON a.id = b.account_id"
            " WHERE a.owner_id = %s AND a.asset = %s",
            (person.id, asset),
        )
    return row[0] if row else 0


def entries(database: Database) -> int:
    with database.reading() as session:
        row = session.row("SELECT count(*) FROM entries WHERE cause = 'sample_credit'")
    assert row is not None
    return row[0]


def new_person(database: Database) -> str:
    email = f"{uuid4().hex}@example.com"
    registration = accounts.prepare_registration(
        email=email, password="correct horse", first_name="Ada", last_name="Lovelace"
    )
    with database.transaction() as session:
        accounts.add_person(session, registration, Role.USER)
    return email


class TestLoad:
    def test_second_load_changes_nothing(
        self, sample_app: Flask, sample_database: Database
    ) -> None:
        before = count_people(sample_database)
        again = sample_app.test_cli_runner().invoke(sample, ["load"])
        assert (again.exit_code, again.output) == (0, NOTHING_ADDED)
        assert count_people(sample_database) == before > 20

    def test_database_with_people_is_left_alone(self, empty_app: Flask) -> None:
        database: Database = empty_app.extensions["database"]
        People(database).customer()
        result = empty_app.test_cli_runner().invoke(sample, ["load"])
        assert (result.exit_code, result.output) == (0, NOTHING_ADDED)
        assert count_people(database) == 1

    def test_load_needs_the_address_at_which_it_plays_the_providers(self, empty_app: Flask) -> None:
        port = urlsplit(empty_app.extensions["settings"].sandbox_url).port
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", port))
            taken.listen()
            result = empty_app.test_cli_runner().invoke(sample, ["load"])
        assert result.exit_code == 1
        assert "PBCEX_SANDBOX_URL must name a free port" in result.output

    def test_load_that_was_killed_begins_again_from_an_empty_database(
        self, empty_app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database, acts = empty_app.extensions["database"], timeline.all_acts()[:4]
        runner = empty_app.test_cli_runner()

        def die(business: Business) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(business_load, "all_acts", lambda: [*acts, Act(acts[-1].ago, die)])
        assert runner.invoke(sample, ["load"]).exit_code == 1
        begun = count_people(database)
        monkeypatch.setattr(business_load, "all_acts", lambda: acts)
        result = runner.invoke(sample, ["load"])
        assert result.exit_code == 0, result.output
        assert "Loading the sample broke off: beginning again" in result.output
        assert count_people(database) == begun > 10
        assert runner.invoke(sample, ["load"]).output == NOTHING_ADDED

    def test_people_who_came_after_a_broken_off_load_are_not_deleted(
        self, empty_app: Flask
    ) -> None:
        database: Database = empty_app.extensions["database"]
        with database.transaction() as session:
            audit.record(session, actor=None, action=AuditAction.SAMPLE_BEGUN, subject="sample")
        People(database).customer()
        result = empty_app.test_cli_runner().invoke(sample, ["load"])
        assert result.exit_code == 1
        assert "people were added since" in result.output
        assert count_people(database) == 1

    def test_homes_that_bin_run_prints_are_those_of_the_sample_people(self, app: Flask) -> None:
        with app.test_request_context():
            for person in SAMPLE_PEOPLE:
                role = Role(person.role)
                home = "/api/docs" if role is Role.USER else url_for(nav.home_of(role))
                assert person.home == home

    def test_sample_people_can_sign_in_with_their_roles_and_branches(
        self, sample_database: Database
    ) -> None:
        for person in SAMPLE_PEOPLE:
            with sample_database.reading() as session:
                attempt = sign_in.begin_sign_in(session, email=person.email, network="192.0.2.200")
                added = account_queries.get_person_by_email(session, person.email)
                branch_id = branches_queries.find_branch_id(session, person.branch)
                staff = people.list_branch_staff(session, branch_id) if branch_id else []
            assert password_proof.check_password(attempt, PASSWORD).proven
            assert added.role == person.role
            assert added.email_confirmed_at is not None
            assert bool(person.branch) is (added.id in {each.id for each in staff})


class TestCredit:
    def test_credit_gives_the_exact_amount_and_confirms_the_email(
        self, app: Flask, database: Database
    ) -> None:
        email = new_person(database)
        result = app.test_cli_runner().invoke(sample, ["credit", email.upper(), "PAXG", "1.5"])
        assert result.exit_code == 0
        assert result.output == f"1.50000000 PAXG credited to {email.upper()}\n"
        assert units(database, email, "PAXG") == 150_000_000
        with database.reading() as session:
            assert (
                account_queries.get_person_by_email(session, email).email_confirmed_at is not None
            )

    @pytest.mark.parametrize(
        ("asset", "amount", "says"),
        [
            ("USD", "-1", "decimal string"),
            ("USD", "0", "above zero"),
            ("USD", "1.001", "at most 2 decimals"),
            ("USD", "1e5", "decimal string"),
            ("EUR", "1", "EUR"),
        ],
    )
    def test_invalid_amount_is_refused_and_credits_nothing(
        self, app: Flask, database: Database, asset: str, amount: str, says: str
    ) -> None:
        email = new_person(database)
        result = app.test_cli_runner().invoke(sample, ["credit", "--", email, asset, amount])
        assert result.exit_code != 0
        assert says in result.output
        assert units(database, email, "USD") == 0

    @pytest.mark.parametrize("email", ["nobody-here@example.com", "nobody"])
    def test_unknown_email_is_refused(self, app: Flask, database: Database, email: str) -> None:
        before = entries(database)
        result = app.test_cli_runner().invoke(sample, ["credit", email, "USD", "1"])
        assert result.exit_code == 1
        assert entries(database) == before


@pytest.mark.parametrize("env", [Environment.PRODUCTION, Environment.STAGING])
@pytest.mark.parametrize("arguments", [["load"], ["credit", "customer@pbcex.local", "USD", "1"]])
def test_sample_commands_are_refused_in_production(
    app: Flask,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    env: Environment,
) -> None:
    before = entries(database)
    production = app.extensions["settings"].model_copy(update={"env": env})
    assert isinstance(production, Settings)
    monkeypatch.setitem(app.extensions, "settings", production)
    result = app.test_cli_runner().invoke(sample, arguments)
    assert result.exit_code == 1
    assert "production" in result.output
    assert entries(database) == before
