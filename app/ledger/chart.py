"""The chart of accounts: how services name accounts. An account is opened by its first posting."""

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from app.branches.rules import HEAD_OFFICE
from app.catalog.rules import Metal, Wallet, wallet_of
from app.kit.money import Asset

#: The owner of house accounts, those of PBCEx itself.
HOUSE = HEAD_OFFICE


class AccountClass(StrEnum):
    """The classes of accounts. Those of customers, of goods on a shelf, and of cash are guarded:
    they cannot go below zero."""

    CUSTOMER_FUNDING = "customer.funding"
    CUSTOMER_TRADING = "customer.trading"
    BACKING = "backing"
    POSITION = "position"
    CAPITAL = "capital"
    FEES = "fees"
    SPREAD = "spread"
    ROUNDING = "rounding"
    CUSTODY = "custody"
    PROCESSOR = "processor"
    BANK = "bank"
    RECEIVABLE = "customer.receivable"
    PROCESSING_COSTS = "processing_costs"
    LOSSES = "losses"
    DUST = "dust"
    PAYABLES = "payables"
    INVENTORY_METAL = "inventory.metal"
    INVENTORY_PREMIUM = "inventory.premium"
    SALES_PREMIUM = "sales.premium"
    SALES_PREMIUM_COST = "sales.premium_cost"
    SHRINKAGE = "shrinkage"
    CUSTOMER_GOODS = "customer.goods"
    STOCK_AVAILABLE = "stock.available"
    STOCK_QUARANTINE = "stock.quarantine"
    STOCK_IN_TRANSIT = "stock.in_transit"
    STOCK_ALLOCATED = "stock.allocated"
    STOCK_PICKED = "stock.picked"
    STOCK_SHIPPED = "stock.shipped"
    STOCK_POSITION = "stock.position"
    SALES_TAX = "sales_tax"
    SALES_SHIPPING = "sales.shipping"
    SALES_INSURANCE = "sales.insurance"
    TILL_CASH = "till.cash"
    BRANCH_CASH = "branch.cash"
    CASH_OVER_SHORT = "cash_over_short"
    CARRIER_CLAIMS = "carrier_claims"
    GOODWILL = "goodwill"
    STORAGE_AU = "storage_fees.au"
    STORAGE_AG = "storage_fees.ag"
    STORAGE_PT = "storage_fees.pt"
    STORAGE_PD = "storage_fees.pd"
    STORAGE_CU = "storage_fees.cu"
    PURCHASE_VARIANCE = "purchase_variance"


class AccountKey(NamedTuple):
    """Identifies an account."""

    asset: Asset
    account_class: AccountClass
    owner_id: UUID = HOUSE

    @property
    def lock_order(self) -> tuple[str, str, int]:
        """The order in which entries lock accounts: by asset, class, owner. It prevents
        deadlocks."""
        return (self.asset.code, self.account_class, self.owner_id.int)


def customer(owner_id: UUID, asset: Asset) -> AccountKey:
    """Return a customer's account in this asset: what we owe them."""
    is_trading = wallet_of(asset) is Wallet.TRADING
    account_class = AccountClass.CUSTOMER_TRADING if is_trading else AccountClass.CUSTOMER_FUNDING
    return AccountKey(asset, account_class, owner_id)


def position(asset: Asset) -> AccountKey:
    """Return the account that conversions pass through: its balance is exposure."""
    return AccountKey(asset, AccountClass.POSITION)


def backing(asset: Asset) -> AccountKey:
    """Return the account of tokens set aside for minted metal; the metal has the other sign
    here."""
    return AccountKey(asset, AccountClass.BACKING)


def capital(asset: Asset) -> AccountKey:
    """Return the account of the owners' capital."""
    return AccountKey(asset, AccountClass.CAPITAL)


def fees(asset: Asset) -> AccountKey:
    """Return the account of income from fees."""
    return AccountKey(asset, AccountClass.FEES)


def spread(asset: Asset) -> AccountKey:
    """Return the account of income from the distance between mid and the customer's price."""
    return AccountKey(asset, AccountClass.SPREAD)


def rounding(asset: Asset) -> AccountKey:
    """Return the account of residues below a minor unit."""
    return AccountKey(asset, AccountClass.ROUNDING)


def custody(asset: Asset, custodian_id: UUID) -> AccountKey:
    """Return the account of what a custodian keeps for us."""
    return AccountKey(asset, AccountClass.CUSTODY, custodian_id)


def processor(asset: Asset, processor_id: UUID) -> AccountKey:
    """Return the account of what a payment processor has collected and not paid out yet."""
    return AccountKey(asset, AccountClass.PROCESSOR, processor_id)


def bank(asset: Asset, bank_id: UUID) -> AccountKey:
    """Return the account of our money at a bank."""
    return AccountKey(asset, AccountClass.BANK, bank_id)


