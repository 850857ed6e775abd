"""The register of personal data: every room that holds some, and every table that holds none.

The rooms are in the order of the archive. A house test fails for a table that is in neither list,
so that a new table cannot be overlooked.
"""

from collections.abc import Mapping
from dataclasses import astuple
from uuid import UUID

import sqlalchemy as sa

from app.approvals import personal as approvals_personal
from app.audit import personal as audit_personal
from app.cases import personal as cases_personal
from app.compliance import personal as compliance_personal
from app.counter import personal as counter_personal
from app.custody import personal as custody_personal
from app.documents import personal as documents_personal
from app.flags import personal as flags_personal
from app.fulfillment import personal as fulfillment_personal
from app.funding import personal as funding_personal
from app.helpdesk import personal as helpdesk_personal
from app.idempotency import personal as idempotency_personal
from app.identity import personal as identity_personal
from app.imports import personal as imports_personal
from app.keys import files
from app.keys import personal as keys_personal
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureBlocker,
    ErasureEffect,
    ExportFiles,
    ExportSections,
    PersonalData,
    PersonalDataTable,
    export_records,
)
from app.kyc import personal as kyc_personal
from app.ledger import personal as ledger_personal
from app.lists import personal as lists_personal
from app.messages import personal as messages_personal
from app.outbox import personal as outbox_personal
from app.pricing import personal as pricing_personal
from app.privacy import consents
from app.privacy.models import Export
from app.privacy.rules import ExportStatus
from app.providers import personal as providers_personal
from app.redemption import personal as redemption_personal
from app.screening import personal as screening_personal
from app.settings import personal as settings_personal
from app.shop import personal as shop_personal
from app.storage_fees import personal as storage_fees_personal
from app.tax import personal as tax_personal
from app.throttle import personal as throttle_personal
from app.trading import personal as trading_personal
from app.vault import personal as vault_personal

#: The approval action that erases a person. A pending request for it does not block the erasure.
ERASE_PERSON = "person.erase"

_EXPORTS = """
SELECT id, status, requested_at, ready_at, expires_at FROM exports WHERE user_id = %s ORDER BY id
"""


#: What becomes of an export when its person is erased.
_ENDED = {
    ExportStatus.PENDING: ExportStatus.CANCELLED,
    ExportStatus.READY: ExportStatus.EXPIRED,
}


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    decisions = map(astuple, consents.list_decisions(session, person_id))
    exports = session.rows(_EXPORTS, (person_id,))
    return {
        "consents": export_records(decisions, "policy version given decidedAt channel"),
        "exports": export_records(exports, "id status requestedAt readyAt expiresAt", id="exp"),
    }


def _erase(session: Session, person_id: UUID) -> None:
    files.delete_files(session, sa.select(Export.file_id).where(Export.user_id == person_id))
    for status, ended in _ENDED.items():
        session.write(
            sa.update(Export)
            .where(Export.user_id == person_id, Export.status == status)
            .values(status=ended, file_id=None, key_sealed=None)
        )


_EVIDENCE = f"Evidence that the request was fulfilled, without its contents. {RETAINED_BY_LAW}"
PRIVACY = PersonalData(
    "privacy",
    {
        "consents": PersonalDataTable(
            "Consents given and withdrawn: policy, version and time",
            ErasureEffect.RETAINED,
            f"Evidence of consent. {RETAINED_BY_LAW}",
            export_sections=("consents",),
        ),
        "exports": PersonalDataTable(
            "Requests for a copy of the data and, for a day, the sealed key of the copy",
            ErasureEffect.ANONYMIZED,
            f"The copy is deleted. {_EVIDENCE}",
            export_sections=("exports",),
        ),
        "erasures": PersonalDataTable(
            "The erasure of the person, and the end of the retention period",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported="Only erased persons have a row, and they can no longer request a copy.",
        ),
    },
    export_sections=_export_sections,
    erase=_erase,
)

ROOMS: tuple[PersonalData, ...] = (
    identity_personal.PERSONAL_DATA,
    ledger_personal.PERSONAL_DATA,
    trading_personal.PERSONAL_DATA,
    flags_personal.PERSONAL_DATA,
    imports_personal.PERSONAL_DATA,
    funding_personal.PERSONAL_DATA,
    custody_personal.PERSONAL_DATA,
    kyc_personal.PERSONAL_DATA,
    messages_personal.PERSONAL_DATA,
    PRIVACY,
    lists_personal.PERSONAL_DATA,
    screening_personal.PERSONAL_DATA,
    cases_personal.PERSONAL_DATA,
    compliance_personal.PERSONAL_DATA,
    approvals_personal.personal_data(ignored_action=ERASE_PERSON),
    pricing_personal.PERSONAL_DATA,
    shop_personal.PERSONAL_DATA,
    redemption_personal.PERSONAL_DATA,
    fulfillment_personal.PERSONAL_DATA,
    helpdesk_personal.PERSONAL_DATA,
    documents_personal.PERSONAL_DATA,
    counter_personal.PERSONAL_DATA,
    storage_fees_personal.PERSONAL_DATA,
    vault_personal.PERSONAL_DATA,
    tax_personal.PERSONAL_DATA,
    settings_personal.PERSONAL_DATA,
    audit_personal.PERSONAL_DATA,
    idempotency_personal.PERSONAL_DATA,
    outbox_personal.PERSONAL_DATA,
    providers_personal.PERSONAL_DATA,
    throttle_personal.PERSONAL_DATA,
    keys_personal.PERSONAL_DATA,
)

