"""Lockout: count failed sign-ins, so that guessing is slow and strangers cannot lock a person out.

Two counters per attempt: the email address from this network (5 failures) and the network itself
(50), each within a quarter of an hour. For IPv6, where one sender may have 65,536 networks, the /48
around it has two more, with five and ten times as many failures. A full counter refuses further
attempts for a minute, doubling with every further failure. The right password from another network
is never refused.

Second-factor codes have a third counter, of the person (10 within a day): six digits could be
guessed from very many networks. Only a caller who knows the password can fill it, so its owner
hears of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Self
from uuid import UUID

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.identity.sign_in import rules as sign_in_rules
from app.kit.db import Session
from app.kit.errors import RateLimited
from app.kit.networks import site_of

WINDOW = timedelta(minutes=15)
#: Of the counter of a person's codes: otherwise nine a quarter of an hour would never be refused.
CODES_WINDOW = timedelta(days=1)

_BLOCKED_UNTIL = """
    SELECT max(blocked_until) FROM login_failures WHERE key = ANY(%s) AND blocked_until > %s
"""
_LOCK = "SELECT FROM login_failures WHERE key = ANY(%s) ORDER BY key FOR UPDATE"
# Returns no row for a blocked counter: such an attempt is neither checked nor counted.
_COUNT = """
    INSERT INTO login_failures AS counter (key, failures, forget_at)
    VALUES (%(key)s, 1, %(forget_at)s)
    ON CONFLICT (key) DO UPDATE SET
        failures = CASE WHEN counter.forget_at > %(now)s THEN counter.failures + 1 ELSE 1 END,
        forget_at = CASE WHEN counter.forget_at > %(now)s THEN counter.forget_at
                         ELSE excluded.forget_at END,
        blocked_until = NULL
    WHERE counter.blocked_until IS NULL OR counter.blocked_until <= %(now)s
    RETURNING failures
"""
_BLOCK = "UPDATE login_failures SET blocked_until = %s, forget_at = %s WHERE key = %s"
_RESET = "DELETE FROM login_failures WHERE key = ANY(%s)"
_DELETE_EXPIRED = "DELETE FROM login_failures WHERE forget_at <= %s"


@dataclass(frozen=True, slots=True)
class FailureCounters:
    """The keys of the counters of one attempt. The typed email address is stored only as a hash."""

    network: str
    pair: str
    site: str | None = None
    site_pair: str | None = None
    person: str | None = None

    @classmethod
    def for_attempt(cls, email_key: str, network: str) -> Self:
        """Return the counters of an attempt to sign in as `email_key` from `network`."""
        site = site_of(network)
        return cls(
            network=f"network {network}",
            pair=_pair_key(email_key, network),
            site=f"network {site}" if site else None,
            site_pair=_pair_key(email_key, site) if site else None,
        )

    def including_second_factor(self, user_id: UUID) -> Self:
        """Return these counters and the person's own, for second-factor codes."""
        return replace(self, person=second_factor_key(user_id))

    @property
    def network_name(self) -> str:
        """The network of the attempt, as staff read it."""
        return self.network.removeprefix("network ")

    @property
    def allowances(self) -> tuple[tuple[str, int, timedelta], ...]:
        """Each key with the failures that it allows within a time, in locking order."""
        counters = (
            (self.site, 500, WINDOW),
            (self.network, 50, WINDOW),
            (self.site_pair, 25, WINDOW),
            (self.pair, 5, WINDOW),
            (self.person, 10, CODES_WINDOW),
        )
        return tuple((key, allowed, window) for key, allowed, window in counters if key)

    @property
    def of_networks(self) -> set[str | None]:
        """The keys that count attempts to sign in as anyone."""
        return {self.network, self.site}

    @property
    def keys(self) -> list[str]:
        """All keys."""
        return [key for key, *_ in self.allowances]


def _pair_key(email_key: str, network: str) -> str:
    pair = sha256(f"{email_key}\n{network}".encode()).hexdigest()
    return f"pair {pair}"


def second_factor_key(user_id: UUID) -> str:
    """Return the key of the counter of a person's codes."""
    return f"second factor {user_id}"


def require_unblocked(session: Session, counters: FailureCounters, now: datetime) -> None:
    """Raise `RateLimited` while a counter is blocked. It keeps the failures counted so far."""
    blocked_until = session.value(_BLOCKED_UNTIL, (counters.keys, now))
    if blocked_until is None:
        return
    seconds = -((now - blocked_until) // timedelta(seconds=1))
    raise RateLimited(
        "Too many failed sign-ins. Your usual network may still work.",
        retry_after_seconds=seconds,
    ).keeping_records()


def count_failure(
    session: Session, counters: FailureCounters, now: datetime, *, subject: str
) -> Mapping[str, int]:
    """Count a failed attempt to sign in as `subject`. Returns the failures so far, by key.

    Raises `RateLimited` if a counter was blocked meanwhile, so that concurrent guesses learn no
    more than sequential ones.
    """
    counted: dict[str, int] = {}
    for key, allowed, window in counters.allowances:
        values = {"key": key, "forget_at": now + window, "now": now}
        failures = session.optional_value(_COUNT, values)
        if failures is None:
            continue
        counted[key] = failures
        if seconds := sign_in_rules.lockout_seconds(failures, allowed=allowed):
            until = now + timedelta(seconds=seconds)
            session.send(_BLOCK, (until, until + window, key))
            audit.record(
                session,
                actor=None,
                action=AuditAction.ATTEMPTS_BLOCKED,
                subject=key if key in counters.of_networks else subject,
                after={"network": counters.network_name, "seconds": seconds, "failures": failures},
                outcome=AuditOutcome.DENIED,
            )
    if counted.keys() != set(counters.keys):
        require_unblocked(session, counters, now)
    return counted


def lock_counters(session: Session, counters: FailureCounters, now: datetime) -> None:
    """Lock the counters until the transaction ends.

    Raises `RateLimited` if one of them was blocked meanwhile: then even a right proof is not
    checked.
    """
    session.send(_LOCK, (counters.keys,))
    require_unblocked(session, counters, now)


def reset_failures(session: Session, counters: FailureCounters) -> None:
    """Delete the failures of the email address that has signed in.

    The network's failures stay: otherwise an attacker could reset them with their own account.
    """
    session.send(_RESET, ([key for key in counters.keys if key not in counters.of_networks],))


def forget_codes(session: Session, user_id: UUID) -> None:
    """Delete the count of the person's wrong codes: with another password, it says nothing."""
    session.send(_RESET, ([second_factor_key(user_id)],))


def delete_expired(session: Session, now: datetime) -> None:
    """Delete expired counters."""
    session.send(_DELETE_EXPIRED, (now,))
