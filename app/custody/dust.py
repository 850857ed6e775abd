"""Dust: tokens so little that crediting or investigating them costs more than they are worth.

They are collected on one account for each asset, whatever address they came to.
"""

from dataclasses import dataclass

from app.catalog.rules import PAXG, USDC
from app.custody.ports import Custodian
from app.kit import clock
from app.kit.db import Session
from app.kit.money import Amount, Asset
from app.ledger import chart
from app.ledger import service as ledger
from app.settings.queries import current
from app.settings.rules import setting, settings_group


@settings_group("custody", "Custody")
@dataclass(frozen=True, slots=True)
class DustBounds:
    """From which amount on tokens that arrive are credited."""

    paxg_min: Amount = setting(
        "Smallest PAXG that is credited",
        Amount.parse(PAXG, "0.000001"),
        minimum=Amount.parse(PAXG, "0.00000001"),
        maximum=Amount.parse(PAXG, "0.001"),
        about="Less is collected on the account of dust, and opens no case.",
    )
    usdc_min: Amount = setting(
        "Smallest USDC that is credited",
        Amount.parse(USDC, "0.01"),
        minimum=Amount.parse(USDC, "0.000001"),
        maximum=Amount.parse(USDC, "1"),
        about="Less is collected on the account of dust, and opens no case.",
    )


def is_dust(session: Session, amount: Amount) -> bool:
    """Return whether an amount that arrived is too little to credit."""
    return amount < _bound(session, amount.asset)


def collect(session: Session, custodian: Custodian, reference: str, amount: Amount) -> None:
    """Post dust that a custodian has received, once for each reference."""
    ledger.post(
        session,
        cause="dust",
        reference=f"dust {custodian.name} {reference}",
        posted_at=clock.now(),
        postings=[
            ledger.debit(chart.custody(amount.asset, custodian.provider_id), amount),
            ledger.credit(chart.dust(amount.asset), amount),
        ],
    )


def _bound(session: Session, asset: Asset) -> Amount:
    bounds = current(session, DustBounds)
    return {PAXG: bounds.paxg_min, USDC: bounds.usdc_min}[asset]
