"""Links, recovery codes and second-factor codes used by many threads at once: one succeeds."""

from collections.abc import Callable
from uuid import uuid4

import pyotp
import pytest
import sqlalchemy as sa

from app.access import DEFAULT_PERMISSIONS, Actor, Role
from app.identity.accounts import email_verification
from app.identity.accounts import service as accounts
from app.identity.credentials import one_time_tokens, password_reset, second_factor
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.credentials.password_reset import PreparedReset
from app.identity.errors import TokenInvalid, TwoFactorInvalid
from app.identity.models import TotpCredential
from app.identity.sign_in import password_proof
from app.identity.sign_in import queries as sign_in_queries
from app.identity.sign_in import service as sign_in
from app.identity.sign_in.access_tokens import AccessTokens
from app.identity.sign_in.service import IssuedTokens
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import RateLimited
from app.kit.ports import resolve
from tests.drill import choose_size, rounds, seeded_random
from tests.races.contest import THREADS, Act, Arena, winners
from tests.rows import change_rows

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(10, 100)
PASSWORD = "correct horse battery"
_RESETS = "SELECT count(*) FROM audit_records WHERE action = 'password.reset' AND subject = %s"
_COUNT_MAILS = """
SELECT count(*) FROM outbox WHERE args ->> 'kind' = 'password_changed' AND args ->> 'user_id' = %s
"""
Record = Callable[[str, object], None]


def register(database: Database) -> IssuedTokens:
    """Register a person and sign them in."""
    registration = accounts.prepare_registration(
        email=f"{uuid4().hex}@example.com", password=PASSWORD, first_name="A", last_name="B"
    )
    with database.transaction() as session:
        return accounts.register(session, registration)


def create_person(database: Database) -> Actor:
    """Register a person and return them as an actor."""
    user = register(database).user
    return Actor(user.id, None, user.email, Role.USER, DEFAULT_PERMISSIONS[Role.USER])


def issue_link(database: Database, person: Actor, purpose: LinkPurpose) -> str:
    with database.transaction() as session:
        token = one_time_tokens.rebuild_token(
            session, one_time_tokens.issue_link(session, person.user_id, purpose)
        )
    assert token is not None
    return token


def turn_on_second_factor(database: Database, person: Actor) -> tuple[pyotp.TOTP, list[str]]:
    """Turn on the second factor; return it with its recovery codes. The current code is unused."""
    with database.transaction() as session:
        totp = pyotp.TOTP(second_factor.start_setup(session, person).secret)
    with database.transaction() as session:
        code = totp.at(clock.now(), counter_offset=-1)
        codes = second_factor.confirm_setup(session, person, code, network=uuid4().hex)
    assert isinstance(codes, list)
    return totp, codes


def sign_in_with(database: Database, person: Actor, code: str) -> Act:
    """Return an act that signs in with this code from a new network; the password is checked."""
    with database.reading() as session:
        attempts = [
            sign_in.begin_sign_in(session, email=person.email, network=uuid4().hex)
            for _ in range(THREADS)
        ]
    proven = iter([password_proof.check_password(attempt, PASSWORD) for attempt in attempts])

    def act() -> object:
        attempt = next(proven)
        with database.transaction() as session:
            return sign_in.conclude_sign_in(session, attempt, code)

    return act


def test_one_refresh_token_is_exchanged_once_and_ends_the_session(
    arena: Arena, record_property: Record
) -> None:
    random, database = seeded_random("refresh token"), arena.database
    for _ in rounds(ROUNDS, "one refresh token"):
        token = register(database).refresh_token

        def act(token: str = token) -> object:
            with database.transaction() as session:
                return sign_in.refresh(session, token)

        [won] = winners(arena.all_at_once([act] * THREADS, random), TokenInvalid)
        # A second use ended the session, so the winner's token is invalid as well.
        assert isinstance(won, IssuedTokens)
        with pytest.raises(TokenInvalid), database.transaction() as session:
            sign_in.refresh(session, won.refresh_token)
        claims = resolve(AccessTokens).read(won.access_token)
        with database.reading() as session:
            assert session.rows(*sign_in_queries.select_actor(claims)) == []
    record_property("evidence", f"{ROUNDS} refresh tokens, {THREADS} at once: one exchange each.")


