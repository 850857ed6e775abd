"""Named reads of storage fees: what is accrued so far, and charges."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import SYNTHETIC, TRADABLE, USD, Metal
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.kit.statements import any_of, compile_select
from app.storage_fees import accruals, rules
from app.storage_fees.models import (
    StorageAccrual,
    StorageCharge,
    StorageChargeLine,
    StorageDay,
    StorageMonth,
)
from app.storage_fees.rules import PREFIX, ChargeStatus, FeeLine

#: So many charges of a customer are shown at once: those of the last years.
CHARGES_SHOWN = 60


@dataclass(frozen=True, slots=True)
class StoredCharge:
    """What a customer pays for the metal of a month, as it is stored."""

    id: UUID
    user_id: UUID
    month: date
    status: ChargeStatus
    fee_units: int
    closed_at: datetime
    charged_at: datetime | None
    dollar_units: int | None
    sale_units: int | None
    owed_units: int | None
    sold_asset: str | None
    sold_units: int | None
    sale_price: Decimal | None
    waived_at: datetime | None
    waived_by: UUID | None
    waive_reason: str | None

    @property
    def public_id(self) -> PublicId:
        """The id as the API and the pages show it."""
        return ids.encode(PREFIX, self.id)

    @property
    def month_name(self) -> str:
        """The month, for people."""
        return rules.format_month(self.month)

    @property
    def fee(self) -> Amount:
        """What the month costs."""
        return Amount(USD, self.fee_units)

    @property
    def paid_in_dollars(self) -> Amount:
        """What the balance of dollars paid."""
        return Amount(USD, self.dollar_units or 0)

    @property
    def paid_by_sale(self) -> Amount:
        """What the sale of metal paid."""
        return Amount(USD, self.sale_units or 0)

    @property
    def owed(self) -> Amount:
        """What the customer owed when it was charged."""
        return Amount(USD, self.owed_units or 0)

    @property
    def sold(self) -> Amount | None:
        """The metal that was sold for it."""
        if self.sold_asset is None or self.sold_units is None:
            return None
        return Amount(TRADABLE[self.sold_asset], self.sold_units)


@dataclass(frozen=True, slots=True)
class Charge(StoredCharge):
    """A charge with its arithmetic."""

    lines: tuple[FeeLine, ...]

    @property
    def fees(self) -> Mapping[Metal, Amount]:
        """The fee of each metal, the dearest one first."""
        return rules.fee_by_metal(self.lines)


@dataclass(frozen=True, slots=True)
class AccruedFees:
    """What a customer has to pay for the days of a month that are accrued."""

    month: date
    #: The last day that is accrued; None if none of the month is.
    last_day: date | None
    lines: tuple[FeeLine, ...]

    @property
    def total(self) -> Amount:
        """What it comes to so far."""
        return Amount(USD, sum(line.fee_units for line in self.lines))


_FIELDS = tuple(field.name for field in fields(StoredCharge))
_COLUMNS = (
    StorageCharge.id,
    StorageCharge.user_id,
    StorageCharge.month,
    StorageCharge.status,
    StorageCharge.fee_units,
    StorageMonth.closed_at,
    StorageCharge.charged_at,
    StorageCharge.dollar_units,
    StorageCharge.sale_units,
    StorageCharge.owed_units,
    StorageCharge.sold_asset,
    StorageCharge.sold_units,
    StorageCharge.sale_price,
    StorageCharge.waived_at,
    StorageCharge.waived_by,
    StorageCharge.waive_reason,
)
_SELECT = sa.select(*_COLUMNS).join(StorageMonth, StorageMonth.month == StorageCharge.month)
_charge_id = sa.bindparam("charge_id", type_=sa.Uuid)
_LOCK = compile_select(
    _SELECT.where(StorageCharge.id == _charge_id).with_for_update(of=StorageCharge)
)
_GET = compile_select(_SELECT.where(StorageCharge.id == _charge_id))
_OF_CUSTOMER = compile_select(
    _SELECT.where(StorageCharge.user_id == sa.bindparam("user_id", type_=sa.Uuid))
    .order_by(StorageCharge.month.desc())
    .limit(CHARGES_SHOWN)
)
_LINES = compile_select(
    sa.select(
        StorageChargeLine.charge_id,
        StorageChargeLine.metal,
        StorageChargeLine.days,
        StorageChargeLine.ounce_days_units,
        StorageChargeLine.allowance_units,
        StorageChargeLine.rate_percent,
        StorageChargeLine.value_days,
        StorageChargeLine.fee_units,
    )
    .where(StorageChargeLine.charge_id == any_of("charge_ids", sa.Uuid))
    .order_by(StorageChargeLine.charge_id, StorageChargeLine.position)
)
CHARGES = ListSource(
    StoredCharge,
    _SELECT,
    key=StorageCharge.id,
    sorts={"month": StorageCharge.month},
    filters={
        "customer": lambda user_id: StorageCharge.user_id == user_id,
        "status": lambda status: StorageCharge.status == status,
        "from": lambda instant: StorageCharge.month >= instant.date(),
        "to": lambda instant: StorageCharge.month < instant.date(),
        "owed": lambda _: StorageCharge.owed_units > 0,
    },
)


@dataclass(frozen=True, slots=True)
class AccrualRow:
    """The ounces of a customer at the end of a day, with the terms of that day."""

    day: date
    metal: Metal
    user_id: UUID
    ounces_units: int
    allowance_units: int
    mid: Decimal
    rate_percent: Decimal

    @property
    def ounces(self) -> Amount:
        """What they had."""
        return Amount(SYNTHETIC[self.metal], self.ounces_units)

    @property
    def chargeable(self) -> Amount:
        """What of it was above the allowance."""
        return Amount(SYNTHETIC[self.metal], self.ounces_units - self.allowance_units)


ACCRUALS = ListSource(
    AccrualRow,
    sa.select(
        StorageAccrual.day,
        StorageAccrual.metal,
        StorageAccrual.user_id,
        StorageAccrual.ounces_units,
        StorageDay.allowance_units,
        StorageDay.mid,
        StorageDay.rate_percent,
    ).join(
        StorageDay,
        sa.and_(StorageDay.day == StorageAccrual.day, StorageDay.metal == StorageAccrual.metal),
    ),
    key=sa.func.concat(StorageAccrual.metal, " ", StorageAccrual.user_id),
    sorts={"day": StorageAccrual.day},
    filters={
        "customer": lambda user_id: StorageAccrual.user_id == user_id,
        "metal": lambda metal: StorageAccrual.metal == metal,
        "from": lambda instant: StorageAccrual.day >= instant.date(),
        "to": lambda instant: StorageAccrual.day < instant.date(),
    },
)


def lock_charge(session: Session, charge_id: UUID) -> Charge:
    """Return a charge, its row locked until the transaction ends. Raises `NotFound`."""
    stored = session.get(StoredCharge, _LOCK, charge_id=charge_id)
    return _with_lines(session, [stored])[0]


def get_charge(session: Session, charge_id: UUID) -> Charge:
    """Return a charge. Raises `NotFound`."""
    stored = session.get(StoredCharge, _GET, charge_id=charge_id)
    return _with_lines(session, [stored])[0]


def list_charges(session: Session, user_id: UUID) -> list[Charge]:
    """Return the charges of a customer, the latest months first."""
    return _with_lines(session, session.select(StoredCharge, _OF_CUSTOMER, user_id=user_id))


def explain_charges(session: Session, references: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Return the arithmetic of the charges with these public ids, one line for each metal or rate;
    what names no charge is absent."""
    wanted = [found for text in references if (found := ids.try_decode(PREFIX, text)) is not None]
    lines = _lines_of(session, wanted)
    return {
        ids.encode(PREFIX, charge_id): [line.explanation for line in own]
        for charge_id, own in lines.items()
    }


