"""The time for which failed attempts block sign-in, and for which a proof is valid."""

from app.access import Role
from app.identity.sign_in import rules as sign_in_rules


def test_lockout_doubles_up_to_fifteen_minutes() -> None:
    assert [sign_in_rules.lockout_seconds(n, allowed=5) for n in range(4, 12)] == [
        0,
        60,
        120,
        240,
        480,
        900,
        900,
        900,
    ]


def test_proof_lasts_longer_for_tellers_than_for_other_staff() -> None:
    minutes = {role: sign_in_rules.proof_lifetime(role).total_seconds() / 60 for role in Role}
    assert minutes.pop(Role.TELLER) == 60
    assert set(minutes.values()) == {10}
