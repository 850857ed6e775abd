"""Legal entities: adding one, changing its facts, and how it reports cash."""

from dataclasses import replace

import pytest

from app.access import Actor, Role
from app.branches.entities import queries as entities_queries
from app.branches.entities import rules
from app.branches.entities import service as entities
from app.branches.entities.errors import EntityCodeTaken, RegimeUnchanged
from app.branches.entities.rules import FIRST_ENTITY, CashReportRegime
from app.branches.entities.service import EntityFacts
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid
from app.kit.postal_addresses import PostalAddress
from tests.people import People
from tests.second_person import approve

REASON = "because of a test"
ADDRESS = PostalAddress("us", "1 Main Street", city="Dover", state="Delaware", zip_code="19901")
FACTS = EntityFacts("Harbour Coins LLC", "us-de", ADDRESS, "12-3456789")


def new_code() -> str:
    return f"E{ids.new().hex[-11:].upper()}"


def test_entity_is_kept_as_the_register_writes_it(database: Database, admin: Actor) -> None:
    with database.transaction() as session:
        entity_id = entities.add_entity(
            session, admin, new_code().lower(), FACTS, CashReportRegime.FORM_8300
        )
    with database.reading() as session:
        entity = entities_queries.get_entity(session, entity_id)
    assert entity.postal is not None
    assert entity.postal.in_one_line == "1 Main Street, Dover, Delaware (DE), 19901, US"
    assert (entity.jurisdiction, entity.jurisdiction_name) == ("US-DE", "Delaware, United States")
    with database.transaction() as session:
        entities.change_entity(session, admin, entity_id, replace(FACTS, tax_number=""))
    with database.reading() as session:
        assert entities_queries.get_entity(session, entity_id).tax_number is None


def test_code_of_an_entity_is_used_once(database: Database, admin: Actor) -> None:
    with pytest.raises(EntityCodeTaken), database.transaction() as session:
        entities.add_entity(session, admin, "pbcex", FACTS, CashReportRegime.CTR)


def test_regime_changes_once_a_second_person_approves(
    database: Database, people: People, admin: Actor
) -> None:
    ctr, form = CashReportRegime.CTR, CashReportRegime.FORM_8300
    with database.transaction() as session:
        entity_id = entities.add_entity(session, admin, new_code(), FACTS, form)
    with database.transaction() as session, pytest.raises(RegimeUnchanged):
        entities.request_regime(session, admin, entity_id, form, reason=REASON)
    with database.transaction() as session:
        request_id = entities.request_regime(session, admin, entity_id, ctr, reason=REASON)
        assert entities_queries.get_entity(session, entity_id).cash_report_regime is form
    approve(database, people.staff(Role.ADMIN), request_id)
    with database.reading() as session:
        assert entities_queries.get_entity(session, entity_id).cash_report_regime is ctr


@pytest.mark.parametrize("text", ["US", "ke", "us-ny", "US-DC"])
def test_jurisdiction_is_a_country_or_a_state(text: str) -> None:
    assert rules.clean_jurisdiction(text) == text.upper()


@pytest.mark.parametrize("text", ["", "USA", "XX", "US-", "US-XX", "DE-NY", "New York"])
def test_other_jurisdiction_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        rules.clean_jurisdiction(text)
    assert refusal.value.field == "jurisdiction"


def test_tax_number_is_that_of_a_company() -> None:
    assert rules.clean_tax_number("US-DE", " 12-3456789 ") == "12-3456789"
    assert rules.clean_tax_number("KE", "P051234567X") == "P051234567X"
    assert rules.clean_tax_number("KE", "9" * 30) == "9" * 30
    # That of a person is written 123-45-6789.
    for jurisdiction, text in (("US-DE", "123-45-6789"), ("US", "123456789"), ("KE", "9" * 31)):
        with pytest.raises(Invalid) as refusal:
            rules.clean_tax_number(jurisdiction, text)
        assert refusal.value.field == "tax_number"


def test_every_database_has_the_first_entity(database: Database) -> None:
    with database.reading() as session:
        first = entities_queries.get_entity(session, FIRST_ENTITY)
    assert (first.code, first.cash_report_regime) == ("PBCEX", CashReportRegime.CTR)
