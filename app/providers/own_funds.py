"""Our own accounts at providers that cannot cover a payment: customers wait, and staff are
alerted by a case."""

from collections.abc import Callable

from app.cases import service as cases
from app.kit.db import Session

#: The kind of these cases.
CASE_KIND = "provider.own_funds"


def report_shortage(session: Session, provider: str, asset: str, *, amount: str, code: str) -> None:
    """Open a case for the account, unless it has one: a payment of `amount` waits.

    `code` is the provider's own.
    """
    cases.open_case(
        session,
        kind=CASE_KIND,
        subject=f"{provider} {asset}",
        key=_key(provider, asset),
        title="Our account at a provider cannot cover a payment",
        facts={
            "provider": provider,
            "first payment that waits": amount,
            "their code": code,
            "what to do": "Pay in. The payments that wait are then made by themselves.",
        },
    )


def end_shortage(
    session: Session, provider: str, asset: str, *, waits: Callable[[], bool], reason: str
) -> None:
    """Close the account's case, if it has one and no other payment `waits` for the account.

    `reason` says what became of the last one. The case is locked first: of two payments that end at
    the same moment, the second one sees that nothing waits.
    """
    case_id = cases.lock_open_case(session, kind=CASE_KIND, key=_key(provider, asset))
    if case_id is not None and not waits():
        cases.close(session, None, case_id, disposition="resolved", reason=reason)


def _key(provider: str, asset: str) -> str:
    return f"{provider}:{asset}"
