from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier, Thread
from typing import Any, TypeVar
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy.orm import InstrumentedAttribute

from app.access import Actor, Role
from app.identity import tasks as identity_tasks
from app.identity.accounts import service as accounts
from app.identity.credentials import password_change
from app.identity.credentials.passwords import PasswordHashing
from app.identity.errors import (
    AccountSuspended,
    EmailTaken,
    InvalidCredentials,
    TokenInvalid,
)
from app.identity.models import LoginFailure, LoginSession, RefreshToken, User
from app.identity.sign_in import lockout, password_proof
from app.identity.sign_in import queries as sign_in_queries
from app.identity.sign_in import service as sign_in
from app.identity.sign_in.access_tokens import read_access_token
from app.identity.sign_in.service import IssuedTokens
from app.identity.sign_in.sessions import Revocation
from app.kit import ports as kit_ports
from app.kit.db import Base, Database
from app.kit.errors import Invalid, RateLimited, Refusal, Unavailable
from tests.rows import Condition, change_rows, count_rows, read_values

R = TypeVar("R")

PASSWORD = "correct horse"
HOME = "192.0.2.1"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def fresh_email() -> str:
    return f"{uuid4().hex}@example.com"


def fresh_network() -> str:
    """Return a network that no other test uses."""
    return uuid4().hex


def register(database: Database, email: str | None = None) -> IssuedTokens:
    registration = accounts.prepare_registration(
        email=email or fresh_email(), password=PASSWORD, first_name="Ada", last_name="Lovelace"
    )
    with database.transaction() as session:
        return accounts.register(session, registration)


def outcome_of(
    database: Database, verb: Callable[..., R], *args: object, **options: object
) -> R | Refusal:
    """Return the result of a verb in a transaction of its own, or its refusal.

    Raises `Unavailable`, which a busy machine causes: it says nothing about the verb.
    """
    try:
        with database.transaction() as session:
            return verb(session, *args, **options)
    except Unavailable:
        raise
    except Refusal as refusal:
        return refusal


def log_in(
    database: Database, email: str, password: str = PASSWORD, network: str = HOME
) -> IssuedTokens | Refusal:
    with database.reading() as session:
        attempt = sign_in.begin_sign_in(session, email=email, network=network)
    attempt = password_proof.check_password(attempt, password)
    return outcome_of(database, sign_in.conclude_sign_in, attempt)


def refresh(database: Database, token: str) -> IssuedTokens | Refusal:
    return outcome_of(database, sign_in.refresh, token)


def actor_of(database: Database, tokens: IssuedTokens) -> Actor:
    claims = read_access_token(tokens.access_token)
    with database.reading() as session:
        rows = session.rows(*sign_in_queries.select_actor(claims))
    return sign_in_queries.to_actor(rows[0] if rows else None, claims)


def is_revoked(database: Database, tokens: IssuedTokens) -> bool:
    try:
        actor_of(database, tokens)
    except TokenInvalid:
        return True
    return False


def fetch_value(
    database: Database, column: InstrumentedAttribute[Any], *conditions: Condition
) -> Any:
    """Return the column's value in the only row that meets the conditions; None without one."""
    with database.reading() as session:
        values = read_values(session, column, *conditions)
    return values[0] if values else None


def fetch_count(database: Database, table: type[Base], *conditions: Condition) -> int:
    with database.reading() as session:
        return count_rows(session, table, *conditions)


def password_hash_of(database: Database, tokens: IssuedTokens) -> str:
    stored: str = fetch_value(database, User.password_hash, User.id == tokens.user.id)
    return stored


def count_sessions(database: Database, tokens: IssuedTokens) -> int:
    return fetch_count(database, LoginSession, LoginSession.user_id == tokens.user.id)


def suspend(database: Database, tokens: IssuedTokens) -> None:
    with database.transaction() as session:
        change_rows(session, User, User.id == tokens.user.id, status="suspended")


