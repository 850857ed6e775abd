"""The time for which failed attempts block sign-in."""

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
