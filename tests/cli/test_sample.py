from uuid import uuid4

import pytest
from flask import Flask, url_for

from app.access import Role
from app.blueprints import nav
from app.branches import queries as branches_queries
from app.cli.sample import PASSWORD, PEOPLE, sample
from app.config import Environment, Settings
from app.embedded.__main__ import SAMPLE_HOMES
from app.identity.accounts import people
from app.identity.accounts import queries as account_queries
from app.identity.accounts import service as accounts
from app.identity.sign_in import password_proof
from app.identity.sign_in import service as sign_in
from app.kit.db import Database


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
    def test_load_adds_each_sample_person_once(self, app: Flask, database: Database) -> None:
        runner = app.test_cli_runner()
        assert runner.invoke(sample, ["load"]).exit_code == 0
        money = units(database, "customer@pbcex.local", "USD")
        posted = entries(database)
        again = runner.invoke(sample, ["load"])
        assert again.exit_code == 0
        assert again.output == "0 people added, 7 existed already\n"
        assert units(database, "customer@pbcex.local", "USD") == money >= 2_500_000
        assert units(database, "customer@pbcex.local", "PAXG") >= 200_000_000
        assert entries(database) == posted

    def test_homes_that_bin_run_prints_are_those_of_the_sample_people(self, app: Flask) -> None:
        with app.test_request_context():
            assert {
                local: "/api/docs" if role is Role.USER else url_for(nav.home_of(role))
                for local, role, _, _ in PEOPLE
            } == SAMPLE_HOMES

    def test_sample_teller_works_at_a_branch(self, app: Flask, database: Database) -> None:
        assert app.test_cli_runner().invoke(sample, ["load"]).exit_code == 0
        with database.reading() as session:
            teller = account_queries.get_person_by_email(session, "teller@pbcex.local")
            at_work = people.list_branch_staff(
                session, branches_queries.find_branch_id(session, "MAIN")
            )
        assert [person.id for person in at_work] == [teller.id]

    def test_sample_people_can_sign_in_with_their_roles(
        self, app: Flask, database: Database
    ) -> None:
        assert app.test_cli_runner().invoke(sample, ["load"]).exit_code == 0
        for local, role, _, _ in PEOPLE:
            with database.reading() as session:
                email = f"{local}@pbcex.local"
                attempt = sign_in.begin_sign_in(session, email=email, network="192.0.2.200")
                person = account_queries.get_person_by_email(session, email)
            assert password_proof.check_password(attempt, PASSWORD).proven
            assert person.role is role
            assert person.email_confirmed_at is not None


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


@pytest.mark.parametrize("arguments", [["load"], ["credit", "customer@pbcex.local", "USD", "1"]])
def test_sample_commands_are_refused_in_production(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    before = entries(database)
    production = app.extensions["settings"].model_copy(update={"env": Environment.PRODUCTION})
    assert isinstance(production, Settings)
    monkeypatch.setitem(app.extensions, "settings", production)
    result = app.test_cli_runner().invoke(sample, arguments)
    assert result.exit_code == 1
    assert "production" in result.output
    assert entries(database) == before