def accrued_fees(session: Session, user_id: UUID) -> AccruedFees:
    """Return what a customer has to pay for this month so far."""
    month = (clock.now() - accruals.MARGIN).date().replace(day=1)
    last, rows = session.fetch(
        (accruals.LAST_DAY, None), accruals.read_of_lines(user_id, month, rules.next_month(month))
    )
    [(last_day,)] = last
    in_month = last_day if last_day is not None and last_day >= month else None
    return AccruedFees(month, in_month, accruals.lines_from(rows))


def _with_lines(session: Session, stored: Sequence[StoredCharge]) -> list[Charge]:
    lines = _lines_of(session, [each.id for each in stored])
    return [
        Charge(**{name: getattr(each, name) for name in _FIELDS}, lines=lines[each.id])
        for each in stored
    ]


def _lines_of(session: Session, charge_ids: Sequence[UUID]) -> dict[UUID, tuple[FeeLine, ...]]:
    found: defaultdict[UUID, list[FeeLine]] = defaultdict(list)
    if charge_ids:
        for charge_id, line in session.select(_line_of, _LINES, charge_ids=list(charge_ids)):
            found[charge_id].append(line)
    return {charge_id: tuple(lines) for charge_id, lines in found.items()}


def _line_of(charge_id: UUID, **columns: Any) -> tuple[UUID, FeeLine]:
    return charge_id, FeeLine(**columns)
