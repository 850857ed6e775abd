"""One pair of real servers for a run, one database per xdist worker, cloned from a migrated one.

The servers are embedded, in a folder created for the run, unless DATABASE_URL and the related
settings name others. After each test that uses the database the books must be valid.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import stamina
import time_machine
from flask import Flask
from flask_migrate import upgrade
from hypothesis import settings as hypothesis_settings
from psycopg import sql
from sqlalchemy.engine import make_url

from app import embedded
from app.access import Actor, Role
from app.config import Environment, Settings
from app.embedded import ExternalServers
from app.factory import create_app
from app.integrations import http_calls
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit import ids
from app.kit import ports as kit_ports
from app.kit.db import SNAPSHOT, Database
from app.reconciliation.invariants import find_violations
from tests import sanctions
from tests.blank_database import BlankDatabase
from tests.drill import IS_FULL_SIZE
from tests.fixed_settings import pay_new_destinations_at_once
from tests.mailbox import Mailbox, use_mailbox
from tests.paying_customer import (
    PayingCustomer,
    create_paying_customer,
    verify_without_evidence,
)
from tests.people import People
from tests.provider_sandbox import Sandbox
from tests.sandbox_custodians import CustodyHarness, open_custody_harness
from tests.skip_policy import pytest_make_collect_report, pytest_runtest_makereport
from tests.staff import Member, StaffBrowser, create_member_with_app

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]

TEMPLATE = "pbcex_template"
CHECKOUT = Path(__file__).resolve().parent.parent
SHARED = CHECKOUT.parent / "shared"

# No deadline, because a busy machine is slow. A failing example is printed so that it can be rerun.
# bin/test tries the same examples in each run; bin/drill tries new ones.
hypothesis_settings.register_profile(
    "pbcex", deadline=None, print_blob=True, derandomize=not IS_FULL_SIZE
)
hypothesis_settings.load_profile("pbcex")

#: Several times what the servers of a run write.
_ROOM_BYTES = 6 * 2**30
_PROVIDED = "provided"
_RUN = pytest.StashKey[ExitStack]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names with memory addresses: xdist's processes would collect different tests."""
    unstable = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if unstable:
        raise pytest.UsageError(f"Give the parameters ids: {unstable[0]}")


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going through all tests and modules again and again."""
    gc.collect()
    gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers and migrate a database to clone, once, before xdist starts its workers."""
    if hasattr(config, "workerinput"):
        return
    stack = config.stash[_RUN] = ExitStack()
    os.environ["PBCEX_ENV"] = "test"
    os.environ["PBCEX_LOG_LEVEL"] = "WARNING"
    os.environ["PBCEX_SECRET_KEY"] = "a secret of tests, never used elsewhere"
    # The cheapest password hash; a separate test asserts the cost in production.
    os.environ["PBCEX_ARGON2_MEMORY_KIB"] = "64"
    os.environ["PBCEX_ARGON2_PASSES"] = "1"
    if config.option.collectonly:
        return
    folder = _create_folder()
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    # It has a folder for each database, with the anchors of the audit trail and the key ring.
    os.environ["PBCEX_TEST_FILES"] = str(Path(folder) / "files")
    external = ExternalServers.from_environment(os.environ)
    servers = stack.enter_context(embedded.run_servers(Path(folder) / "data", external=external))
    urls = servers.urls
    os.environ["DATABASE_OWNER_URL"] = urls.database_owner_url
    os.environ["REDIS_URL"] = urls.redis_url
    os.environ["PBCEX_TEST_SUPERUSER_URL"] = urls.superuser_url
    os.environ["DATABASE_URL"] = _on(urls.database_url, TEMPLATE)
    _shorten_waits(urls.database_url, urls.superuser_url)
    recreate(TEMPLATE)
    app = create_app(settings_on(TEMPLATE))
    with app.app_context():
        upgrade(str(CHECKOUT / "migrations"))
        with app.extensions["database"].transaction() as session:
            pay_new_destinations_at_once(session)
    app.extensions["database"].engine.dispose()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers."""
    if _RUN in config.stash:
        config.stash[_RUN].close()


def _create_folder() -> str:
    """Create the run's folder, in memory where there is room, and remove those of killed runs."""
    memory = Path("/dev/shm")  # where Linux has it
    if not memory.is_dir() or shutil.disk_usage(memory).free < _ROOM_BYTES:
        return tempfile.mkdtemp(prefix="pbcex-test-")
    for left in memory.glob("pbcex-test-*-*"):
        if not psutil.pid_exists(int(left.name.split("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"pbcex-test-{os.getpid()}-", dir=memory)


def _on(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _shorten_waits(app_url: str, superuser_url: str) -> None:
    """Let the application's sessions find a deadlock soon. They wait for the disk as ever: the
    health of the exchange says whether they do."""
    if not superuser_url:
        return
    url = make_url(superuser_url).set(drivername="postgresql")
    role = sql.Identifier(make_url(app_url).username or "")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as server:
        server.execute(sql.SQL("ALTER ROLE {} SET deadlock_timeout = '50ms'").format(role))


def recreate(name: str, template: str = "template1") -> None:
    """Recreate the database `name`, empty or as a copy of `template`."""
    drop(name)
    _as_owner(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def drop(name: str) -> None:
    """Drop the database `name` even if it is in use."""
    try:
        _as_owner(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    except psycopg.errors.InsufficientPrivilege:
        # An autovacuum worker is connected, which only a superuser may end by force. Without force
        # the server asks it to disconnect.
        _as_owner(f'DROP DATABASE IF EXISTS "{name}"')


def _as_owner(statement: str) -> None:
    url = make_url(os.environ["DATABASE_OWNER_URL"]).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as owner:
        owner.execute(statement)


def settings_on(name: str) -> Settings:
    """Return the settings of an application on the database `name`."""
    return Settings(
        # Staff sign in by password alone; tests of the second factor use `strict_app`.
        env=Environment.SAMPLE,
        data_dir=Path(os.environ["PBCEX_TEST_FILES"]) / name,
        database_url=_on(os.environ["DATABASE_URL"], name),
        database_owner_url=_on(os.environ["DATABASE_OWNER_URL"], name),
        sandbox_url=Sandbox.shared().url,
        # Every feature is on, as in the sample; tests/flags has the defaults.
        phase=3,
        enable_vault_redemption=True,
        enable_onchain=True,
    )


@pytest.fixture(scope="session")
def app(worker_id: str) -> Iterator[Flask]:
    """The application on this worker's own database."""
    name = f"pbcex_test_{worker_id}"
    recreate(name, TEMPLATE)
    # Programs that a test starts use the same database.
    settings = settings_on(name)
    os.environ["DATABASE_URL"] = settings.database_url
    os.environ["DATABASE_OWNER_URL"] = settings.database_owner_url
    os.environ["PBCEX_DATA_DIR"] = str(settings.data_dir)
    app = _made(settings)
    yield app
    app.extensions["database"].engine.dispose()


def _made(settings: Settings) -> Flask:
    """Create an application and store its adapters, in case another is created before its use."""
    app = create_app(settings)
    app.extensions[_PROVIDED] = dict(kit_ports._ADAPTERS)
    return app


@pytest.fixture(autouse=True)
def running_clock() -> Iterator[None]:
    """Refuse a test that leaves its own time behind: all tests of the process would read it, and
    the next one to stop its own would stop the wrong one."""
    yield
    left_behind = list(time_machine.traveller_stack)
    for _ in left_behind:
        time_machine.travel(0).stop()
    assert left_behind == []


@pytest.fixture(autouse=True)
def provided(
    app: Flask, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Flask], None]:
    """Give each test the adapters of the application that it uses, as adapters are process-wide.

    Adapters that the test or its own applications provide are removed afterwards.
    """

    def provide(which: Flask) -> None:
        monkeypatch.setattr(kit_ports, "_ADAPTERS", dict(which.extensions[_PROVIDED]))

    names = {"open_app", "strict_app"} & set(request.fixturenames)
    provide(request.getfixturevalue(names.pop()) if names else app)
    return provide


@pytest.fixture(scope="session")
def strict_app(app: Flask) -> Iterator[Flask]:
    """Another application on the same database, which requires a second factor for staff."""
    settings: Settings = app.extensions["settings"]
    strict = _made(settings.model_copy(update={"env": Environment.TEST}))
    yield strict
    strict.extensions["database"].engine.dispose()


def _apart(name: str) -> Flask:
    """Create an application without rate limits on a database of its own."""
    return _made(settings_on(name).model_copy(update={"rate_limit": "off"}))


@contextmanager
def _holding(app: Flask) -> Iterator[Database]:
    """Yield the application's database; afterwards assert every invariant of the ledger."""
    database: Database = app.extensions["database"]
    yield database
    with database.transaction(SNAPSHOT) as session:
        assert find_violations(session) == []


@pytest.fixture(scope="session")
def open_app(worker_id: str) -> Iterator[Flask]:
    """An application without rate limits; tests with many requests share its database."""
    name = f"pbcex_open_{worker_id}"
    recreate(name, TEMPLATE)
    app = _apart(name)
    try:
        with _holding(app):
            yield app
    finally:
        app.extensions["database"].engine.dispose()
        drop(name)


@pytest.fixture(scope="session")
def _lone(worker_id: str) -> Iterator[tuple[Flask, BlankDatabase]]:
    """An application and its database, shared by many tests because creating both takes long."""
    name = f"pbcex_lone_{worker_id}"
    app = _apart(name)
    disconnect = app.extensions["database"].engine.dispose

    def make() -> None:
        disconnect()
        recreate(name, TEMPLATE)

    blank = BlankDatabase(name, make)
    yield app, blank
    blank.close()
    disconnect()
    drop(name)


@pytest.fixture
def unguarded_app(_lone: tuple[Flask, BlankDatabase], provided: Callable[[Flask], None]) -> Flask:
    """Like `lone_app`, for tests that corrupt its books."""
    app, blank = _lone
    settings: Settings = app.extensions["settings"]
    shutil.rmtree(settings.data_dir, ignore_errors=True)
    blank.reset()
    provided(app)
    kit_ports.provide(KeyRing, FileKeyRing(settings.key_ring_path, create=True))
    return app


@pytest.fixture
def lone_app(unguarded_app: Flask) -> Iterator[Flask]:
    """An application without rate limits, whose books contain only what the test adds."""
    with _holding(unguarded_app):
        yield unguarded_app


@pytest.fixture
def database(app: Flask, request: pytest.FixtureRequest) -> Iterator[Database]:
    """The database of the application that the test uses; afterwards every invariant of the ledger
    is asserted, for `open_app` once, when it is closed.
    """
    if "open_app" in request.fixturenames:
        yield request.getfixturevalue("open_app").extensions["database"]
        return
    with _holding(app) as database:
        yield database


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The provider sandbox without any fault set; retried calls do not wait."""
    sandbox = Sandbox.shared()
    stamina.set_testing(True, attempts=http_calls.ATTEMPTS_MAX, cap=True)
    sandbox.reset()
    yield sandbox
    sandbox.reset()
    stamina.set_testing(False)


@pytest.fixture
def harness(
    open_app: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CustodyHarness]:
    """A harness with all custodians of the provider sandbox."""
    with open_custody_harness(open_app, sandbox, monkeypatch) as harness:
        yield harness


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """What is sent by email is found here."""
    with use_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def sanctions_list(database: Database) -> None:
    """Make the sample list the current one."""
    sanctions.import_sample_list(database)


@pytest.fixture
def people(database: Database) -> People:
    """Fresh customers with money."""
    return People(database)


@pytest.fixture
def person(people: People) -> Actor:
    """A customer without money."""
    return people.customer()


@pytest.fixture
def lone_customer(database: Database, people: People) -> PayingCustomer:
    """A customer whose providers no other test uses: their lists are compared."""
    return create_paying_customer(database, people, name=f"-{ids.new().hex[-8:]}")


@pytest.fixture
def wealthy_customer(lone_customer: PayingCustomer, people: People) -> PayingCustomer:
    """A verified customer with 20,000 dollars, whose rails hold no payments of other tests."""
    lone_customer.actor = people.customer(USD="20000")
    verify_without_evidence(lone_customer.database, lone_customer.actor.user_id)
    return lone_customer


@pytest.fixture
def officer(people: People) -> Actor:
    """A member of staff who works on cases and reviews."""
    return people.staff(Role.COMPLIANCE)


@pytest.fixture
def admin(people: People) -> Actor:
    """An administrator who is not the only one."""
    people.staff(Role.ADMIN)
    return people.staff(Role.ADMIN)


@pytest.fixture
def member(database: Database) -> Member:
    """An administrator with an authenticator app."""
    return create_member_with_app(database)


@pytest.fixture
def strict_browser(strict_app: Flask) -> StaffBrowser:
    """A browser without a session, where staff need a second factor."""
    return StaffBrowser(strict_app)


@pytest.fixture
def shared_data() -> Path:
    """The folder of real price files and the real sanctions list, which are not shipped."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the data folder {SHARED.name}/ beside the checkout")
    return SHARED / "data"
