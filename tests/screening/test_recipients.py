"""Screening of the people and companies to whom goods go."""

from dataclasses import replace

from flask import Flask

from app.identity.models import User
from app.kit import ids
from app.kit.db import Database
from app.kit.postal_addresses import PostalAddress
from app.screening.models import Screening
from app.screening.recipients import screen_recipient
from app.screening.rules import Verdict
from tests import sanctions
from tests.people import People
from tests.rows import change_rows, read_values

CONCORD = PostalAddress("US", "1 Main Street", city="Concord", state="NH", zip_code="03301")


def test_recipient_is_screened_under_the_names_of_the_address(
    listed: Database, people: People
) -> None:
    """The customer without a name, another person, and a company; the customer's verdict counts."""
    first, last = sanctions.LISTED_NAME.rsplit(" ", 1)
    for lines, is_listed, verdict in (
        ({}, False, Verdict.CLEAR),
        ({"recipient": "Grace Hopper"}, False, Verdict.CLEAR),
        ({"recipient": sanctions.LISTED_NAME}, False, Verdict.REVIEW),
        ({"company": sanctions.LISTED_NAME}, False, Verdict.REVIEW),
        ({}, True, Verdict.REVIEW),
    ):
        customer, about = people.customer(), f"ord_{ids.new().hex}"
        with listed.transaction() as session:
            if is_listed:
                change_rows(
                    session, User, User.id == customer.user_id, first_name=first, last_name=last
                )
            address = replace(CONCORD, **lines)
            assert screen_recipient(session, customer.user_id, address, about=about) is verdict
            at_counter = screen_recipient(session, customer.user_id, None, about=about)
            # Whatever is undecided about the customer holds up all their goods.
            assert at_counter is verdict
            recorded = read_values(session, Screening.purpose, Screening.about == about)
    assert set(recorded) == {"delivery"}


def test_nothing_is_delivered_without_a_list(lone_app: Flask) -> None:
    database = lone_app.extensions["database"]
    customer = People(database).customer()
    with database.transaction() as session:
        assert screen_recipient(session, customer.user_id, CONCORD, about="ord_test") is None
