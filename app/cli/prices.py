"""`flask prices`: replay a file of prices, show the market prices."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import Metal
from app.integrations.replay.feed import InvalidPriceFile, ReplayFeed
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import Unavailable
from app.kit.formatting import format_number_of
from app.pricing import queries as pricing_queries
from app.pricing import service as pricing
from app.pricing.ports import Observation

# Each chunk is stored in a transaction of its own; running the command again stores what is
# missing.
_CHUNK = 500
_HEADER_LINES = 1

prices = AppGroup("prices", help="Prices of metals, in US dollars per troy ounce.")


@prices.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--metal",
    required=True,
    type=click.Choice([metal.value for metal in Metal]),
    help="The metal that the file is about.",
)
def replay(file: Path, metal: str) -> None:
    """Store every price of FILE (Date,Price) with its own date. Repeating it changes nothing."""
    try:
        observations = ReplayFeed(file, Metal(metal)).observations
    except InvalidPriceFile as error:
        raise click.ClickException(f"{file}: {error}") from error
    now = clock.now()
    for line, observation in enumerate(observations, start=_HEADER_LINES + 1):
        if observation.observed_at > now:
            raise click.ClickException(
                f"{file}: line {line}: {observation.observed_at:%Y-%m-%d} is in the future."
            )
    click.echo(f"{file}: {format_number_of(len(observations), 'price')}, {_span(observations)}")
    try:
        new = _store(observations)
    except Unavailable as error:
        raise click.ClickException(f"{error} Run the same command again to continue.") from error
    if new:
        database: Database = current_app.extensions["database"]
        with database.transaction() as session:
            audit.record(
                session,
                actor=None,
                action=AuditAction.PRICES_REPLAYED,
                subject=metal,
                after={"file": file.name, "ticks": new},
                reason=click.get_current_context().command_path,
            )
    click.echo(
        f"{format_number_of(new, 'new price')} stored, {len(observations) - new} stored before."
    )


def _store(observations: list[Observation]) -> int:
    database: Database = current_app.extensions["database"]
    chunks = range(0, len(observations), _CHUNK)
    new = 0
    with click.progressbar(chunks, label="Storing") as starts:
        for start in starts:
            with database.transaction() as session:
                new += pricing.record_history(
                    session,
                    ReplayFeed.name,
                    observations[start : start + _CHUNK],
                    clock.now(),
                    pricing_queries.current_rules(session),
                )
    return new


def _span(observations: list[Observation]) -> str:
    first, last = observations[0], observations[-1]
    return f"{first.observed_at:%Y-%m-%d} to {last.observed_at:%Y-%m-%d}"


@prices.command()
def show() -> None:
    """Print the market prices: one line per metal that has a price."""
    database: Database = current_app.extensions["database"]
    now = clock.now()
    with database.reading() as session:
        rules = pricing_queries.current_rules(session)
        market = pricing_queries.market_prices(session)
    if not market:
        click.echo("There are no prices yet.")
        return
    click.echo(f"{'metal':6}{'bid':>16}{'ask':>16}{'mid':>16}  {'as of':26}{'state':10}source")
    for price in market:
        age = " (stale)" if price.is_stale(now) else ""
        click.echo(
            f"{price.metal:6}{price.bid:>16}{price.ask:>16}{price.mid:>16}  "
            f"{clock.rfc3339(price.as_of):26}{price.state(now, rules):10}{price.source}{age}"
        )
