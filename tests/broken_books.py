"""Books that are broken past every guard, and what `flask books verify` says of them."""

import os

import psycopg
from click.testing import Result
from flask import Flask
from sqlalchemy.engine import make_url

from app.cli.books import verify


def url_of(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def connect(url: str, name: str) -> psycopg.Connection:
    address = make_url(url_of(url, name)).set(drivername="postgresql")
    return psycopg.connect(address.render_as_string(hide_password=False), autocommit=True)


def break_books(books: Flask, *statements: str) -> None:
    """Execute statements as the server's administrator, with triggers and foreign keys off."""
    name = books.extensions["database"].engine.url.database
    with connect(os.environ["PBCEX_TEST_SUPERUSER_URL"], name) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for statement in statements:
            superuser.execute(statement)


def verified(books: Flask) -> Result:
    return books.test_cli_runner().invoke(verify)
