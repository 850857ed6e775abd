"""The refusals of products."""

from app.kit.errors import Conflict


class SkuTaken(Conflict):
    """Another product, or another asset, has this SKU."""

    code = "sku_taken"
    title = "Another product already has this SKU. Enter another SKU."
    field = "sku"


class SlugTaken(Conflict):
    """Another product has this slug."""

    code = "slug_taken"
    title = "Another product has this name in URLs. Enter another one."
    field = "slug"


class GtinTaken(Conflict):
    """Another product has this GTIN."""

    code = "gtin_taken"
    title = "Another product has this barcode. Check the number."
    field = "gtin"
