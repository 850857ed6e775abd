"""Our own accounts at providers that cannot cover a payment: customers wait, and staff are
alerted by a case."""

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


def end_shortage(session: Session, provider: str, asset: str) -> None:
    """Close the account's case: nothing waits for it any more."""
    case_id = cases.lock_open_case(session, kind=CASE_KIND, key=_key(provider, asset))
    if case_id is not None:
        reason = "Our account covers payments again, and none of them waits."
        cases.close(session, None, case_id, disposition="resolved", reason=reason)


def _key(provider: str, asset: str) -> str:
    return f"{provider}:{asset}"
