"""What restrictions refuse, by name."""

from app.kit.errors import Conflict


class RegionRestricted(Conflict):
    """Goods may not be delivered to where they would go."""

    code = "region_restricted"
    title = "These goods cannot be delivered there."


class AgeRestricted(Conflict):
    """The customer is younger than the people to whom a product is sold."""

    code = "age_restricted"
    title = "One of the products is not sold to people of your age."
