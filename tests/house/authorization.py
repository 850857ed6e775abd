"""Asks every route as everybody, about things of their own, of others, and unknown ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from flask import Flask
from werkzeug.test import TestResponse

from app.access import BRANCH_BOUND_ROLES, DEFAULT_PERMISSIONS, Actor, Permission, Role
from app.audit import service as audit
from app.blueprints.route_registry import Route
from app.cases import service as cases
from app.catalog.rules import TRADABLE
from app.identity.accounts import address_book, email_verification
from app.identity.accounts.postal_addresses import PostalAddress
from app.identity.api_keys import service as api_keys
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.money import Amount
from app.kyc import queries as kyc_queries
from app.kyc.evidence import documents
from app.kyc.review import transitions
from app.kyc.rules import Kind, Purpose, Status
from app.ledger import chart
from app.ledger import service as ledger
from app.outbox import service as outbox
from app.screening.matching import service as screening
from app.screening.rules import Named
from tests import sanctions
from tests.kyc.applicant import picture
from tests.page_client import Browser
from tests.people import PASSWORD, People, credit

OWN, OTHERS, UNKNOWN = "own", "other's", "unknown"
RELATIONS = (OWN, OTHERS, UNKNOWN)
_REFUSED = frozenset({401, 403, 404, 405})
_REQUEST = """
INSERT INTO approvals (id, action, subject, subject_id, payload, before, after, hash, reason,
    maker_id, status, created_at, expires_at)
VALUES (%s, 'person.suspend', %s, %s, '{}', '{}', '{}', sha256(''), 'a test', %s, 'pending',
    now(), now() + interval '1 day')