def receivable(owner_id: UUID, asset: Asset) -> AccountKey:
    """Return the account of what a customer owes us; their own balance is never negative."""
    return AccountKey(asset, AccountClass.RECEIVABLE, owner_id)


def processing_costs(asset: Asset) -> AccountKey:
    """Return the account of what processors, banks and networks charge us."""
    return AccountKey(asset, AccountClass.PROCESSING_COSTS)


def dust(asset: Asset) -> AccountKey:
    """Return the account of tokens that were sent to us and are too little to credit."""
    return AccountKey(asset, AccountClass.DUST)


def losses(asset: Asset) -> AccountKey:
    """Return the account of customers' debts written off."""
    return AccountKey(asset, AccountClass.LOSSES)


def goodwill(asset: Asset) -> AccountKey:
    """Return the account of what customers were given for goodwill."""
    return AccountKey(asset, AccountClass.GOODWILL)


def stock(sku: Asset, state: AccountClass, location_id: UUID) -> AccountKey:
    """Return the account of a product's units in one state at a location."""
    return AccountKey(sku, state, location_id)


def stock_position(sku: Asset, branch_id: UUID) -> AccountKey:
    """Return the account of a product's units that a branch bought and has not sold."""
    return AccountKey(sku, AccountClass.STOCK_POSITION, branch_id)


def inventory_metal(metal: Asset, branch_id: UUID) -> AccountKey:
    """Return the account of the ounces in goods that a branch has not sold."""
    return AccountKey(metal, AccountClass.INVENTORY_METAL, branch_id)


def inventory_premium(usd: Asset, branch_id: UUID) -> AccountKey:
    """Return the account of what such goods cost above their metal."""
    return AccountKey(usd, AccountClass.INVENTORY_PREMIUM, branch_id)


def payables(usd: Asset, branch_id: UUID) -> AccountKey:
    """Return the account of what a branch owes suppliers."""
    return AccountKey(usd, AccountClass.PAYABLES, branch_id)


def sales_premium(usd: Asset, branch_id: UUID) -> AccountKey:
    """Return the account of what customers of a branch paid for goods above their metal."""
    return AccountKey(usd, AccountClass.SALES_PREMIUM, branch_id)


def shrinkage(usd: Asset, branch_id: UUID) -> AccountKey:
    """Return the account of goods that a branch lost, less those that it found."""
    return AccountKey(usd, AccountClass.SHRINKAGE, branch_id)


def customer_goods(sku: Asset, owner_id: UUID) -> AccountKey:
    """Return the account of a product's units that a customer owns and has not received."""
    return AccountKey(sku, AccountClass.CUSTOMER_GOODS, owner_id)


def sales_tax(usd: Asset, branch_id: UUID) -> AccountKey:
    """Return the account of sales tax that a branch collected and has not remitted to the
    states: no income of ours, and not in the price of goods."""
    return AccountKey(usd, AccountClass.SALES_TAX, branch_id)


def sales_shipping(usd: Asset, branch_id: UUID) -> AccountKey:
    """Return the account of what customers of a branch paid for shipping."""
    return AccountKey(usd, AccountClass.SALES_SHIPPING, branch_id)


def sales_insurance(usd: Asset, branch_id: UUID) -> AccountKey:
    """Return the account of what customers of a branch paid for the insurance of shipped goods."""
    return AccountKey(usd, AccountClass.SALES_INSURANCE, branch_id)


def till_cash(usd: Asset, till_id: UUID) -> AccountKey:
    """Return the account of the cash at a till."""
    return AccountKey(usd, AccountClass.TILL_CASH, till_id)


def branch_cash(usd: Asset, branch_id: UUID) -> AccountKey:
    """Return the account of the cash in the safe of a branch."""
    return AccountKey(usd, AccountClass.BRANCH_CASH, branch_id)


def cash_over_short(usd: Asset, branch_id: UUID) -> AccountKey:
    """Return the account of cash that was missing at a branch, less what was found."""
    return AccountKey(usd, AccountClass.CASH_OVER_SHORT, branch_id)


def carrier_claims(usd: Asset) -> AccountKey:
    """Return the account of what carriers owe us for goods that they lost or damaged."""
    return AccountKey(usd, AccountClass.CARRIER_CLAIMS)


def storage_fees(usd: Asset, metal: Metal) -> AccountKey:
    """Return the account of what customers paid, or owe, for the storage of a metal."""
    return AccountKey(usd, AccountClass(f"storage_fees.{metal.lower()}"))


def purchase_variance(usd: Asset, branch_id: UUID) -> AccountKey:
    """Return the account of what suppliers of a branch invoiced above the price agreed."""
    return AccountKey(usd, AccountClass.PURCHASE_VARIANCE, branch_id)
