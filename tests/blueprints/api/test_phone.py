"""Phones are verified by a code before texts, prompts or payouts go to them."""

from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.identity.accounts import phone_verification
from app.identity.accounts.phone_verification import LIFETIME, PhoneRules
from app.identity.models import PhoneCode
from app.identity.sign_in.rules import PROOF_LIFETIME
from app.kit import clock
from app.kit.db import Database
from app.kit.ports import provide
from app.messages.ports import OutgoingSms, SmsSender
from tests.api_client import ApiClient, assert_problem
from tests.fixed_settings import fixed_settings
from tests.mailbox import Mailbox, run_pending_jobs
from tests.rows import read_values
from tests.unchanged_database import database_unchanged

PROFILE = "/api/me"
CODE = f"{PROFILE}/phone/verification"
SECOND = timedelta(seconds=1)


class Carrier:
    """A carrier that records the texts handed to it."""

    name = "carrier"

    def __init__(self) -> None:
        self.sent: list[OutgoingSms] = []

    def send(self, sms: OutgoingSms) -> str:
        self.sent.append(sms)
        return uuid4().hex


@pytest.fixture
def carrier(open_app: Flask) -> Carrier:
    carrier = Carrier()
    provide(SmsSender, carrier)  # type: ignore[type-abstract] # of a protocol
    return carrier


_ENDINGS = count(5000)


def new_phone() -> str:
    """Return a phone that no other test uses."""
    return f"+1202555{next(_ENDINGS):04}"


@pytest.fixture
def ada(open_app: Flask) -> ApiClient:
    """A customer with a confirmed email address and a phone that is not verified."""
    client = ApiClient.create_customer(open_app)
    return with_phone(client, new_phone())


def with_phone(client: ApiClient, phone: str) -> ApiClient:
    client.user = client.ok(200, client.send("PATCH", PROFILE, json={"phone": phone}))
    return client


def request_code(client: ApiClient, database: Database, carrier: Carrier) -> str:
    """Request a code and return it, as the text shows it."""
    client.ok(202, client.post(CODE))
    run_pending_jobs(database, "messages.send_text")
    sms = carrier.sent[-1]
    assert sms.recipient == client.user["phone"]
    _, code, *_ = sms.body.split()
    return code


def confirm(client: ApiClient, code: str) -> TestResponse:
    return client.post(f"{CODE}/confirm", {"code": code})


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


