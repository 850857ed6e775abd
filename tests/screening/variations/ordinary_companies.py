"""Ordinary companies, which are on no list: invented from common parts in a fixed order."""

from itertools import product

_STEMS = """
Anderson Bergmann Castillo Delacroix Evergreen Fairview Greenfield Highland Ironbridge Jefferson
Kingsway Lakeside Meridian Northwind Oakwood Parkside Quantum Riverside Silverline Tanaka Unity
Valencia Westfield Yorkshire Zenith Alpine Bluewater Cedar Delta Eagle Falcon Golden Harbor Imperial
Jupiter Kestrel Lotus Maple Nova Orion Pacific Royal Summit Titan Universal Vertex Atlas Beacon
Crescent Diamond Elite Frontier Gateway Horizon Infinity Landmark Metro Nordic Olympic Premier
Sunrise Trident Vista Apex Crown Dynamic Everest Global Al-Noor Hassan Ivanov Sharma Nguyen Garcia
Rossi Schmidt Dubois Silva Kowalski Yilmaz Chen
"""
_ACTIVITIES = (
    "Trading", "General Trading", "Construction", "Logistics", "Foods", "Textiles", "Consulting",
    "Shipping", "Investment", "Engineering", "Petroleum Services", "Import Export", "Travel",
    "Electronics", "Real Estate", "Medical Supplies", "Transport", "Jewellery",
    "Technology Solutions", "Agricultural Products", "Holding", "Industries", "Mining", "Motors",
    "Marine", "Capital", "Printing", "Furniture", "Energy", "Steel", "Chemicals", "Pharma", "Media",
    "Security", "Aviation", "Packaging", "Software", "Cosmetics", "Plastics", "Garments", "Hotels",
    "Seafood", "Tiles",
)  # fmt: skip
_FORMS = (
    "LLC", "Ltd", "Inc.", "GmbH", "S.A.", "Limited", "Co., Ltd.", "Corporation", "S.A. de C.V.",
    "FZE", "Pte. Ltd.", "S.R.L.", "Company", "B.V.", "PLC",
)  # fmt: skip
COUNT = 3400


def names() -> list[str]:
    """Return the names in a fixed order."""
    pairs = list(product(_STEMS.split(), _ACTIVITIES))[:COUNT]
    return [
        f"{stem} {activity} {_FORMS[place * 7 % len(_FORMS)]}"
        for place, (stem, activity) in enumerate(pairs)
    ]