def run_concurrently(count: int, act: Any) -> list[Any]:
    """Run `act(index)` in threads that start together. Return the results, refusals included."""
    barrier = Barrier(count)
    results: list[Any] = [None] * count

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = act(index)
        except Refusal as refusal:
            results[index] = refusal

    threads = [Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class TestRegister:
    def test_registration_adds_a_customer_and_opens_a_session(self, database: Database) -> None:
        email = fresh_email().replace("@example", "@Example")
        tokens = register(database, email)
        assert tokens.user.email == email
        assert tokens.user.role is Role.USER
        assert tokens.user.email_confirmed_at is None
        assert tokens.expires_in == 1800
        actor = actor_of(database, tokens)
        assert (actor.user_id, actor.email, actor.role) == (tokens.user.id, email, Role.USER)

    def test_password_and_tokens_are_stored_as_hashes_only(self, database: Database) -> None:
        tokens = register(database)
        stored = password_hash_of(database, tokens)
        assert stored.startswith("$argon2id$")
        assert PASSWORD not in stored
        session_id = read_access_token(tokens.access_token).session_id
        token_hash = fetch_value(
            database, RefreshToken.token_hash, RefreshToken.session_id == session_id
        )
        assert len(bytes(token_hash)) == 32
        assert tokens.refresh_token.encode() not in bytes(token_hash)

    def test_email_address_is_taken_in_any_case(self, database: Database) -> None:
        first = register(database)
        with pytest.raises(EmailTaken):
            register(database, first.user.email.upper())
        assert count_sessions(database, first) == 1

    def test_eight_concurrent_registrations_make_one_person(self, database: Database) -> None:
        email = fresh_email()
        results = run_concurrently(8, lambda _: register(database, email))
        winners = [result for result in results if isinstance(result, IssuedTokens)]
        assert len(winners) == 1
        assert [type(a) for a in results if a is not winners[0]] == [EmailTaken] * 7
        key = email.casefold()
        assert fetch_count(database, User, User.email_key == key) == 1
        assert not is_revoked(database, winners[0])

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("email", {"email": "nobody"}),
            ("password", {"password": "short"}),
            ("password", {"password": "Ada Lovelace"}),
            ("firstName", {"first_name": " "}),
            ("lastName", {"last_name": "a\x00b"}),
            ("phone", {"phone": "0202"}),
        ],
    )
    def test_invalid_registration_names_the_field(self, field: str, wrong: dict[str, str]) -> None:
        good: dict[str, Any] = {
            "email": fresh_email(),
            "password": PASSWORD,
            "first_name": "Ada",
            "last_name": "Lovelace",
        }
        with pytest.raises(Invalid) as refusal:
            accounts.prepare_registration(**{**good, **wrong})
        assert refusal.value.field == field