class TestVerification:
    def test_code_of_the_text_verifies_the_phone_once(
        self, ada: ApiClient, database: Database, carrier: Carrier
    ) -> None:
        assert ada.user["phoneVerified"] is False
        code = request_code(ada, database, carrier)
        assert ada.ok(200, confirm(ada, code))["phoneVerified"] is True
        assert_problem(confirm(ada, code), 409, "phone_verified")
        assert_problem(ada.post(CODE), 409, "phone_verified")

    def test_only_another_number_needs_a_recent_sign_in(
        self, ada: ApiClient, database: Database
    ) -> None:
        with time_machine.travel(clock.now() + PROOF_LIFETIME + SECOND, tick=False):
            ada.ok(200, ada.send("PATCH", PROFILE, json={"phone": ada.user["phone"]}))
            for another in (new_phone(), None):
                with database_unchanged(database):
                    response = ada.send("PATCH", PROFILE, json={"phone": another})
                    assert_problem(response, 401, "reauthentication_required")

    def test_another_number_is_to_be_verified_again_and_its_owner_hears_of_it(
        self, ada: ApiClient, database: Database, carrier: Carrier, mailbox: Mailbox
    ) -> None:
        ada.ok(200, confirm(ada, request_code(ada, database, carrier)))
        same = ada.send("PATCH", PROFILE, json={"phone": ada.user["phone"], "firstName": "Eve"})
        assert ada.ok(200, same)["phoneVerified"] is True
        phone = new_phone()
        with_phone(ada, phone)
        assert ada.user["phoneVerified"] is False
        run_pending_jobs(database)
        email = mailbox.sent_to(ada.email)[-1]
        assert email.subject == "Your phone number was changed"
        assert phone[-3:] in email.text
        assert phone not in email.text

    def test_code_may_be_typed_in_groups(
        self, ada: ApiClient, database: Database, carrier: Carrier
    ) -> None:
        code = request_code(ada, database, carrier)
        ada.ok(200, confirm(ada, f" {code[:3]}-{code[3:]}"))

    def test_code_for_the_former_phone_does_not_verify_the_present_one(
        self, ada: ApiClient, database: Database, carrier: Carrier
    ) -> None:
        code = request_code(ada, database, carrier)
        with_phone(ada, new_phone())
        assert_problem(confirm(ada, code), 409, "phone_code_invalid")

    def test_only_the_latest_code_works_and_for_ten_minutes(
        self, ada: ApiClient, database: Database, carrier: Carrier
    ) -> None:
        now = clock.now()
        with time_machine.travel(now, tick=False) as traveller:
            first = request_code(ada, database, carrier)
            second = request_code(ada, database, carrier)
            assert_problem(confirm(ada, first), 409, "phone_code_invalid")
            traveller.move_to(now + LIFETIME)
            assert_problem(confirm(ada, second), 409, "phone_code_invalid")
            traveller.move_to(now + LIFETIME - SECOND)
            ada.ok(200, confirm(ada, second))

    def test_five_wrong_codes_end_the_right_one(
        self, ada: ApiClient, database: Database, carrier: Carrier
    ) -> None:
        code = request_code(ada, database, carrier)
        for _ in range(5):
            assert_problem(confirm(ada, wrong(code)), 409, "phone_code_invalid")
        assert_problem(confirm(ada, code), 409, "phone_code_invalid")
        code = request_code(ada, database, carrier)
        for _ in range(4):
            assert_problem(confirm(ada, wrong(code)), 409, "phone_code_invalid")
        ada.ok(200, confirm(ada, code))

    def test_code_needs_a_confirmed_email_address_and_a_number(
        self, open_app: Flask, database: Database
    ) -> None:
        newcomer = ApiClient(open_app)
        newcomer.register(phone=new_phone())
        with database_unchanged(database):
            assert_problem(newcomer.post(CODE), 403, "email_not_confirmed")
        without = ApiClient.create_customer(open_app)
        with database_unchanged(database):
            assert_problem(without.post(CODE), 409, "phone_needed")

    def test_code_is_neither_stored_nor_staged(
        self, ada: ApiClient, database: Database, carrier: Carrier
    ) -> None:
        code = request_code(ada, database, carrier)
        with database.reading() as session:
            person = PhoneCode.user_id == ada.user_id
            stored: list[Any] = read_values(session, PhoneCode.nonce, person)
            staged = session.rows(
                "SELECT args::text FROM outbox WHERE args ->> 'user_id' = %s", (str(ada.user_id),)
            )
        assert len(stored) == 1
        assert not [text for (text,) in staged if code in text or ada.user["phone"] in text]


class TestLimits:
    def test_person_receives_so_many_codes_a_day(self, ada: ApiClient) -> None:
        with fixed_settings(PhoneRules(codes_per_person_day=2)):
            for _ in range(2):
                with_phone(ada, new_phone())
                ada.ok(202, ada.post(CODE))
            with_phone(ada, new_phone())
            assert_problem(ada.post(CODE), 409, "limit_exceeded")
            # A day later.
            with time_machine.travel(clock.now() + timedelta(days=1, minutes=1)):
                ada.sign_in()
                ada.ok(202, ada.post(CODE))

    def test_phone_receives_so_many_codes_a_day_from_all_accounts(
        self, ada: ApiClient, open_app: Flask
    ) -> None:
        other = with_phone(ApiClient.create_customer(open_app), ada.user["phone"])
        with fixed_settings(PhoneRules(codes_per_phone_day=2)):
            for client in (ada, other):
                client.ok(202, client.post(CODE))
            assert_problem(ada.post(CODE), 409, "limit_exceeded")

    def test_codes_that_count_no_more_are_deleted(self, ada: ApiClient, database: Database) -> None:
        ada.ok(202, ada.post(CODE))
        person, now = PhoneCode.user_id == ada.user_id, clock.now()
        for age, kept in ((timedelta(days=1) - SECOND, 1), (timedelta(days=1) + SECOND, 0)):
            with database.transaction() as session:
                phone_verification.delete_old(session, now + age)
            with database.reading() as session:
                assert len(read_values(session, PhoneCode.id, person)) == kept
