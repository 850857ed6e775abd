"""Background work: `worker.py [work|relay|schedule|ticks|all] [--queue default]`.

`work` serves one queue, `relay` sends staged jobs to it, `schedule` stages periodic tasks, `ticks`
records prices, `all` runs one of each. Every role may run any number of times. SIGTERM ends each
after its current job.
"""

import argparse
import signal

from app.factory import create_app
from app.jobs.connection import connect_to_redis
from app.jobs.loop import Loop
from app.jobs.price_recorder import Ticker
from app.jobs.relay import Relay
from app.jobs.role_supervisor import RoleSupervisor
from app.jobs.timetable import Scheduler
from app.jobs.worker import QueueWorker
from app.kit import telemetry
from app.kit.ports import resolve
from app.kit.tasks import Queue
from app.pricing.rules import PricingRules

ROLES = ("work", "relay", "schedule", "ticks")


def main() -> None:
    """Run the role that the command line names, until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("role", nargs="?", default="all", choices=(*ROLES, "all"))
    parser.add_argument("--queue", type=Queue, default=Queue.DEFAULT, choices=list(Queue))
    arguments = parser.parse_args()
    telemetry.configure(level="INFO", with_messages=False)
    if arguments.role == "all":
        loop = Loop("all")
        loop.stop_on_signals(signal.SIGTERM, signal.SIGINT)
        RoleSupervisor(
            loop, ROLES, lambda role: run_role(role, arguments.queue, signal.SIGTERM)
        ).run()
    else:
        run_role(arguments.role, arguments.queue, signal.SIGTERM, signal.SIGINT)


def run_role(role: str, queue: Queue, *ends: signal.Signals) -> None:
    """Run one role in this process until one of these signals arrives."""
    loop = Loop(role)
    loop.stop_on_signals(*ends)
    app = create_app()
    redis = connect_to_redis(app.extensions["settings"].redis_url)
    database = app.extensions["database"]
    if role == "relay":
        loop.run(Relay(database, redis, app.extensions["backoff"]).step)
    elif role == "schedule":
        loop.run(Scheduler(database).step)
    elif role == "ticks":
        interval = app.extensions["settings"].price_interval_seconds
        feeds = app.extensions["price_feeds"]
        loop.run(Ticker(database, feeds, resolve(PricingRules), interval_seconds=interval).step)
    else:
        with app.app_context():
            loop.run(QueueWorker(loop, redis, queue).step)


if __name__ == "__main__":
    main()
