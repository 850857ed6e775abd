"""Whether goods may go to a place, and to a person."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from app.catalog.products.queries import ProductDetails
from app.fulfillment.restrictions.errors import AgeRestricted, RegionRestricted
from app.funding.errors import VerificationRequired
from app.kit.countries import country_name
from app.kit.db import Session
from app.kit.postal_addresses import PostalAddress
from app.kyc import rules as kyc_rules
from app.kyc.submission import jurisdictions
from app.kyc.submission import queries as submission_queries

_USA = "US"


def check_destination(products: Collection[ProductDetails], address: PostalAddress | None) -> None:
    """Raise `RegionRestricted` unless these products may be sent to an address; None is allowed:
    they are collected or stay."""
    if address is None:
        return
    if not jurisdictions.is_served(address):
        raise RegionRestricted(f"PBCEx sends nothing there ({country_name(address.country)}).")
    for product in products:
        if address.country == _USA and address.state_code in product.restricted_states:
            raise RegionRestricted(f"{product.name} is not delivered to {address.state_code}.")


def check_age(
    session: Session, user_id: UUID, products: Collection[ProductDetails], at: datetime
) -> None:
    """Raise `AgeRestricted` unless a customer is old enough for these products, and
    `VerificationRequired` if their age is not known and one has a minimum age."""
    age_min = max(product.age_min or 0 for product in products)
    if not age_min:
        return
    birth_date = submission_queries.get_customer(session, user_id).birth_date
    if birth_date is None:
        raise VerificationRequired("One of the products has a minimum age. Verify your identity.")
    if kyc_rules.full_years_between(birth_date, at.date()) < age_min:
        raise AgeRestricted(f"One of the products is sold to people of {age_min} years or older.")
