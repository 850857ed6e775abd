"""The guide at the head of the API document: from registration to a withdrawal.

Its figures come from the rules, limits and statuses themselves: docs/guide.md has the words.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from flask import render_template

from app.access import API_KEY_SCOPES
from app.access.descriptions import PERMISSION_DESCRIPTIONS
from app.blueprints.openapi_enums import describe_members
from app.blueprints.rate_limits import RateLimit
from app.catalog.rules import FUNDING, TRADABLE, PaymentMethod
from app.funding.fees import PAYMENTS
from app.funding.limits import PaymentLimits
from app.funding.states import (
    DEPOSIT_TRANSITIONS,
    WITHDRAWAL_TRANSITIONS,
    DepositStatus,
    WithdrawalStatus,
)
from app.idempotency.service import RETENTION
from app.identity.api_keys.rules import ApiKeyRules
from app.identity.sign_in.rules import PROOF_LIFETIME
from app.identity.sign_in.service import SESSION_LIFETIME
from app.kit.formatting import format_amount
from app.kit.money import Amount
from app.kyc.rules import TRANSITIONS as VERIFICATION_TRANSITIONS
from app.kyc.rules import DocumentState, KycRules, VerificationStatus
from app.pricing.gate import TransferLimits
from app.privacy.rules import ExportStatus
from app.settings.rules import get_group
from app.trading.rules import TradingRules

_TIERS = {
    0: "opening an account",
    1: "submitting an identity, with a confirmed email address",
    2: "the provider's approval of the identity",
    3: "our approval of documents that prove identity, address and source of funds",
}
#: These decide about staff, or what a customer cannot count by.
_NOT_FOR_CUSTOMERS = {"approval_from", "approval_from_week"}
_API_LIMITS = (RateLimit.DEFAULT, RateLimit.SIGN_IN, RateLimit.STATEMENT, RateLimit.UPLOAD)


class _Lifecycle(NamedTuple):
    title: str
    path: str
    kind: type[StrEnum]
    next_statuses: Mapping[Any, Iterable[StrEnum]]


_LIFECYCLES = (
    _Lifecycle(
        "Deposits",
        "GET /api/wallet/deposits/{deposit_id}",
        DepositStatus,
        DEPOSIT_TRANSITIONS.next_statuses,
    ),
    _Lifecycle(
        "Withdrawals",
        "GET /api/wallet/withdrawals/{withdrawal_id}",
        WithdrawalStatus,
        WITHDRAWAL_TRANSITIONS.next_statuses,
    ),
    _Lifecycle(
        "Verifications",
        "GET /api/kyc/status",
        VerificationStatus,
        VERIFICATION_TRANSITIONS.next_statuses,
    ),
    _Lifecycle(
        "Documents",
        "GET /api/kyc/status",
        DocumentState,
        {DocumentState.RECEIVED: (DocumentState.ACCEPTED, DocumentState.REFUSED)},
    ),
    _Lifecycle(
        "Data exports",
        "GET /api/me/export/{export_id}",
        ExportStatus,
        {
            ExportStatus.PENDING: (ExportStatus.READY, ExportStatus.CANCELLED),
            ExportStatus.READY: (ExportStatus.EXPIRED,),
        },
    ),
)


def write_guide(special_values: Sequence[tuple[str, str, str]]) -> str:
    """Return the guide as Markdown; with the special values of the sandbox, where there is one."""
    return render_template(
        "docs/guide.md",
        quote_seconds=TradingRules().quote_seconds,
        session_days=SESSION_LIFETIME.days,
        proof_minutes=PROOF_LIFETIME // timedelta(minutes=1),
        key_days=ApiKeyRules().default_days,
        idempotency_days=RETENTION.days,
        scopes=[(scope, PERMISSION_DESCRIPTIONS[scope]) for scope in sorted(API_KEY_SCOPES)],
        rate_limits=_API_LIMITS,
        payment_assets=[asset.code for asset in FUNDING],
        payments=[(method.value, _directions(method)) for method in PaymentMethod],
        tradable=", ".join(TRADABLE),
        tiers=_tiers(),
        limits=[*_limits(PaymentLimits), *_limits(TransferLimits)],
        statuses=[_rows(each) for each in _LIFECYCLES],
        sandbox=special_values,
    )


def _directions(method: PaymentMethod) -> list[str]:
    """Return the directions in which each asset can be paid by the method."""
    return [
        " and ".join(
            {"deposit": "in", "withdrawal": "out"}[direction]
            for direction, each, paid in PAYMENTS
            if (each, paid) == (method, asset)
        )
        for asset in FUNDING
    ]


def _tiers() -> list[tuple[int, str, str]]:
    rules = KycRules()
    return [
        (tier, reached_by, format_amount(getattr(rules, f"daily_tier_{tier}")))
        for tier, reached_by in _TIERS.items()
    ]


def _limits(group: Callable[[], object]) -> Iterable[tuple[str, str]]:
    """Yield the label and the default of each setting of a group that limits customers."""
    for name, setting in get_group(type(group())).settings.items():
        value = setting.declared.default
        if name not in _NOT_FOR_CUSTOMERS:
            shown = format_amount(value) if isinstance(value, Amount) else str(value)
            yield setting.declared.label, f"{shown} {setting.declared.unit}".rstrip()


def _rows(lifecycle: _Lifecycle) -> tuple[str, str, list[tuple[str, str, str]]]:
    meanings = describe_members(lifecycle.kind)
    rows = []
    for status in lifecycle.kind:
        following = {each.value for each in lifecycle.next_statuses.get(status, ())}
        then = ", ".join(f"`{each.value}`" for each in lifecycle.kind if each.value in following)
        rows.append((status.value, meanings[status.value], then or "final"))
    return lifecycle.title, lifecycle.path, rows
