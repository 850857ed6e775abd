"""Schemas of invoices."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    EnumField,
    PublicIdField,
    TimestampField,
)
from app.documents.rules import DocumentKind


class SalesDocumentSchema(ApiSchema):
    """A numbered document of a sale."""

    id = PublicIdField("sdc", required=True)
    kind = EnumField(DocumentKind, required=True)
    number = ma.fields.String(required=True, metadata={"examples": ["PBCEX-INV-000123"]})
    total = AmountField(
        required=True, metadata={"description": "In US dollars", "examples": ["4155.00"]}
    )
    issued_at = TimestampField(required=True)


class SalesDocumentsSchema(ApiSchema):
    """The documents of an order, oldest first."""

    data = ma.fields.List(ma.fields.Nested(SalesDocumentSchema), required=True)
