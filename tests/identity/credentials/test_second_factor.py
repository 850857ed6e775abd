"""The second factor below HTTP: codes, time steps, recovery, guessing, storage."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pyotp
import pytest
import time_machine

from app.access import Actor
from app.identity.credentials import password_change, second_factor
from app.identity.errors import (
    TwoFactorAlreadyOn,
    TwoFactorInvalid,
    TwoFactorNotSetUp,
    TwoFactorRequired,
    TwoFactorUsed,
)
from app.identity.models import RecoveryCode, TotpCredential
from app.identity.sign_in import password_proof
from app.identity.sign_in import service as sign_in
from app.identity.sign_in.service import IssuedTokens
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import RateLimited, Refusal
from tests.identity.sign_in.test_service import (
    PASSWORD,
    actor_of,
    fetch_value,
    fresh_network,
    outcome_of,
    register,
)
from tests.rows import read_values
from tests.unchanged_database import database_unchanged

#: The beginning of a step.
NOW = datetime(2031, 3, 4, 5, 6, 0, tzinfo=UTC)


class AppUser:
    """A customer with an authenticator app."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.logged_in = register(database)
        self.actor: Actor = actor_of(database, self.logged_in)
        self.secret = ""
        self.recovery: list[str] = []

    def set_up(self) -> second_factor.SecondFactorSetup:
        with self.database.transaction() as session:
            made = second_factor.start_setup(session, self.actor)
        self.secret = made.secret
        return made

    def code(self, *, steps: int = 0) -> str:
        """Return the code that the app shows `steps` time steps from now."""
        moment = clock.now() + timedelta(seconds=30 * steps)
        return pyotp.TOTP(self.secret).at(moment)

    def confirm(self, code: str, network: str | None = None) -> list[str] | Refusal:
        result = outcome_of(
            self.database,
            second_factor.confirm_setup,
            self.actor,
            code,
            network=network or fresh_network(),
        )
        if isinstance(result, list):
            self.recovery = result
        return result

    def switch_on(self, *, steps: int = -1) -> None:
        """Confirm with the code of the previous step, so that the current one is still unused."""
        self.set_up()
        assert isinstance(self.confirm(self.code(steps=steps)), list)

    def log_in(
        self, code: str | None, password: str = PASSWORD, network: str | None = None
    ) -> IssuedTokens | Refusal:
        with self.database.reading() as session:
            attempt = sign_in.begin_sign_in(
                session, email=self.actor.email, network=network or fresh_network()
            )
        attempt = password_proof.check_password(attempt, password)
        return outcome_of(self.database, sign_in.conclude_sign_in, attempt, code)

    def switch_off(self, code: str) -> Refusal | None:
        network = fresh_network()
        return outcome_of(
            self.database, second_factor.switch_off, self.actor, code, network=network
        )


@pytest.fixture
def frozen_clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def app_user(database: Database, frozen_clock: time_machine.Traveller) -> AppUser:
    return AppUser(database)


class TestSetUp:
    def test_setup_returns_secret_uri_and_qr_code(self, app_user: AppUser) -> None:
        made = app_user.set_up()
        parsed = pyotp.parse_uri(made.otpauth_uri)
        assert isinstance(parsed, pyotp.TOTP)
        assert (parsed.secret, parsed.issuer, parsed.name) == (
            made.secret,
            "PBCEx",
            app_user.actor.email,
        )
        assert len(made.secret) == 32
        assert made.qr_svg.startswith("<svg ")
        assert "script" not in made.qr_svg
        assert made.qr_image.startswith("data:image/svg+xml")

    def test_unconfirmed_setup_is_not_required_at_login(self, app_user: AppUser) -> None:
        app_user.set_up()
        assert isinstance(app_user.log_in(None), IssuedTokens)
        assert isinstance(app_user.switch_off(app_user.code()), TwoFactorNotSetUp)

    def test_repeated_setup_replaces_an_unconfirmed_secret(self, app_user: AppUser) -> None:
        first = app_user.set_up()
        second = app_user.set_up()
        assert first.secret != second.secret
        assert isinstance(app_user.confirm(pyotp.TOTP(first.secret).now()), TwoFactorInvalid)
        assert isinstance(app_user.confirm(app_user.code()), list)
        with pytest.raises(TwoFactorAlreadyOn), database_unchanged(app_user.database):
            app_user.set_up()
        with database_unchanged(app_user.database):
            assert isinstance(app_user.confirm(app_user.code(steps=1)), TwoFactorAlreadyOn)

    def test_confirmation_without_setup_is_refused(self, app_user: AppUser) -> None:
        with database_unchanged(app_user.database):
            assert isinstance(app_user.confirm("123456"), TwoFactorNotSetUp)

    def test_secret_and_recovery_codes_are_not_stored_in_plain(self, app_user: AppUser) -> None:
        app_user.switch_on()
        sealed = fetch_value(
            app_user.database,
            TotpCredential.secret,
            TotpCredential.user_id == app_user.actor.user_id,
        )
        assert app_user.secret.encode() not in bytes(sealed)
        with app_user.database.reading() as session:
            hashes = read_values(
                session, RecoveryCode.code_hash, RecoveryCode.user_id == app_user.actor.user_id
            )
        assert [len(code_hash) for code_hash in hashes] == [32] * 10
        for code in app_user.recovery:
            assert code.replace("-", "").encode() not in b"".join(map(bytes, hashes))

    def test_sealed_secret_of_another_person_does_not_open(
        self, app_user: AppUser, database: Database
    ) -> None:
        app_user.switch_on()
        thief = AppUser(database)
        thief.switch_on()
        with database.transaction() as session:
            session.send(
                "UPDATE totp_credentials SET secret = (SELECT secret FROM totp_credentials"
                " WHERE user_id = %s) WHERE user_id = %s",
                (thief.actor.user_id, app_user.actor.user_id),
            )
        with pytest.raises(Exception, match="changed, or belongs elsewhere"):
            app_user.log_in(thief.code())