#: Tables that hold no personal data, with what they hold instead.
TABLES_WITHOUT_PERSONAL_DATA: Mapping[str, str] = {
    "accepted_prices": "Prices.",
    "account_classes": "The chart of accounts.",
    "adjusting_entries": "Which entries adjust the books, with the requests that name people.",
    "assets": "The assets that can be held.",
    "branch_days": "Hours of branches on holidays.",
    "book_closings": "Which periods are closed, with the requests that name people.",
    "branches": "Branches of PBCEx.",
    "custody_balances": "Balances as custodians report them.",
    "custody_polls": "How far each custodian's list has been read.",
    "daily_totals": "Totals of each day over all customers, and of house accounts.",
    "document_counters": "The last number of each kind of document of a company.",
    "exposures": "Totals over all customers.",
    "legal_entities": "Companies of PBCEx; a tax number is a company's.",
    "image_sizes": "Pictures of products.",
    "images": "Pictures of products.",
    "import_rows": "What the check of a file's rows found.",
    "key_rotations": "Progress of key rotations.",
    "licences": "Licences of companies of PBCEx.",
    "locations": "Places where goods are.",
    "purchase_order_lines": "Units of products that are bought from a supplier.",
    "reorder_points": "Below how many units a product is low at a location.",
    "restock_needs": "Units of products that a location lacks.",
    "suppliers": "Companies that sell goods to us, and where orders are sent.",
    "supplier_products": "Which products a supplier sells.",
    "redemption_parts": "Where the units of a redemption are.",
    "redemption_quote_items": "The pieces of a redemption.",
    "shop_order_parts": "Where the units of an order are.",
    "stock_alerts": "Products of which too few units were available.",
    "bar_states": "States that a bar came to.",
    "lot_movements": "Units and cost that came to a location or left it.",
    "lot_stock": "Units and cost that are left at a location.",
    "market_prices": "Prices.",
    "permissions": "Names of permissions.",
    "price_lock_metals": "Prices.",
    "price_lock_parts": "Where units of a price lock are.",
    "bought_together": "Which products are bought together, without who did or how many.",
    "listings": "What products are found by: no person is named.",
    "price_effects": "What changes of price rules do to the prices of products.",
    "price_rule_tiers": "Premiums of price rules.",
    "product_categories": "Categories of products.",
    "product_images": "Which pictures a product has.",
    "product_words": "Words of products.",
    "products": "Coins and bars.",
    "reconciliations": "Counts of differences between our books and providers' lists.",
    "rollups": "Balances of house accounts; customers' accounts have none.",
    "rollup_watermark": "The number of a transaction.",
    "search_synonyms": "What customers type, and what they mean by it, as staff enter it.",
    "safes": "Cash of branches.",
    "sanctions_entries": "Public data on listed parties, as the US Treasury publishes it.",
    "sanctions_lists": "The imported versions of the sanctions list.",
    "screening_processes": "Which version of the sanctions list each process has indexed.",
    "source_prices": "Prices.",
    "carrier_claims": "What carriers owe for the goods of shipments.",
    "partner_orders": "What partners have done with shipments.",
    "shipment_parcel_units": "Units of products in parcels.",
    "shipment_parcels": "Parcels: what they are insured for, what they weigh, who carries them.",
    "storage_days": "Prices and rates of the days for which storage was charged.",
    "storage_months": "Months whose storage fees are fixed.",
    "stock_transfer_lines": "Units of products that go from one location to another.",
    "ticks": "Prices.",
    "tills": "Tills of branches.",
    "timetable": "Periodic tasks and when they are due.",
}


def export_sections(session: Session, person_id: UUID) -> dict[str, ExportSections]:
    """Return all records of a person's archive, by room."""
    by_room = {room.name: room.export_sections(session, person_id) for room in ROOMS}
    return {name: sections for name, sections in by_room.items() if sections}


def export_files(session: Session, person_id: UUID) -> ExportFiles:
    """Return what reads each document of a person's archive, by their file names in it."""
    return {
        f"{room.name}/{name}": read
        for room in ROOMS
        for name, read in room.export_files(session, person_id).items()
    }


def list_erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    """Return everything that prevents the erasure of a person."""
    return [blocker for room in ROOMS for blocker in room.erasure_blockers(session, person_id)]


def erase_from_all_rooms(session: Session, person_id: UUID) -> None:
    """Let every room do its part of a person's erasure."""
    for room in ROOMS:
        room.erase(session, person_id)
