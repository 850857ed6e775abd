"""How sales tax looks at a product: coins and bars by purpose, not by shape."""

from app.kit.labels import LabelledEnum


class TaxClass(LabelledEnum):
    """What a product is to sales tax."""

    BULLION = "bullion", "Bullion bar or round"
    """A bar or round that is worth its metal."""
    LEGAL_TENDER = "legal_tender", "Legal-tender coin"
    """A coin that is, or was, money of the country that issued it."""
    NUMISMATIC = "numismatic", "Numismatic coin"
    """A coin whose price depends on rarity and condition."""
    PROCESSED = "processed", "Jewellery or processed metal"
    """Metal made into something else than a coin, bar or round."""
    COPPER = "copper", "Copper"
    """Copper in any form: no precious metal."""
    ACCESSORY = "accessory", "Accessory"
    """A tube, capsule or box, without metal."""
