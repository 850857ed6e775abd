"""Background work: `worker.py [work|relay|schedule|all] [--queue default]`.

`work` serves one queue, `relay` sends staged jobs to it, `schedule` stages what is periodic, `all`
runs one of each. Every role may run any number of times. SIGTERM ends each after the job in hand.
"""

import argparse

from app.factory import create_app
from app.jobs.connection import connect
from app.jobs.loop import Loop
from app.jobs.relay import Relay
from app.jobs.supervise import Supervisor
from app.jobs.timetable import Timetable
from app.jobs.worker import Work
from app.kit import telemetry
from app.kit.tasks import Queue

ROLES = ("work", "relay", "schedule")


def main() -> None:
    """Run the role that the command line names, until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("role", nargs="?", default="all", choices=(*ROLES, "all"))
    parser.add_argument("--queue", type=Queue, default=Queue.DEFAULT, choices=list(Queue))
    arguments = parser.parse_args()
    telemetry.configure(level="INFO", messages=False)
    loop = Loop(arguments.role)
    loop.stop_on_signals()
    if arguments.role == "all":
        Supervisor(loop, [[__file__, role, "--queue", arguments.queue] for role in ROLES]).run()
    else:
        run(arguments.role, arguments.queue, loop)


def run(role: str, queue: Queue, loop: Loop) -> None:
    """One role in this process."""
    app = create_app()
    redis = connect(app.extensions["settings"].redis_url)
    database = app.extensions["database"]
    if role == "relay":
        loop.run(Relay(database, redis, app.extensions["backoff"]).step)
    elif role == "schedule":
        loop.run(Timetable(database).step)
    else:
        with app.app_context():
            loop.run(Work(loop, redis, queue).step)


if __name__ == "__main__":
    main()
