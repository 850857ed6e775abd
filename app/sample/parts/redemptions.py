"""Customers redeem metal as coins: some redemptions are approved, one is rejected, one lapses, and
two wait."""

from uuid import UUID

from app.catalog.products.rules import ProductForm
from app.kit import postal_addresses
from app.kit.postal_addresses import PostalAddress
from app.redemption.quotes.service import QuoteRequest
from app.redemption.requests import review
from app.redemption.requests import service as redemptions
from app.redemption.requests.service import RedemptionRequest
from app.sample.business import Business, amount
from app.sample.customers import BY_NAME
from app.sample.timeline import Part

PART = Part()


def _redeem(business: Business, name: str, code: str, ounces: str) -> UUID:
    """Redeem ounces as coins that are sent home; return the redemption's id."""
    address = postal_addresses.normalize(PostalAddress(**BY_NAME[name].address()))
    wanted = QuoteRequest(amount(code, ounces), ProductForm.COIN, address.country)
    with business.transaction() as session:
        request = RedemptionRequest(wanted, address)
        return redemptions.submit(session, business.actor(name), request).id


@PART.ago(days=9)
def redeem_silver(business: Business) -> None:
    """Redeem fifteen ounces of silver, which support approves."""
    business.things["redemption"] = _redeem(business, "helena", "XAG-s", "15")
    business.settle()


@PART.ago(days=8, hours=20)
def approve_silver(business: Business) -> None:
    """Approve them."""
    with business.transaction() as session:
        review.approve(session, business.actor("support"), business.things["redemption"])
    business.settle()


@PART.ago(days=6)
def reject_gold(business: Business) -> None:
    """Redeem an ounce of gold, which support rejects."""
    redemption_id = _redeem(business, "james", "XAU-s", "1")
    with business.transaction() as session:
        review.reject(
            session,
            business.actor("support"),
            redemption_id,
            reason="The address is that of a mail drop.",
        )
    business.settle()


@PART.ago(days=4)
def let_silver_lapse(business: Business) -> None:
    """Redeem twenty ounces of silver, which no one decides in time."""
    _redeem(business, "helena", "XAG-s", "20")
    business.settle()


@PART.ago(hours=6)
def wait_for_approval(business: Business) -> None:
    """Redeem gold that takes a second person, and platinum that does not."""
    _redeem(business, "helena", "XAU-s", "3")
    _redeem(business, "lena", "XPT-s", "1")
    business.settle()