class TestLogin:
    def test_login_requires_a_code_after_the_right_password(self, app_user: AppUser) -> None:
        app_user.switch_on()
        assert isinstance(app_user.log_in(None), TwoFactorRequired)
        assert isinstance(app_user.log_in(app_user.code()), IssuedTokens)

    def test_wrong_password_does_not_reveal_the_second_factor(self, app_user: AppUser) -> None:
        app_user.switch_on()
        for code in (None, app_user.code(), "000000"):
            refusal = app_user.log_in(code, password="wrong horse")
            assert isinstance(refusal, Refusal)
            assert refusal.code == "invalid_credentials"
        # … and so that code was not used up.
        assert isinstance(app_user.log_in(app_user.code()), IssuedTokens)

    def test_code_works_once(self, app_user: AppUser) -> None:
        app_user.switch_on()
        code = app_user.code()
        assert isinstance(app_user.log_in(code), IssuedTokens)
        assert isinstance(app_user.log_in(code), TwoFactorInvalid)

    def test_code_used_for_confirmation_does_not_work_again(self, app_user: AppUser) -> None:
        app_user.set_up()
        code = app_user.code()
        app_user.confirm(code)
        assert isinstance(app_user.log_in(code), TwoFactorUsed)

    def test_used_code_is_told_and_locks_no_one_out(
        self, app_user: AppUser, frozen_clock: time_machine.Traveller
    ) -> None:
        """People send the code that just switched the factor on until the app shows another."""
        app_user.set_up()
        network, code = fresh_network(), app_user.code()
        app_user.confirm(code, network)
        for used in [code] * 6:
            refusal = app_user.log_in(used, network=network)
            assert isinstance(refusal, TwoFactorUsed)
            assert "already used" in refusal.detail
        frozen_clock.shift(timedelta(seconds=30))
        assert isinstance(app_user.log_in(app_user.code(), network=network), IssuedTokens)
        recovery = app_user.recovery[0]
        assert isinstance(app_user.log_in(recovery, network=network), IssuedTokens)
        for _ in range(6):
            assert isinstance(app_user.log_in(recovery, network=network), TwoFactorUsed)
        assert isinstance(app_user.log_in(app_user.recovery[1], network=network), IssuedTokens)

    def test_earlier_code_is_refused_after_a_later_one(self, app_user: AppUser) -> None:
        app_user.switch_on()
        assert isinstance(app_user.log_in(app_user.code(steps=1)), IssuedTokens)
        assert isinstance(app_user.log_in(app_user.code()), TwoFactorInvalid)

    @pytest.mark.parametrize(
        ("seconds", "is_good"),
        [(-61, False), (-60, False), (-31, False), (-30, True), (-1, True), (0, True),
         (29, True), (30, True), (59, True), (60, False), (90, False)],
    )  # fmt: skip
    def test_code_of_the_neighbouring_step_is_accepted(
        self, app_user: AppUser, frozen_clock: time_machine.Traveller, seconds: int, is_good: bool
    ) -> None:
        app_user.switch_on(steps=0)
        frozen_clock.shift(timedelta(minutes=10))
        code = app_user.code()
        frozen_clock.shift(timedelta(seconds=seconds))
        assert clock.now() == NOW + timedelta(minutes=10, seconds=seconds)
        kind = IssuedTokens if is_good else TwoFactorInvalid
        assert isinstance(app_user.log_in(code), kind)

    @pytest.mark.parametrize(
        "written",
        [
            "{0}{1}",
            "{0} {1}",
            " {0}-{1} ",
            "{0}\N{NO-BREAK SPACE}{1}\N{NARROW NO-BREAK SPACE}",
            "{0}\N{NON-BREAKING HYPHEN}{1}",
            "{0}\N{MINUS SIGN}{1}",
            "\N{ZERO WIDTH SPACE}{0}\N{EM DASH}{1}\N{WORD JOINER}",
        ],
    )
    def test_code_may_be_written_in_groups(self, app_user: AppUser, written: str) -> None:
        app_user.switch_on()
        code = app_user.code()
        assert isinstance(app_user.log_in(written.format(code[:3], code[3:])), IssuedTokens)

    @pytest.mark.parametrize("zero", ["０", "٠", "۰", "०"])
    def test_code_may_be_written_in_other_digits(self, app_user: AppUser, zero: str) -> None:
        app_user.switch_on()
        written = "".join(chr(ord(zero) + int(digit)) for digit in app_user.code())
        assert isinstance(app_user.log_in(written), IssuedTokens)

    @pytest.mark.parametrize(
        "code", ["", "0", "１２３４５６", "abcdef", "x" * 64, "\ud800", "\x00"]
    )
    def test_malformed_code_is_refused(self, app_user: AppUser, code: str) -> None:
        app_user.switch_on()
        assert isinstance(app_user.log_in(code), TwoFactorInvalid)


