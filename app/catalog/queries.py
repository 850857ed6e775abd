"""Named reads of the catalogue."""

from collections.abc import Mapping

import sqlalchemy as sa

from app.catalog.models import AssetRow
from app.kit.db import Session
from app.kit.money import Asset
from app.kit.statements import compile_statement


def assets_by_code(session: Session) -> Mapping[str, Asset]:
    """Return every asset that accounts can be opened in, products included, by its code."""
    select = sa.select(AssetRow.code, AssetRow.scale)
    return {code: Asset(code, scale) for code, scale in session.rows(*compile_statement(select))}
