"""Background work: `worker.py [work|relay|schedule|ticks|all] [--queue QUEUE]`.

`work` serves one queue, `relay` sends staged jobs to the queues, `schedule` stages periodic tasks,
`ticks` records prices, `all` runs everything that one machine needs. Every role may run any number
of times. SIGTERM ends each after its current job.
"""

import argparse
import signal
from collections.abc import Callable
from functools import partial

from flask import Flask

from app.factory import create_app
from app.jobs.connection import connect_to_redis
from app.jobs.loop import Loop
from app.jobs.price_recorder import Ticker
from app.jobs.relay import Relay
from app.jobs.role_supervisor import RoleSupervisor
from app.jobs.timetable import Scheduler
from app.jobs.worker import QueueWorker
from app.kit import telemetry
from app.kit.tasks import Queue
from app.screening.lists.activation import ListPreparation

#: How many workers `all` runs for each queue. Where jobs call providers there are more than one
#: provider may keep busy (PBCEX_PROVIDER_JOBS_MAX), so that the others are served meanwhile.
WORKERS = {
    Queue.LEDGER: 1,
    Queue.MESSAGES: 3,
    Queue.PAYMENTS: 4,
    Queue.FULFILLMENT: 3,
    Queue.NIGHTLY: 1,
}
_ROLES = ("work", "relay", "schedule", "ticks")


def main() -> None:
    """Run the role that the command line names, until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("role", nargs="?", default="all", choices=(*_ROLES, "all"))
    parser.add_argument("--queue", type=Queue, choices=list(Queue), help="the queue to work on")
    arguments = parser.parse_args()
    if (arguments.role == "work") is (arguments.queue is None):
        parser.error("Name a --queue with the role work, and with no other role.")
    telemetry.configure(level="INFO", with_messages=False)
    app = create_app()
    if arguments.role == "all":
        loop = Loop("all")
        loop.stop_on_signals(signal.SIGTERM, signal.SIGINT)
        RoleSupervisor(loop, list_children(app)).run()
    else:
        run_role(app, arguments.role, arguments.queue, signal.SIGTERM, signal.SIGINT)


def list_children(app: Flask) -> list[tuple[str, Callable[[], None]]]:
    """Return the processes of `all`: the name and the function of each."""
    roles: list[tuple[str, Queue | None]] = [(role, None) for role in _ROLES if role != "work"]
    roles += [("work", queue) for queue, count in WORKERS.items() for _ in range(count)]
    return [
        (f"{role} {queue or ''}".strip(), partial(run_role, app, role, queue, signal.SIGTERM))
        for role, queue in roles
    ]


def run_role(app: Flask, role: str, queue: Queue | None, *ends: signal.Signals) -> None:
    """Run one role in this process until one of these signals arrives."""
    loop = Loop(f"{role} {queue or ''}".strip())
    loop.stop_on_signals(*ends)
    settings, database = app.extensions["settings"], app.extensions["database"]
    redis = connect_to_redis(settings.redis_url)
    if role == "relay":
        relay = Relay(
            database,
            redis,
            app.extensions["backoff"],
            provider_jobs_max=settings.provider_jobs_max,
        )
        loop.run(relay.step)
    elif role == "schedule":
        loop.run(Scheduler(database).step)
    elif role == "ticks":
        interval = settings.price_interval_seconds
        feeds = app.extensions["price_feeds"]
        loop.run(Ticker(database, feeds, interval_seconds=interval).step)
    else:
        assert queue is not None
        if queue is Queue.FULFILLMENT:
            ListPreparation(database).run_in_background()
        with app.app_context():
            loop.run(QueueWorker(loop, redis, queue).step)


if __name__ == "__main__":
    main()
