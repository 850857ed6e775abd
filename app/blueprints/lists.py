"""Lists of the desks, declared: what is shown, searched, sorted, selected and exported.

A page blueprint declares a `ListPage` and adds it with `PageBlueprint.add_list`. From the
declaration come the filters in the URL (what is typed is sealed there), chips that remove them,
sorting, paging in both directions, the count, each person's columns and density, saved views, the
CSV of exactly what is shown, bulk actions on the rows that were shown, the empty states and the
layout for phones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from app.access import Actor, Permission, require
from app.blueprints.forms import Form
from app.identity.accounts import queries as account_queries
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.labels import LabelledEnum
from app.kit.list_query import ListSource

RowT = TypeVar("RowT")
Options = Sequence[tuple[str, str]]

#: All numbers with so many digits fit PostgreSQL's bigint.
_DIGITS_MAX = 18


@dataclass(frozen=True, slots=True)
class PersonCell:
    """A person by id. `missing` is shown for None."""

    person_id: UUID | None
    missing: str = "System"


@dataclass(frozen=True, slots=True)
class ReferenceCell:
    """A public id of anything that has a page. `name` is shown with it."""

    public_id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ExactTimeCell:
    """A time that a page shows to the second."""

    instant: datetime


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """A column. What `value` returns decides how it is shown: text, a time, an amount or a number
    (aligned to the right), a labelled member, a `PersonCell`, a `ReferenceCell`, or None."""

    name: str
    label: str
    value: Callable[[RowT], object]
    #: The name of the source's sort; None for a column that cannot be sorted.
    sort: str | None = None
    #: Shown only to people who chose it.
    is_hidden: bool = False
    is_figure: bool = False
    #: A code such as a SKU, which may break at its hyphens and nowhere else.
    is_code: bool = False
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter by text. `name` is its parameter in the URL and its name in the source. Its label
    is short, because chips repeat it; `hint` says what can be entered."""

    name: str
    label: str
    _: KW_ONLY
    hint: str = ""
    #: What is searched for without this parameter.
    default: str = ""
    type: str = field(default="search", init=False)

    @property
    def is_typed(self) -> bool:
        """Whether people type any text, which URLs hold sealed."""
        return self.type == "search"

    def options(self, _session: Session, _actor: Actor) -> Options | None:
        """Return the values to choose from, with their texts; None for free text."""
        return None

    def parse(
        self, _session: Session, _actor: Actor, text: str, _options: Options | None
    ) -> object:
        """Return the value to search for. Raises `Invalid` naming the filter."""
        return text

    def describe(self, text: str, options: Options | None) -> str:
        """Return the value as a chip shows it."""
        return dict(options or ()).get(text, text)


@dataclass(frozen=True, slots=True)
class ChoiceFilter(Filter):
    """A filter by one of some values. `choices` returns pairs of value and text."""

    choices: Callable[[Session, Actor], Options] = lambda _session, _actor: ()
    convert: Callable[[str], object] = str
    type: str = field(default="select", init=False)

    def options(self, session: Session, actor: Actor) -> Options:
        """Return the values to choose from."""
        return self.choices(session, actor)

    def parse(self, _session: Session, _actor: Actor, text: str, options: Options | None) -> object:
        """Return the chosen value."""
        if text not in dict(options or ()):
            raise Invalid(self.name, f"{self.label}: choose a value from the list.")
        return self.convert(text)


@dataclass(frozen=True, slots=True)
class EnumFilter(Filter):
    """A filter by a member of an enum with labels."""

    members: type[LabelledEnum] = LabelledEnum
    type: str = field(default="select", init=False)

    def options(self, _session: Session, _actor: Actor) -> Options:
        """Return the members' values and labels."""
        return self.members.options()

    def parse(
        self, _session: Session, _actor: Actor, text: str, _options: Options | None
    ) -> object:
        """Return the member."""
        member = self.members.with_value(text)
        if member is None:
            raise Invalid(self.name, f"{self.label}: choose a value from the list.")
        return member


@dataclass(frozen=True, slots=True)
class PersonFilter(Filter):
    """A filter by a person's email or ID."""

    def parse(self, session: Session, _actor: Actor, text: str, _options: Options | None) -> object:
        """Return the person's id."""
        return find_person(session, self.name, text)


def find_person(session: Session, field_name: str, text: str) -> UUID:
    """Return the id of the person with this email or ID. Raises `Invalid` naming the field."""
    try:
        if "@" in text:
            return account_queries.get_person_by_email(session, text).id
        return ids.decode("usr", text)
    except (NotFound, Invalid):
        raise Invalid(field_name, "No person has this email or ID. Check the spelling.") from None


@dataclass(frozen=True, slots=True)
class NumberFilter(Filter):
    """A filter by a whole number that identifies a row."""

    def parse(
        self, _session: Session, _actor: Actor, text: str, _options: Options | None
    ) -> object:
        """Return the number."""
        digits = text.strip()
        if not digits.isascii() or not digits.isdecimal() or len(digits) > _DIGITS_MAX:
            raise Invalid(self.name, f"{self.label}: enter digits only, like 10000001.")
        return int(digits)


