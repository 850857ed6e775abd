"""Changes of the catalogue that would move prices as no one person alone may."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.kit import clock
from app.kit.db import Session
from app.kit.errors import Invalid
from app.settings.queries import current
from app.shop.prices import effects, queries
from app.shop.prices.rules import PriceScope, ShopSettings


@contextmanager
def keep_prices(session: Session, scope: PriceScope, field: str) -> Iterator[None]:
    """Refuse what the block does to the catalogue, such as a move to a category with another price
    rule, if it moves the price of one of these products by more than the setting.

    Raises `Invalid` naming the field.
    """
    asks = queries.read_asks(session)
    at = clock.now()
    before, day_before = effects.read_lately(session, [scope], at, asks)
    yield
    after = effects.read_prices(session, [scope], at, asks)
    limit = current(session, ShopSettings).approval_percent
    for effect in effects.compare(before, after, day_before):
        if effect.moves_more_than(limit):
            raise Invalid(
                field,
                f"This would move the price of {effect.sku} by more than {limit.normalize():f} %."
                " Record a price rule of its own first, or change the rules.",
            )
