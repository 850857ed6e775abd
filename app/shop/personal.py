"""The personal data of the shop, of all its rooms."""

from uuid import UUID

from app.kit.db import Session
from app.kit.personal import ErasureBlocker, ExportSections, PersonalData
from app.shop.cart import personal as cart_personal
from app.shop.locks import personal as locks_personal
from app.shop.orders import personal as orders_personal
from app.shop.prices import personal as prices_personal
from app.shop.refunds import personal as refunds_personal
from app.shop.returns import personal as returns_personal


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    return {
        **cart_personal.export_sections(session, person_id),
        **locks_personal.export_sections(session, person_id),
        **orders_personal.export_sections(session, person_id),
        **refunds_personal.export_sections(session, person_id),
        **returns_personal.export_sections(session, person_id),
    }


def _erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    return [
        *locks_personal.erasure_blockers(session, person_id),
        *orders_personal.erasure_blockers(session, person_id),
        *returns_personal.erasure_blockers(session, person_id),
    ]


def _erase(session: Session, person_id: UUID) -> None:
    cart_personal.erase(session, person_id)
    locks_personal.erase(session, person_id)


PERSONAL_DATA = PersonalData(
    "shop",
    {
        **prices_personal.TABLES,
        **cart_personal.TABLES,
        **locks_personal.TABLES,
        **orders_personal.TABLES,
        **refunds_personal.TABLES,
        **returns_personal.TABLES,
    },
    export_sections=_export_sections,
    erasure_blockers=_erasure_blockers,
    erase=_erase,
)