@dataclass(frozen=True, slots=True)
class DateFilter(Filter):
    """A filter by a day (UTC). `is_end`: the day is included, so the value is the next midnight."""

    is_end: bool = False
    type: str = field(default="date", init=False)

    def parse(
        self, _session: Session, _actor: Actor, text: str, _options: Options | None
    ) -> object:
        """Return the instant that the day begins, or ends for the end of a period."""
        try:
            day = date.fromisoformat(text) + timedelta(days=int(self.is_end))
        except (ValueError, OverflowError):
            raise Invalid(self.name, f"{self.label}: enter a date, like 2026-11-28.") from None
        return datetime.combine(day, time(), UTC)


@dataclass(frozen=True, slots=True)
class BulkAction:
    """An act on selected rows. `run` acts on one id, in a savepoint of its own; it raises what the
    row's page would refuse. `done` follows the number of rows, of one and of several: `job will be
    retried.`. Before a `fresh` one the person reauthenticates."""

    name: str
    label: str
    permission: Permission
    prefix: str
    run: Callable[[Session, Actor, UUID], object]
    done: tuple[str, str]
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class BulkStart:
    """An act on all selected rows together that goes on at another page: `run` returns its URL, or
    raises why none of the rows are taken. A second button, with `all_label`, takes every row that
    the filters find, up to `rows_max`."""

    name: str
    label: str
    all_label: str
    permission: Permission
    prefix: str
    rows_max: int
    run: Callable[[Session, Actor, Sequence[UUID]], str]
    fresh: bool = field(default=False, init=False)


@dataclass(frozen=True, slots=True)
class ListPage(Generic[RowT]):
    """The declaration of a list. `source` returns what this person may see."""

    name: str
    title: str
    about: str
    source: Callable[[Session, Actor], ListSource[RowT]]
    columns: tuple[Column[RowT], ...]
    default_sort: str
    #: Title and text without any row, and the text where no row fits the filters.
    empty: tuple[str, str]
    no_match: str = "Remove a filter, or check the spelling."
    filters: tuple[Filter, ...] = ()
    #: The URL of a row's page, to which the first column links.
    row_url: Callable[[RowT], str | None] | None = None
    #: What that page takes, where it is more than this list takes.
    row_permission: Permission | None = None
    #: The rows of a list with bulk actions have a `public_id`.
    bulk_actions: tuple[BulkAction | BulkStart, ...] = ()
    #: Whether the open page refreshes its rows: a queue, from which several people work.
    refreshes: bool = False


@dataclass(frozen=True, slots=True)
class ListForm:
    """A form below a list, for people with its permission; it is sent to the path of the list.
    `options` returns those of its choices that depend on the page."""

    form: Form
    permission: Permission
    options: Callable[[Session, Actor], Mapping[str, Options]] = lambda _session, _actor: {}

    def context(self, session: Session, actor: Actor) -> Mapping[str, object]:
        """Return what the template of the list shows of the form to this person."""
        if self.permission not in actor.permissions:
            return {"list_form": None}
        return {"list_form": self.form, "form_options": self.options(session, actor)}


@dataclass(frozen=True, slots=True)
class Registered:
    """A list with the permission that opens it."""

    page: ListPage[Any]
    permission: Permission
    endpoint: str


_REGISTERED: dict[str, Registered] = {}


def register(page: ListPage[Any], permission: Permission, endpoint: str) -> None:
    """Make the list known by its name. Raises `ValueError` for a declaration that cannot work."""
    if page.name in _REGISTERED and _REGISTERED[page.name].endpoint != endpoint:
        raise ValueError(f"two lists are named {page.name}")
    names = [column.name for column in page.columns]
    if len(names) != len(set(names)):
        raise ValueError(f"two columns of {page.name} have the same name")
    _REGISTERED[page.name] = Registered(page, permission, endpoint)


def find(name: str, actor: Actor) -> Registered:
    """Return the list. Raises `NotFound`, and `PermissionDenied` without its permission."""
    if name not in _REGISTERED:
        raise NotFound
    registered = _REGISTERED[name]
    require(actor, registered.permission)
    return registered


def find_known(name: str) -> Registered:
    """Return the list that the code itself names."""
    return _REGISTERED[name]


def find_for_export(name: str, actor: Actor) -> str:
    """Return the title of the list that an export was made of; its name if it is no longer there.

    Raises `PermissionDenied` for a list that the person may not open any more.
    """
    registered = _REGISTERED.get(name)
    if registered is None:
        return name
    require(actor, registered.permission)
    return registered.page.title


def list_registered() -> list[Registered]:
    """Return every declared list."""
    return list(_REGISTERED.values())


def endpoint_of(page: ListPage[Any]) -> str:
    """Return the endpoint of a registered list."""
    return _REGISTERED[page.name].endpoint
