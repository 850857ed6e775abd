"""The pieces of a redemption as goods of the vault."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.catalog.products import queries as products_queries
from app.kit.db import Session
from app.redemption.requests import queries
from app.redemption.requests.queries import Redemption
from app.vault.locations import queries as locations_queries
from app.vault.lots.service import Goods


@dataclass(frozen=True, slots=True)
class RedeemedGoods:
    """Goods with the holds that reserve them, and the ounces (10^-8) that each branch gives."""

    goods: Sequence[Goods]
    hold_ids: Sequence[UUID]
    ounces: Mapping[UUID, int]


def list_goods(session: Session, redemption: Redemption) -> RedeemedGoods:
    """Return the goods of a redemption, by where they are."""
    units = queries.list_units(session, redemption)
    products = {
        each.sku: each
        for each in products_queries.list_products(session, {each.sku for each in units})
    }
    locations = locations_queries.locations_by_id(session, {each.location_id for each in units})
    ounces: Counter[UUID] = Counter()
    for each in units:
        ounces[locations[each.location_id].branch_id] += each.ounces.units
    goods = [
        Goods(
            products[each.sku],
            locations[each.location_id],
            each.units,
            (each.lot_id,) if each.lot_id else (),
        )
        for each in units
    ]
    return RedeemedGoods(goods, [each.hold_id for each in units], ounces)
