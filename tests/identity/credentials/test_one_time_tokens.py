"""One-time links: issue, redeem once, expire, invalidate."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import time_machine

from app.access import Actor
from app.identity.credentials import one_time_tokens
from app.identity.credentials.one_time_tokens import LIFETIME, LinkPurpose, OneTimeKey
from app.identity.errors import TokenInvalid
from app.kit.db import Database
from tests.people import People

NOW = datetime(2031, 3, 4, 5, 6, 7, tzinfo=UTC)


def issue(database: Database, person: Actor, purpose: LinkPurpose) -> str:
    with database.transaction() as session:
        link = one_time_tokens.issue_link(session, person.user_id, purpose)
        token = one_time_tokens.rebuild_token(session, link)
    assert token is not None
    return token


def redeem(database: Database, token: str, purpose: LinkPurpose) -> UUID:
    with database.transaction() as session:
        return one_time_tokens.redeem_link(session, token, purpose).user_id


@pytest.mark.parametrize("purpose", list(LinkPurpose))
def test_link_works_once_for_its_own_purpose(database, person, purpose: LinkPurpose) -> None:
    token = issue(database, person, purpose)
    for other in set(LinkPurpose) - {purpose}:
        with pytest.raises(TokenInvalid):
            redeem(database, token, other)
    assert redeem(database, token, purpose) == person.user_id
    with pytest.raises(TokenInvalid):
        redeem(database, token, purpose)


@pytest.mark.parametrize("purpose", list(LinkPurpose))
def test_expired_link_is_refused(database, person, purpose: LinkPurpose) -> None:
    assert LIFETIME[LinkPurpose.RESET_PASSWORD] == timedelta(hours=1)
    with time_machine.travel(NOW, tick=False) as clock:
        early, late = (issue(database, person, purpose) for _ in range(2))
        clock.shift(LIFETIME[purpose] - timedelta(milliseconds=1))
        assert redeem(database, early, purpose) == person.user_id
        clock.shift(timedelta(milliseconds=1))
        with pytest.raises(TokenInvalid):
            redeem(database, late, purpose)


@pytest.mark.parametrize("text", ["", "x", "otk_1.x", "\ud800", "é" * 300])
def test_malformed_token_is_refused(database, person, text: str) -> None:
    token = issue(database, person, LinkPurpose.RESET_PASSWORD)
    for wrong in (text, token[:-1], token + "A", token.upper(), f" {token}", f"{token}="):
        with pytest.raises(TokenInvalid):
            redeem(database, wrong, LinkPurpose.RESET_PASSWORD)
    assert redeem(database, token, LinkPurpose.RESET_PASSWORD) == person.user_id


def test_token_cannot_be_rebuilt_without_the_key(database, person) -> None:
    token = issue(database, person, LinkPurpose.RESET_PASSWORD)
    with database.reading() as session:
        [row] = session.rows(
            "SELECT id, purpose, nonce, token_hash, t::text FROM one_time_tokens t"
            " WHERE user_id = %s",
            (person.user_id,),
        )
    identifier, purpose, nonce, token_hash, text = row
    secret = token.rpartition(".")[2]
    assert secret not in text
    assert len(token_hash) == 32
    other_key = OneTimeKey("another secret key that signed no token")
    assert other_key.make_token(identifier, purpose, nonce) != token


def test_invalidation_ends_all_links_of_one_purpose(database, person, people: People) -> None:
    reset_token, confirmation_token = (
        issue(database, person, purpose)
        for purpose in (LinkPurpose.RESET_PASSWORD, LinkPurpose.CONFIRM_EMAIL)
    )
    other_persons_token = issue(database, people.customer(), LinkPurpose.RESET_PASSWORD)
    with database.transaction() as session:
        one_time_tokens.invalidate_links(session, person.user_id, LinkPurpose.RESET_PASSWORD)
    with pytest.raises(TokenInvalid):
        redeem(database, reset_token, LinkPurpose.RESET_PASSWORD)
    redeem(database, other_persons_token, LinkPurpose.RESET_PASSWORD)
    redeem(database, confirmation_token, LinkPurpose.CONFIRM_EMAIL)


def test_expired_links_are_deleted(database, person) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        issue(database, person, LinkPurpose.RESET_PASSWORD)
        valid_token = issue(database, person, LinkPurpose.CONFIRM_EMAIL)
        clock.shift(timedelta(hours=1))
        with database.transaction() as session:
            one_time_tokens.delete_expired(session, frozen_now())
        with database.reading() as session:
            count = "SELECT count(*) FROM one_time_tokens WHERE user_id = %s"
            assert session.rows(count, (person.user_id,)) == [(1,)]
        redeem(database, valid_token, LinkPurpose.CONFIRM_EMAIL)


def frozen_now() -> datetime:
    return datetime.now(UTC)


def test_link_for_unknown_person_is_refused(database) -> None:
    with pytest.raises(TokenInvalid), database.transaction() as s:
        one_time_tokens.issue_link(s, uuid4(), LinkPurpose.RESET_PASSWORD)