class TestRecovery:
    def test_ten_recovery_codes_work_once_each(self, app_user: AppUser) -> None:
        app_user.switch_on()
        assert len(set(app_user.recovery)) == 10
        for code in app_user.recovery:
            assert isinstance(app_user.log_in(code.lower()), IssuedTokens)
        for code in app_user.recovery[:4]:
            assert isinstance(app_user.log_in(code), TwoFactorInvalid)

    def test_recovery_codes_of_another_person_are_refused(
        self, app_user: AppUser, database: Database
    ) -> None:
        app_user.switch_on()
        other = AppUser(database)
        other.switch_on()
        assert isinstance(app_user.log_in(other.recovery[0]), TwoFactorInvalid)
        assert isinstance(other.log_in(other.recovery[0]), IssuedTokens)

    def test_new_setup_invalidates_old_recovery_codes(self, app_user: AppUser) -> None:
        app_user.switch_on()
        old = app_user.recovery
        assert app_user.switch_off(old[0]) is None
        assert isinstance(app_user.log_in(None), IssuedTokens)
        app_user.switch_on()
        assert not set(old) & set(app_user.recovery)
        assert isinstance(app_user.log_in(old[1]), TwoFactorInvalid)

    def test_wrong_code_does_not_turn_the_factor_off(self, app_user: AppUser) -> None:
        app_user.switch_on()
        assert isinstance(app_user.switch_off("000000"), TwoFactorInvalid)
        assert isinstance(app_user.log_in(None), TwoFactorRequired)
        assert app_user.switch_off(app_user.code()) is None


class TestGuessing:
    def test_five_wrong_codes_block_the_email_from_that_network(self, app_user: AppUser) -> None:
        app_user.switch_on()
        network = fresh_network()
        for _ in range(5):
            assert isinstance(app_user.log_in("000000", network=network), TwoFactorInvalid)
        with pytest.raises(RateLimited):
            app_user.log_in(app_user.code(), network=network)
        assert isinstance(app_user.log_in(app_user.code()), IssuedTokens)

    def test_right_password_without_code_does_not_reset_failures(self, app_user: AppUser) -> None:
        app_user.switch_on()
        network = fresh_network()
        for _ in range(5):
            assert isinstance(app_user.log_in(None, network=network), TwoFactorRequired)
            assert isinstance(app_user.log_in("000000", network=network), TwoFactorInvalid)
        with pytest.raises(RateLimited):
            app_user.log_in(None, network=network)

    def test_ten_wrong_codes_from_any_network_block_codes_for_a_minute(
        self, app_user: AppUser, frozen_clock: time_machine.Traveller
    ) -> None:
        app_user.switch_on()
        for _ in range(10):
            assert isinstance(app_user.log_in("000000"), TwoFactorInvalid)
        refusal = app_user.log_in(app_user.code())
        assert isinstance(refusal, RateLimited)
        assert refusal.retry_after_seconds == 60
        # Without the right password, the response does not reveal the limit.
        assert not isinstance(app_user.log_in("000000", password="wrong horse"), RateLimited)
        frozen_clock.shift(timedelta(seconds=60))
        assert isinstance(app_user.log_in(app_user.code()), IssuedTokens)

    def test_confirmation_and_turning_off_are_rate_limited(self, app_user: AppUser) -> None:
        app_user.set_up()
        network = fresh_network()
        for _ in range(5):
            assert isinstance(app_user.confirm("000000", network), TwoFactorInvalid)
        assert isinstance(app_user.confirm(app_user.code(), network), RateLimited)
        assert isinstance(app_user.confirm(app_user.code()), list)
        for _ in range(10):
            assert isinstance(app_user.switch_off("000000"), TwoFactorInvalid)
        assert isinstance(app_user.switch_off(app_user.recovery[0]), RateLimited)


def test_password_change_keeps_the_second_factor_on(app_user: AppUser) -> None:
    app_user.switch_on()
    with app_user.database.reading() as session:
        attempt = password_proof.begin_own_attempt(session, app_user.actor, network=str(uuid4()))
    attempt = password_proof.check_password(attempt, PASSWORD)
    new_hash = password_change.prepare_new_password(app_user.logged_in.user, "another long horse")
    with app_user.database.transaction() as session:
        assert isinstance(
            password_change.conclude_password_change(session, attempt, new_hash), IssuedTokens
        )
    assert isinstance(app_user.log_in(None, password="another long horse"), TwoFactorRequired)