class TestLogin:
    def test_each_login_opens_its_own_session(self, database: Database) -> None:
        first = register(database)
        second = log_in(database, first.user.email.upper())
        assert isinstance(second, IssuedTokens)
        assert second.user == first.user
        assert count_sessions(database, first) == 2
        assert not is_revoked(database, first)
        assert not is_revoked(database, second)

    def test_unknown_email_and_wrong_password_get_the_same_refusal(
        self, database: Database
    ) -> None:
        person = register(database)
        unknown = log_in(database, fresh_email(), network=fresh_network())
        wrong = log_in(database, person.user.email, "wrong horse", network=fresh_network())
        assert type(unknown) is type(wrong) is InvalidCredentials
        assert unknown.detail == wrong.detail
        assert count_sessions(database, person) == 1

    def test_login_with_an_unknown_email_computes_a_hash(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checked: list[str | None] = []
        matches = PasswordHashing.matches

        def spy(self: PasswordHashing, stored: str | None, password: str) -> bool:
            checked.append(stored)
            return matches(self, stored, password)

        monkeypatch.setattr(PasswordHashing, "matches", spy)
        log_in(database, fresh_email(), network=fresh_network())
        assert checked == [None]

    def test_suspension_is_revealed_only_after_the_right_password(self, database: Database) -> None:
        person = register(database)
        suspend(database, person)
        right = log_in(database, person.user.email)
        wrong = log_in(database, person.user.email, "wrong horse", network=fresh_network())
        assert isinstance(right, AccountSuspended)
        assert isinstance(wrong, InvalidCredentials)
        assert is_revoked(database, person)
        assert count_sessions(database, person) == 1

    def test_outdated_hash_is_replaced_at_login(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person = register(database)
        dearer = PasswordHashing(memory_kib=128, passes=1, lanes=1)
        with monkeypatch.context() as patch:
            patch.setitem(kit_ports._ADAPTERS, PasswordHashing, dearer)
            assert isinstance(log_in(database, person.user.email), IssuedTokens)
        stored = password_hash_of(database, person)
        assert "$m=128,t=1,p=1$" in stored
        assert dearer.matches(stored, PASSWORD)

    def test_password_changed_during_the_check_is_refused(self, database: Database) -> None:
        person = register(database)
        with database.reading() as session:
            attempt = sign_in.begin_sign_in(session, email=person.user.email, network=HOME)
        attempt = password_proof.check_password(attempt, PASSWORD)
        assert isinstance(change_password(database, person, "another horse"), IssuedTokens)
        late = outcome_of(database, sign_in.conclude_sign_in, attempt)
        assert isinstance(late, InvalidCredentials)
        assert count_sessions(database, person) == 2


class TestLockout:
    def fail(self, database: Database, email: str, network: str, times: int) -> None:
        for _ in range(times):
            assert isinstance(
                log_in(database, email, "wrong horse", network=network), InvalidCredentials
            )

    def refused_seconds(self, database: Database, email: str, network: str) -> int:
        with pytest.raises(RateLimited) as refusal:
            log_in(database, email, network=network)
        return refusal.value.retry_after_seconds

    def test_five_failures_block_even_the_right_password_for_a_minute(
        self, database: Database
    ) -> None:
        person, network = register(database), fresh_network()
        with time_machine.travel(NOW, tick=False) as traveller:
            self.fail(database, person.user.email, network, 5)
            assert self.refused_seconds(database, person.user.email, network) == 60
            traveller.shift(59.5)
            assert self.refused_seconds(database, person.user.email, network) == 1
            traveller.shift(0.5)
            assert isinstance(log_in(database, person.user.email, network=network), IssuedTokens)

    def test_lockout_grows_to_fifteen_minutes(self, database: Database) -> None:
        email, network = fresh_email(), fresh_network()
        waits = []
        with time_machine.travel(NOW, tick=False) as traveller:
            self.fail(database, email, network, 4)
            for _ in range(6):
                self.fail(database, email, network, 1)
                waits.append(self.refused_seconds(database, email, network))
                traveller.shift(waits[-1])
        assert waits == [60, 120, 240, 480, 900, 900]

    def test_right_password_from_another_network_is_accepted(self, database: Database) -> None:
        person, attacker = register(database), fresh_network()
        self.fail(database, person.user.email, attacker, 5)
        self.refused_seconds(database, person.user.email, attacker)
        assert isinstance(
            log_in(database, person.user.email, network=fresh_network()), IssuedTokens
        )
        # … which does not free the attacker.
        self.refused_seconds(database, person.user.email, attacker)

    def test_failures_expire_after_fifteen_minutes(self, database: Database) -> None:
        email, network = fresh_email(), fresh_network()
        with time_machine.travel(NOW, tick=False) as traveller:
            self.fail(database, email, network, 4)
            traveller.shift(900)
            self.fail(database, email, network, 4)

    def test_login_resets_the_failures_of_the_email_and_not_of_the_network(
        self, database: Database
    ) -> None:
        person, network = register(database), fresh_network()
        self.fail(database, person.user.email, network, 4)
        assert isinstance(log_in(database, person.user.email, network=network), IssuedTokens)
        self.fail(database, person.user.email, network, 4)
        counters = lockout.FailureCounters.for_attempt(person.user.email, network)
        failures = partial(fetch_value, database, LoginFailure.failures)
        assert failures(LoginFailure.key == counters.network) == 8
        assert failures(LoginFailure.key == counters.pair) == 4

    def test_network_that_tries_many_emails_is_blocked(self, database: Database) -> None:
        person, network = register(database), fresh_network()
        for _ in range(50):
            self.fail(database, fresh_email(), network, 1)
        assert self.refused_seconds(database, person.user.email, network) in (59, 60)
        assert isinstance(
            log_in(database, person.user.email, network=fresh_network()), IssuedTokens
        )

    def test_many_ipv6_networks_of_one_site_are_blocked_together(self, database: Database) -> None:
        person, site = register(database), f"2001:db8:{uuid4().hex[:4]}"
        for number in range(25):
            self.fail(database, person.user.email, f"{site}:{number:x}::/64", 1)
        assert self.refused_seconds(database, person.user.email, f"{site}:ffff::/64") in (59, 60)
        other = f"2001:db8:{uuid4().hex[:4]}:1::/64"
        assert isinstance(log_in(database, person.user.email, network=other), IssuedTokens)

    def test_concurrent_guesses_learn_no_more_than_sequential_ones(
        self, database: Database
    ) -> None:
        person, network = register(database), fresh_network()
        with database.reading() as session:
            attempt = sign_in.begin_sign_in(session, email=person.user.email, network=network)

        def conclude(_: int) -> object:
            return outcome_of(database, sign_in.conclude_sign_in, attempt)

        results = run_concurrently(12, conclude)
        kinds = [type(result) for result in results]
        assert kinds.count(InvalidCredentials) == 5
        assert kinds.count(RateLimited) == 7
        # The right password among the guesses is refused as well, so guesses learn nothing.
        proven = password_proof.check_password(attempt, PASSWORD)
        assert isinstance(outcome_of(database, sign_in.conclude_sign_in, proven), RateLimited)
        assert count_sessions(database, person) == 1

    def test_failure_counters_store_no_email_address(self, database: Database) -> None:
        email, network = fresh_email(), fresh_network()
        self.fail(database, email, network, 1)
        keys = lockout.FailureCounters.for_attempt(email, network).keys
        count = fetch_count(database, LoginFailure, LoginFailure.key.in_(keys))
        assert count == 2
        assert not [key for key in keys if email in key]


class TestRefresh:
    def test_refresh_issues_tokens_of_the_same_session(self, database: Database) -> None:
        first = register(database)
        second = refresh(database, first.refresh_token)
        assert isinstance(second, IssuedTokens)
        assert second.user == first.user
        assert second.refresh_token != first.refresh_token
        first_claims, second_claims = (read_access_token(t.access_token) for t in (first, second))
        assert first_claims.session_id == second_claims.session_id
        assert first_claims.token_id != second_claims.token_id
        assert not is_revoked(database, second)

    def test_reused_refresh_token_revokes_the_whole_session(self, database: Database) -> None:
        first = register(database)
        elsewhere = log_in(database, first.user.email)
        second = refresh(database, first.refresh_token)
        assert isinstance(second, IssuedTokens)
        assert isinstance(elsewhere, IssuedTokens)
        assert isinstance(refresh(database, first.refresh_token), TokenInvalid)
        assert is_revoked(database, first)
        assert is_revoked(database, second)
        assert isinstance(refresh(database, second.refresh_token), TokenInvalid)
        assert not is_revoked(database, elsewhere)
        assert revoked_reason_of(database, first) == Revocation.TOKEN_REUSED

    @pytest.mark.parametrize("token", ["", "x", "a" * 43, "\ud800", "\x00", "é" * 1000])
    def test_unknown_refresh_token_is_refused(self, database: Database, token: str) -> None:
        assert isinstance(refresh(database, token), TokenInvalid)

    def test_access_token_is_refused_as_refresh_token(self, database: Database) -> None:
        person = register(database)
        assert isinstance(refresh(database, person.access_token), TokenInvalid)
        assert not is_revoked(database, person)

    def test_refresh_token_is_refused_as_access_token(self, database: Database) -> None:
        with pytest.raises(TokenInvalid):
            read_access_token(register(database).refresh_token)

    def test_session_ends_after_thirty_days_despite_refreshes(self, database: Database) -> None:
        with time_machine.travel(NOW, tick=False) as traveller:
            tokens = register(database)
            traveller.shift(timedelta(days=29, hours=23, minutes=50))
            refreshed = refresh(database, tokens.refresh_token)
            assert isinstance(refreshed, IssuedTokens)
            assert refreshed.expires_in == 600
            traveller.shift(timedelta(minutes=10))
            assert isinstance(refresh(database, refreshed.refresh_token), TokenInvalid)

    def test_refresh_of_a_suspended_person_is_refused(self, database: Database) -> None:
        person = register(database)
        suspend(database, person)
        assert isinstance(refresh(database, person.refresh_token), TokenInvalid)


def revoked_reason_of(database: Database, tokens: IssuedTokens) -> str | None:
    session_id = read_access_token(tokens.access_token).session_id
    return fetch_value(database, LoginSession.revoked_reason, LoginSession.id == session_id)


def test_session_of_another_person_is_refused(database: Database) -> None:
    person, other = register(database), register(database)
    claims = read_access_token(person.access_token)
    mixed = replace(claims, user_id=other.user.id)
    with database.reading() as session:
        row = session.row(*sign_in_queries.select_actor(mixed))
    assert sign_in_queries.to_actor(row, claims).user_id == person.user.id
    with pytest.raises(TokenInvalid):
        sign_in_queries.to_actor(row, mixed)


class TestLogOut:
    def test_logout_ends_only_this_session(self, database: Database) -> None:
        first = register(database)
        second = log_in(database, first.user.email)
        assert isinstance(second, IssuedTokens)
        actor = actor_of(database, first)
        with database.transaction() as session:
            sign_in.sign_out(session, actor)
        assert is_revoked(database, first)
        assert isinstance(refresh(database, first.refresh_token), TokenInvalid)
        assert not is_revoked(database, second)
        assert revoked_reason_of(database, first) == Revocation.LOGGED_OUT

    def test_repeated_sign_out_changes_nothing(self, database: Database) -> None:
        person = register(database)
        actor = actor_of(database, person)
        moments = []
        for _ in range(2):
            with database.transaction() as session:
                sign_in.sign_out(session, actor)
            moments.append(
                fetch_value(database, LoginSession.revoked_at, LoginSession.id == actor.session_id)
            )
        assert moments[0] == moments[1]


def change_password(
    database: Database, person: IssuedTokens, new: str, current: str = PASSWORD, network: str = HOME
) -> IssuedTokens | Refusal:
    actor = actor_of(database, person)
    with database.reading() as session:
        attempt = password_proof.begin_own_attempt(session, actor, network=network)
    attempt = password_proof.check_password(attempt, current)
    new_hash = password_change.prepare_new_password(person.user, new)
    return outcome_of(database, password_change.conclude_password_change, attempt, new_hash)


class TestChangePassword:
    def test_password_change_ends_every_session_and_opens_one(self, database: Database) -> None:
        first = register(database)
        second = log_in(database, first.user.email)
        assert isinstance(second, IssuedTokens)
        changed = change_password(database, first, "another horse")
        assert isinstance(changed, IssuedTokens)
        for dead in (first, second):
            assert is_revoked(database, dead)
            assert isinstance(refresh(database, dead.refresh_token), TokenInvalid)
            assert revoked_reason_of(database, dead) == Revocation.PASSWORD_CHANGED
        assert not is_revoked(database, changed)
        network = fresh_network()
        assert isinstance(log_in(database, first.user.email, network=network), InvalidCredentials)
        assert isinstance(log_in(database, first.user.email, "another horse"), IssuedTokens)

    def test_wrong_current_password_changes_nothing_and_is_counted(
        self, database: Database
    ) -> None:
        person, network = register(database), fresh_network()
        before = password_hash_of(database, person)
        for _ in range(5):
            result = change_password(database, person, "another horse", "wrong horse", network)
            assert isinstance(result, InvalidCredentials)
        with pytest.raises(RateLimited):
            change_password(database, person, "another horse", network=network)
        after = password_hash_of(database, person)
        assert after == before
        assert not is_revoked(database, person)

    @pytest.mark.parametrize("new", ["short", "p" * 129])
    def test_weak_new_password_is_refused(self, database: Database, new: str) -> None:
        person = register(database)
        with pytest.raises(Invalid) as refusal:
            password_change.prepare_new_password(person.user, new)
        assert refusal.value.field == "newPassword"

    def test_one_of_two_concurrent_password_changes_wins(self, database: Database) -> None:
        person = register(database)
        actor = actor_of(database, person)
        with database.reading() as session:
            attempt = password_proof.begin_own_attempt(session, actor, network=fresh_network())
        attempt = password_proof.check_password(attempt, PASSWORD)
        hashes = [
            password_change.prepare_new_password(person.user, f"horse number {n}") for n in range(2)
        ]

        def conclude(index: int) -> object:
            verb = password_change.conclude_password_change
            return outcome_of(database, verb, attempt, hashes[index])

        results = run_concurrently(2, conclude)
        assert sorted(type(result).__name__ for result in results) == [
            "InvalidCredentials",
            "PasswordChangeTokens",
        ]
        winner = next(i for i, result in enumerate(results) if isinstance(result, IssuedTokens))
        stored = password_hash_of(database, person)
        assert stored == hashes[winner]


class TestForgetExpired:
    def test_expired_sessions_and_counters_are_deleted_and_valid_ones_kept(
        self, database: Database
    ) -> None:
        network = fresh_network()
        with time_machine.travel(NOW, tick=False) as traveller:
            old = register(database)
            refresh(database, old.refresh_token)
            log_in(database, fresh_email(), "wrong horse", network=network)
            traveller.shift(timedelta(days=29))
            young = log_in(database, old.user.email)
            traveller.shift(timedelta(days=1))
            with database.transaction() as session:
                identity_tasks.delete_expired(session)
            assert isinstance(young, IssuedTokens)
            assert count_sessions(database, old) == 1
            assert isinstance(refresh(database, young.refresh_token), IssuedTokens)
        counters = lockout.FailureCounters.for_attempt("", network)
        assert fetch_count(database, LoginFailure, LoginFailure.key == counters.network) == 0