"""


@dataclass
class Visitor:
    """Somebody who asks: a person at a browser and with a program, or nobody."""

    name: str
    app: Flask
    actor: Actor | None
    browser: Browser = field(init=False)
    #: Proof of who asks, for as long as it lasts: for programs, and for forms.
    _bearer: dict[str, str] | None = None
    _token: str | None = None
    _is_in: bool = False

    def __post_init__(self) -> None:
        self.browser = Browser(self.app)

    @property
    def is_staff(self) -> bool:
        """Whether they can sign in at a browser."""
        return self.actor is not None and self.actor.role is not Role.USER

    def may(self, permission: Permission) -> bool:
        """Whether their role holds it, as the program declares."""
        return self.actor is not None and permission in DEFAULT_PERMISSIONS[self.actor.role]

    def ask(self, route: Route, path: str, body: dict[str, str]) -> TestResponse:
        """Send the request, with nothing in it but what proves who asks."""
        ask = self._ask_page if route.is_page else self._ask_program
        answer = ask(route, path, body)
        if route.method != "GET" and answer.status_code < 400:
            # It may have ended what they were signed in with; a refusal ends nothing.
            self._bearer, self._token, self._is_in = None, None, False
        return answer

    def _ask_program(self, route: Route, path: str, body: dict[str, str]) -> TestResponse:
        if self._bearer is None:
            self._bearer = self._logged_in()
        json = None if route.method == "GET" else body
        headers = {**self._bearer, "Idempotency-Key": ids.new().hex}
        return self.browser.client.open(path, method=route.method, json=json, headers=headers)

    def _ask_page(self, route: Route, path: str, body: dict[str, str]) -> TestResponse:
        if self.is_staff and not self._is_in:
            self._sign_in()
        if route.method == "GET":
            return self.browser.client.get(path)
        if self._token is None:
            self._token = self.browser.token()
        data = {"csrf_token": self._token, **body}
        return self.browser.client.open(path, method=route.method, data=data)

    def _logged_in(self) -> dict[str, str]:
        if self.actor is None:
            return {}
        self._rely_on_password()
        credentials = {"email": self.actor.email, "password": PASSWORD}
        answer = self.browser.client.post("/api/auth/login", json=credentials)
        return {"Authorization": f"Bearer {answer.json['accessToken']}"}

    def _sign_in(self) -> None:
        assert self.actor is not None
        self._rely_on_password()
        self.browser, self._token, self._is_in = Browser(self.app), None, True
        self.browser.sign_in(self.actor.email, PASSWORD)

    def _rely_on_password(self) -> None:
        # With a passkey of their own it would not be enough.
        assert self.actor is not None
        with self.app.extensions["database"].transaction() as session:
            session.send("DELETE FROM passkeys WHERE user_id = %s", (self.actor.user_id,))


@dataclass(frozen=True)
class House:
    """Everybody who asks, and what there is to ask about."""

    database: Database
    visitors: tuple[Visitor, ...]
    #: Whose things "other's" are: nobody who asks.
    stranger: Actor

    @classmethod
    def furnished(cls, app: Flask) -> "House":
        """A house with everybody in it."""
        people = People(app.extensions["database"])
        here, there = people.branch(), people.branch()
        cast: dict[str, Actor | None] = {
            "anonymous": None,
            "customer A": people.staff(Role.USER),
            "customer B": people.staff(Role.USER),
        }
        for role in Role:
            if role is not Role.USER:
                cast[role.value] = people.staff(role, here if role in BRANCH_BOUND_ROLES else None)
        cast["TELLER elsewhere"] = people.staff(Role.TELLER, there)
        # Nobody who asks is the last administrator.
        people.staff(Role.ADMIN)
        # Whose address is not confirmed yet moves no money, whatever they may do.
        with people.database.transaction() as session:
            for actor in filter(None, cast.values()):
                email_verification.confirm_email(session, actor.user_id)
        visitors = tuple(Visitor(name, app, actor) for name, actor in cast.items())
        stranger = people.staff(Role.TELLER, people.branch())
        return cls(people.database, visitors, stranger)


@dataclass(frozen=True)
class Thing:
    """What a path's variable names. `make` answers the public id of one that belongs to somebody.

    `others` is the scope by which others' are seen, where it is another than the permission's; and
    `own` the one answer that the owner gets, where it is a refusal.
    """

    variable: str
    make: Callable[[Database, Actor], str]
    unknown: str
    others: str | None = None
    own: int | None = None


def _person(_database: Database, owner: Actor) -> str:
    return ids.encode("usr", owner.user_id)


def _role(_database: Database, owner: Actor) -> str:
    return owner.role.value


def _branch(database: Database, owner: Actor) -> str:
    """Whoever is not bound to a branch asks about one that nobody is bound to."""
    branch_id = owner.branch_id or People(database).branch()
    return ids.encode("brn", branch_id)


def _approval(database: Database, owner: Actor) -> str:
    """A fresh request each time: asking may end it."""
    approval_id, about = ids.new(), People(database).customer().user_id
    with database.transaction() as session:
        subject = ids.encode("usr", about)
        session.send(_REQUEST, (approval_id, subject, about, owner.user_id))
    return ids.encode("apr", approval_id)


def _nobody(prefix: str) -> str:
    return ids.encode(prefix, UUID(int=7))


_PERSON = Thing("person_id", _person, _nobody("usr"))
_APPROVAL = Thing("approval_id", _approval, _nobody("apr"))
_DECIDED = Thing("approval_id", _approval, _nobody("apr"), own=403)
_MAKERS = Thing("approval_id", _approval, _nobody("apr"), others="own")


def _record(database: Database, owner: Actor) -> str:
    """A record of the trail of something that somebody did."""
    with database.transaction() as session:
        recorded = audit.record(session, actor=owner, action="test.done", subject="test")
    return ids.encode("aud", recorded)


def _address(database: Database, owner: Actor) -> str:
    """The only one in the book, which is of a limited size."""
    given = PostalAddress(
        country="US", street="1 Main Street", city="Reno", state="NV", zip_code="89501"
    )
    with database.transaction() as session:
        session.send("DELETE FROM addresses WHERE user_id = %s", (owner.user_id,))
        added = address_book.add_address(session, owner, given, is_default=False)
    return ids.encode("adr", added.id)


def _key(database: Database, owner: Actor) -> str:
    """A key for what everybody may do."""
    scopes = {Permission.MESSAGES_READ}
    with database.transaction() as session:
        session.send("DELETE FROM api_keys WHERE user_id = %s", (owner.user_id,))
        made = api_keys.create_key(session, owner, name="a test", scopes=scopes, expires_at=None)
    return ids.encode("key", made.id)


def _export(database: Database, owner: Actor) -> str:
    """A copy that nobody has made yet."""
    export_id = ids.new()
    with database.transaction() as session:
        session.send("DELETE FROM exports WHERE user_id = %s", (owner.user_id,))
        session.send(
            "INSERT INTO exports (id, user_id, status, requested_at)"
            " VALUES (%s, %s, 'pending', now())",
            (export_id, owner.user_id),
        )
    return ids.encode("exp", export_id)


def _passkey(database: Database, owner: Actor) -> str:
    passkey_id = ids.new()
    with database.transaction() as session:
        session.send(
            "INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, name,"
            " created_at) VALUES (%s, %s, %s, 'x', 0, 'a test', now())",
            (passkey_id, owner.user_id, passkey_id.bytes),
        )
    return ids.encode("pky", passkey_id)


def _session(database: Database, owner: Actor) -> str:
    session_id = ids.new()
    with database.transaction() as session:
        session.send(
            "INSERT INTO login_sessions (id, user_id, created_at, expires_at, secret_hash, seen_at,"
            " proven_at)"
            " VALUES (%s, %s, now(), now() + interval '1 hour', sha256(%s::text::bytea), now(),"
            " now())",
            (session_id, owner.user_id, str(session_id)),
        )
    return ids.encode("ses", session_id)


def _job(database: Database, _owner: Actor) -> str:
    """A job that was given up."""
    with database.transaction() as session:
        job_id = outbox.stage(session, "outbox.prune_done", {})
        session.send(
            "UPDATE outbox SET tries = 1, dead_at = now(), last_error = 'a test' WHERE id = %s",
            (job_id,),
        )
    return ids.encode(outbox.PREFIX, job_id)


def _case(database: Database, _owner: Actor) -> str:
    """A case about nobody."""
    with database.transaction() as session:
        case_id = cases.open_case(
            session,
            kind="test.difference",
            subject="a test",
            key=str(ids.new()),
            title="What a test found",
            facts={"found": "by a test"},
        )
    return ids.encode(cases.PREFIX, case_id)


def _screening(database: Database, owner: Actor) -> str:
    """Somebody with a name of the list of the sample."""
    sanctions.stand(database)
    about = ids.encode("usr", owner.user_id)
    with database.transaction() as session:
        found = screening.screen(
            session, Named((sanctions.LISTED,)), about=about, purpose="onboarding"
        )
    return ids.encode(screening.PREFIX, found.id)


def _deposit(database: Database, owner: Actor) -> str:
    """An announcement that nobody has looked at."""
    deposit_id = ids.new()
    with database.transaction() as session:
        session.send(
            "INSERT INTO deposits (id, user_id, method, asset, asked_units, status, provider,"
            " requested_at, looked_at)"
            " VALUES (%s, %s, 'bank', 'USD', 100, 'pending', 'a test', now(), now())",
            (deposit_id, owner.user_id),
        )
    return ids.encode("dep", deposit_id)


def _withdrawal(database: Database, owner: Actor) -> str:
    """One that waits for our staff, with its money held."""
    withdrawal_id = ids.new()
    usd = TRADABLE["USD"]
    where = keys.seal("{}", table="withdrawals", column="destination_sealed", key=withdrawal_id)
    with database.transaction() as session:
        credit(session, owner.user_id, "1.00", "USD")
        ledger.place_hold(
            session, hold_id=withdrawal_id, account=chart.customer(owner.user_id, usd),
            amount=Amount(usd, 100), cause="withdrawal", placed_at=clock.now(),
        )  # fmt: skip
        session.send(
            "INSERT INTO withdrawals (id, user_id, method, asset, units, usd_units, status,"
            " destination_sealed, destination_index, destination_masked, provider, requested_at,"
            " looked_at) VALUES (%s, %s, 'bank', 'USD', 100, 100, 'awaiting_approval', %s, '', 'x',"
            " 'a test', now(), now())",
            (withdrawal_id, owner.user_id, where),
        )
    return ids.encode("wdr", withdrawal_id)


def _verification(database: Database, owner: Actor) -> str:
    """The only one of theirs, in review."""
    verification_id = ids.new()
    with database.transaction() as session:
        session.send("DELETE FROM verifications WHERE user_id = %s", (owner.user_id,))
        transitions.begin(
            session,
            owner,
            verification_id=verification_id,
            user_id=owner.user_id,
            kind=Kind.ENHANCED,
            status=Status.IN_REVIEW,
            tier=0,
            details_sealed=None,
        )
    return ids.encode(kyc_queries.PREFIX, verification_id)


def _document(database: Database, owner: Actor) -> str:
    """A picture that they sent."""
    file = documents.check(picture(), name="", declared="")
    with database.transaction() as session:
        sent, _ = documents.add(session, owner, purpose=Purpose.IDENTITY, file=file)
    return sent.public_id


def _nothing(_database: Database, _owner: Actor) -> str:
    raise NotImplementedError("on a public route only what is unknown is asked for")


_CASE = Thing("case_id", _case, _nobody("cas"))
_DEPOSIT = Thing("deposit_id", _deposit, _nobody("dep"))
_WITHDRAWAL = Thing("withdrawal_id", _withdrawal, _nobody("wdr"))
_ADDRESS = Thing("address_id", _address, _nobody("adr"))
_VERIFICATION = Thing("verification_id", _verification, _nobody(kyc_queries.PREFIX))

#: What each route with a variable is about.
THINGS: dict[str, Thing] = {
    "/admin/approvals/<approval_id>": _APPROVAL,
    "/admin/approvals/<approval_id>/approve": _DECIDED,
    "/admin/approvals/<approval_id>/edit": _MAKERS,
    "/admin/approvals/<approval_id>/reject": _APPROVAL,
    "/admin/approvals/<approval_id>/withdraw": _MAKERS,
    "/admin/audit/<record_id>": Thing("record_id", _record, _nobody("aud")),
    "/admin/branches/<branch_id>": Thing("branch_id", _branch, _nobody("brn")),
    "/admin/cases/<case_id>": _CASE,
    "/admin/cases/<case_id>/assign": _CASE,
    "/admin/cases/<case_id>/close": _CASE,
    "/admin/cases/<case_id>/note": _CASE,
    "/admin/cases/<case_id>/reopen": _CASE,
    "/admin/screening/<screening_id>": Thing("screening_id", _screening, _nobody("scr")),
    "/admin/jobs/<job_id>/revive": Thing("job_id", _job, _nobody("job")),
    "/admin/payments/deposits/<deposit_id>": _DEPOSIT,
    "/admin/payments/withdrawals/<withdrawal_id>": _WITHDRAWAL,
    "/admin/payments/withdrawals/<withdrawal_id>/reject": _WITHDRAWAL,
    "/admin/payments/withdrawals/<withdrawal_id>/release": _WITHDRAWAL,
    "/admin/people/<person_id>": _PERSON,
    "/admin/people/<person_id>/erase": _PERSON,
    "/admin/people/<person_id>/reactivate": _PERSON,
    "/admin/people/<person_id>/role": _PERSON,
    "/admin/people/<person_id>/suspend": _PERSON,
    "/api/me/addresses/<address_id>": _ADDRESS,
    "/admin/staff/<identifier>/invite": Thing("identifier", _person, _nobody("usr")),
    "/api/wallet/deposits/<deposit_id>": _DEPOSIT,
    "/api/wallet/deposits/<deposit_id>/cancel": _DEPOSIT,
    "/api/wallet/withdrawals/<withdrawal_id>": _WITHDRAWAL,
    "/api/wallet/withdrawals/<withdrawal_id>/cancel": _WITHDRAWAL,
    "/auth/account/passkeys/<identifier>/name": Thing("identifier", _passkey, _nobody("pky")),
    "/auth/account/passkeys/<identifier>/remove": Thing("identifier", _passkey, _nobody("pky")),
    "/auth/account/sessions/<identifier>/end": Thing("identifier", _session, _nobody("ses")),
    "/mail/<identifier>": Thing("identifier", _nothing, "0" * 32),
    "/mail/<identifier>/html": Thing("identifier", _nothing, "0" * 32),
    "/api/me/export/<export_id>": Thing("export_id", _export, _nobody("exp")),
    # Without the link's token there is nothing to fetch, for its owner neither.
    "/api/me/export/<export_id>/archive": Thing("export_id", _export, _nobody("exp"), own=404),
    "/policies/<policy_name>/<version>": Thing("policy_name", _nothing, "nonsense"),
    "/api/me/api-keys/<key_id>": Thing("key_id", _key, _nobody("key")),
    "/admin/roles/<role_name>": Thing("role_name", _role, "KING"),
    "/admin/roles/<role_name>/grants": Thing("role_name", _role, "KING"),
    "/support/kyc/<verification_id>": _VERIFICATION,
    "/support/kyc/<verification_id>/approve": _VERIFICATION,
    "/support/kyc/<verification_id>/more": _VERIFICATION,
    "/support/kyc/<verification_id>/reject": _VERIFICATION,
    "/support/kyc/<verification_id>/take-back": _VERIFICATION,
    "/support/kyc/documents/<document_id>": Thing(
        "document_id", _document, _nobody(documents.PREFIX)
    ),
}
#: What is sent where an empty body would be refused before the object is looked for.
BODIES: dict[tuple[str, str], dict[str, str]] = {
    ("POST", "/admin/staff"): {"role": "SUPPORT"},
    ("POST", "/auth/account/passkeys/<identifier>/name"): {"name": "another"},
}


def answers(house: House, route: Route) -> Iterator[tuple[str, list[int], list[str]]]:
    """For each relation: its name, what each visitor got, and what of it was not declared."""
    thing = THINGS.get(route.path)
    assert (thing is not None) == ("<" in route.path), (
        f"{route.path}: say in THINGS what its variable names, so that it can be asked for"
    )
    # A public route knows nobody, so nothing is anybody's own there.
    asked = RELATIONS if route.permission else (UNKNOWN,)
    for relation in asked if thing else ("",):
        got, wrong = [], []
        for visitor in house.visitors:
            path = _path(house, route, thing, visitor, relation)
            body = BODIES.get((route.method, route.path), {})
            answer = visitor.ask(route, path, body)
            got.append(answer.status_code)
            if problem := _undeclared(route, thing, visitor, relation, answer):
                said = f"{route.method} {route.path}, {relation or 'no'} object, {visitor.name}"
                wrong.append(f"{said}: {problem}")
        yield relation, got, wrong


def _path(house: House, route: Route, thing: Thing | None, visitor: Visitor, relation: str) -> str:
    if thing is None:
        return route.path
    if relation == UNKNOWN:
        named = thing.unknown
    else:
        own = relation == OWN and visitor.actor is not None
        owner = visitor.actor if own and visitor.actor else house.stranger
        named = thing.make(house.database, owner)
    return route.path.replace(f"<{thing.variable}>", named)


def _undeclared(
    route: Route, thing: Thing | None, visitor: Visitor, relation: str, answer: TestResponse
) -> str | None:
    """What is wrong with an answer, by what the route declares; None if nothing is."""
    status = answer.status_code
    wanted = _wanted(route, thing, visitor, relation)
    if wanted is None:
        if status in _REFUSED or status >= 500:
            return f"got {status}, and may do it"
        return None
    if status != wanted:
        return f"got {status} and not {wanted}"
    if status == 303 and "/auth/login" not in answer.headers["Location"]:
        return f"was sent to {answer.headers['Location']}"
    return None


def _wanted(route: Route, thing: Thing | None, visitor: Visitor, relation: str) -> int | None:
    """The one answer that is right; None where they may do it, whatever comes of it."""
    if route.permission is None:
        return 404 if relation == UNKNOWN else None
    known = visitor.is_staff if route.is_page else visitor.actor is not None
    if not known:
        return 303 if route.is_page else 401
    if not visitor.may(route.permission):
        return 403
    if thing is None:
        return None
    scope = thing.others or route.permission.partition(":")[0]
    assert visitor.actor is not None
    bound = scope == "own" or (scope == "branch" and visitor.actor.role in BRANCH_BOUND_ROLES)
    if relation == UNKNOWN or (relation == OTHERS and bound):
        return 404
    return thing.own if relation == OWN else None


def table(house: House, routes: Sequence[Route]) -> tuple[list[tuple[str, ...]], list[str]]:
    """The whole matrix as rows, and everything in it that nobody declared."""
    head = ("ROUTE", "METHOD", "OBJECT", *(visitor.name for visitor in house.visitors))
    rows, undeclared = [head], []
    for route in routes:
        for relation, got, wrong in answers(house, route):
            rows.append((route.path, route.method, relation, *map(str, got)))
            undeclared += wrong
    return rows, undeclared
