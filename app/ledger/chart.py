"""The chart of accounts, as services name accounts. An account exists from its first posting."""

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from app.catalog.rules import Wallet, wallet_of
from app.kit.money import Asset

#: Owner of the house's own accounts.
HOUSE = UUID(int=0)


class AccountClass(StrEnum):
    """Lines of the chart. Those of customers are guarded: they cannot go below zero."""

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


class AccountKey(NamedTuple):
    """What identifies an account. Sorts as the ledger locks: by asset, class, owner."""

    asset: Asset
    account_class: AccountClass
    owner_id: UUID = HOUSE

    @property
    def lock_order(self) -> tuple[str, str, int]:
        """The order in which entries touch accounts, so that no two wait for each other."""
        return (self.asset.code, self.account_class, self.owner_id.int)


def customer(owner_id: UUID, asset: Asset) -> AccountKey:
    """A customer's account in this asset: what we owe them."""
    trading = wallet_of(asset) is Wallet.TRADING
    line = AccountClass.CUSTOMER_TRADING if trading else AccountClass.CUSTOMER_FUNDING
    return AccountKey(asset, line, owner_id)


def position(asset: Asset) -> AccountKey:
    """Through which conversions pass, so that exposure is a balance."""
    return AccountKey(asset, AccountClass.POSITION)


def backing(asset: Asset) -> AccountKey:
    """Tokens set aside for minted metal; the metal itself stands here with the other sign."""
    return AccountKey(asset, AccountClass.BACKING)


def capital(asset: Asset) -> AccountKey:
    """What the owners put in."""
    return AccountKey(asset, AccountClass.CAPITAL)


def fees(asset: Asset) -> AccountKey:
    """Income from fees."""
    return AccountKey(asset, AccountClass.FEES)


def spread(asset: Asset) -> AccountKey:
    """Income from the distance between mid and the price given."""
    return AccountKey(asset, AccountClass.SPREAD)


def rounding(asset: Asset) -> AccountKey:
    """Residues below a minor unit, never in the customer's favour by accident."""
    return AccountKey(asset, AccountClass.ROUNDING)


def custody(asset: Asset, custodian_id: UUID) -> AccountKey:
    """What a custodian keeps for us."""
    return AccountKey(asset, AccountClass.CUSTODY, custodian_id)


def processor(asset: Asset, processor_id: UUID) -> AccountKey:
    """What a processor of payments has taken in for us and not paid out yet."""
    return AccountKey(asset, AccountClass.PROCESSOR, processor_id)


def bank(asset: Asset, bank_id: UUID) -> AccountKey:
    """Our money at a bank."""
    return AccountKey(asset, AccountClass.BANK, bank_id)


def receivable(owner_id: UUID, asset: Asset) -> AccountKey:
    """What a customer owes us: never a negative balance of theirs."""
    return AccountKey(asset, AccountClass.RECEIVABLE, owner_id)


def processing_costs(asset: Asset) -> AccountKey:
    """What processors, banks and networks charge us."""
    return AccountKey(asset, AccountClass.PROCESSING_COSTS)


def losses(asset: Asset) -> AccountKey:
    """What customers owed and will not pay."""
    return AccountKey(asset, AccountClass.LOSSES)
