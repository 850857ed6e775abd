"""One code, challenge, invitation or pending sign-in used by 32 at once: one wins."""

from collections.abc import Callable
from functools import partial
from random import Random

import pytest

from app.access import Role
from app.identity.accounts import invitations
from app.identity.accounts import queries as accounts_queries
from app.identity.credentials import one_time_tokens, passkeys
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.credentials.passkeys import RelyingParty
from app.identity.errors import (
    PasskeyRefused,
    SignInExpired,
    TokenInvalid,
    TwoFactorInvalid,
)
from app.identity.models import LoginSession
from app.identity.sign_in import pending_sign_in, staff_sign_in
from app.identity.sign_in.sessions import Device
from app.kit.errors import RateLimited
from tests.authenticator import Authenticator
from tests.drill import choose_size, rounds, seeded_random
from tests.people import PASSWORD
from tests.races.contest import THREADS, Arena, winners
from tests.rows import count_rows
from tests.staff import create_member_with_app

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(10, 100)
Race = Callable[[Arena, int, Random], None]
DEVICE = Device("192.0.2.7", "a test")


def race_for_pending_sign_in(arena: Arena, number: int, random: Random) -> None:
    """Use the same cookie and code 32 times; a recovery code in half of the rounds."""
    member = create_member_with_app(arena.database)
    code = member.code() if number % 2 else member.recovery_codes[0]
    with arena.database.transaction() as session:
        secret = pending_sign_in.start_pending(session, member.actor.user_id)

    def act() -> object:
        with arena.database.transaction() as session:
            return staff_sign_in.submit_code(session, secret, code, DEVICE)

    outcomes = arena.all_at_once([act] * THREADS, random)
    assert len(winners(outcomes, SignInExpired)) == 1


def race_for_code(arena: Arena, number: int, random: Random) -> None:
    member = create_member_with_app(arena.database)
    code = member.code() if number % 2 else member.recovery_codes[0]
    with arena.database.transaction() as session:
        secrets = [
            pending_sign_in.start_pending(session, member.actor.user_id) for _ in range(THREADS)
        ]

    def act(secret: str, at: int) -> object:
        device = Device(f"192.0.2.{at}", "a test")
        with arena.database.transaction() as session:
            return staff_sign_in.submit_code(session, secret, code, device)

    acts = [partial(act, secret, at) for at, secret in enumerate(secrets)]
    outcomes = arena.all_at_once(acts, random)
    assert len(winners(outcomes, TwoFactorInvalid, RateLimited)) == 1
    with arena.database.reading() as session:
        opened = count_rows(session, LoginSession, LoginSession.user_id == member.actor.user_id)
    assert opened == 1


def race_for_challenge(arena: Arena, number: int, random: Random) -> None:
    """Use the same response 32 times. In half of the rounds the challenge is consumed before the
    race, so that only the counter decides."""
    party = RelyingParty.from_url("http://localhost")
    actor = arena.people.staff(Role.ADMIN)
    key = Authenticator(party.origin, party.id, count=1)
    with arena.database.transaction() as session:
        question = passkeys.start_registration(session, party, actor)
        challenge = passkeys.consume_challenge(
            session, question.challenge, passkeys.ChallengePurpose.REGISTER, actor.user_id
        )
        passkey = passkeys.verify_registration(party, challenge, key.create(question.options))
        passkeys.add_passkey(session, actor, passkey, "key")
    with arena.database.transaction() as session:
        question = passkeys.start_authentication(session, party)
        consumed_challenge = passkeys.consume_challenge(
            session, question.challenge, passkeys.ChallengePurpose.SIGN_IN
        )
        if number % 2:
            consumed_challenge = None
            question = passkeys.start_authentication(session, party)
    response = key.get(question.options)

    def act() -> object:
        with arena.database.transaction() as session:
            used_challenge = consumed_challenge or passkeys.consume_challenge(
                session, question.challenge, passkeys.ChallengePurpose.SIGN_IN
            )
            registered = passkeys.find_registered(session, response)
        proof = passkeys.verify_authentication(party, used_challenge, registered, response)
        with arena.database.transaction() as session:
            return staff_sign_in.submit_passkey(
                session, proof, DEVICE, replaces=None, pending_secret=None
            )

    outcomes = arena.all_at_once([act] * THREADS, random)
    assert len(winners(outcomes, PasskeyRefused)) == 1


def race_for_invitation(arena: Arena, number: int, random: Random) -> None:
    inviter = arena.people.staff(Role.ADMIN)
    email = f"{inviter.user_id.hex}.guest@example.com"
    with arena.database.transaction() as session:
        names = {"first_name": "A", "last_name": "B"}
        invitations.invite(
            session, inviter, email=email, **names, role="AUDITOR", reason="Joins the team."
        )
        user_id = accounts_queries.get_person_by_email(session, email).id
        link = one_time_tokens.issue_link(session, user_id, LinkPurpose.INVITATION)
    with arena.database.reading() as session:
        token = one_time_tokens.rebuild_token(session, link) or ""
        person = invitations.find_invited_person(session, token)
    acceptance = invitations.prepare_acceptance(person, token=token, password=PASSWORD)

    def act() -> object:
        with arena.database.transaction() as session:
            return invitations.accept(session, acceptance)

    outcomes = arena.all_at_once([act] * THREADS, random)
    assert len(winners(outcomes, TokenInvalid)) == 1


@pytest.mark.parametrize(
    ("credential", "race"),
    [
        ("one pending sign-in and one code", race_for_pending_sign_in),
        ("one code in many browsers", race_for_code),
        ("one challenge and one counter of a passkey", race_for_challenge),
        ("one invitation", race_for_invitation),
    ],
)
def test_credential_used_by_many_at_once_works_once(
    arena: Arena, credential: str, race: Race, record_property: Callable[[str, object], None]
) -> None:
    random = seeded_random(credential)
    for number in rounds(ROUNDS, credential):
        race(arena, number, random)
    record_property("evidence", f"{ROUNDS} times {credential}, {THREADS} at once: one winner each.")