def test_one_reset_link_sets_one_password(arena: Arena, record_property: Record) -> None:
    random, database = seeded_random("reset link"), arena.database
    for _ in rounds(ROUNDS, "one reset link"):
        person = create_person(database)
        token = issue_link(database, person, LinkPurpose.RESET_PASSWORD)
        hashes = [f"hash number {number}" for number in range(THREADS)]

        def act(password_hash: str, token: str = token) -> str:
            with database.transaction() as session:
                password_reset.conclude_reset(session, PreparedReset(token, password_hash))
            return password_hash

        acts = [lambda h=h: act(h) for h in hashes]  # type: ignore[misc]
        [won] = winners(arena.all_at_once(acts, random), TokenInvalid)
        with database.reading() as session:
            rows = session.fetch(
                ("SELECT password_hash FROM users WHERE id = %s", (person.user_id,)),
                (_RESETS, (ids.encode("usr", person.user_id),)),
                (_COUNT_MAILS, (str(person.user_id),)),
            )
        assert rows == [[(won,)], [(1,)], [(1,)]]
    record_property("evidence", f"{ROUNDS} reset links, {THREADS} at once: one password each.")


def test_one_confirmation_confirms_once(arena: Arena, record_property: Record) -> None:
    random, database = seeded_random("confirmation"), arena.database
    for _ in rounds(ROUNDS, "one confirmation"):
        token = issue_link(database, create_person(database), LinkPurpose.CONFIRM_EMAIL)

        def act(token: str = token) -> bool:
            with database.transaction() as session:
                email_verification.redeem_confirmation(session, token)
            return True

        assert winners(arena.all_at_once([act] * THREADS, random), TokenInvalid) == [True]
    record_property("evidence", f"{ROUNDS} confirmations, {THREADS} at once: one winner each.")


@pytest.mark.parametrize("kind", ["code of the app", "recovery code"])
def test_one_code_signs_in_once(arena: Arena, kind: str, record_property: Record) -> None:
    random, database = seeded_random(kind), arena.database
    for _ in rounds(ROUNDS, f"one {kind}"):
        person = create_person(database)
        totp, recovery = turn_on_second_factor(database, person)
        code = recovery[0] if kind == "recovery code" else totp.at(clock.now(), counter_offset=1)
        act = sign_in_with(database, person, code)
        # Failures are counted, and after some of them further codes are not checked.
        won = winners(arena.all_at_once([act] * THREADS, random), TwoFactorInvalid, RateLimited)
        assert [type(result) for result in won] == [IssuedTokens]
        assert count_sessions(database, person) == 2
    record_property("evidence", f"{ROUNDS} times one {kind}, {THREADS} at once: one sign-in each.")


def test_control_code_without_its_time_step_signs_in_many_times(
    arena: Arena, monkeypatch: pytest.MonkeyPatch, record_property: Record
) -> None:
    random, database = seeded_random("control"), arena.database
    monkeypatch.setattr(second_factor, "_CONSUME_STEP", "SELECT %(user)s::uuid, %(step)s::bigint")
    person = create_person(database)
    with database.transaction() as session:
        totp = pyotp.TOTP(second_factor.start_setup(session, person).secret)
        change_rows(
            session,
            TotpCredential,
            TotpCredential.user_id == person.user_id,
            confirmed_at=sa.func.now(),
            last_step=0,
        )
    act = sign_in_with(database, person, totp.at(clock.now(), counter_offset=1))
    won = winners(arena.all_at_once([act] * THREADS, random), TwoFactorInvalid, RateLimited)
    assert len(won) > 1
    record_property(
        "evidence", f"Control: a code whose time step is not recorded signed in {len(won)} times."
    )


def count_sessions(database: Database, person: Actor) -> int:
    with database.reading() as session:
        count = "SELECT count(*) FROM login_sessions WHERE user_id = %s"
        return int(session.rows(count, (person.user_id,))[0][0])
