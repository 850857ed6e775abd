"""Run the servers of a folder until stdin ends, as a separate process that tests can kill.

    python server_holder.py DATA_DIR [orphan | way=MODE]

It prints one line of JSON: the URLs and process ids, or the reason why it could not start. `orphan`
does not tie the servers to their parent, as on systems other than Linux. `way` allows root only
that mode of changing the account.
"""

import dataclasses
import json
import os
import sys

from app import embedded
from app.embedded import child_process, server_account


def main(data_dir: str, *switches: str) -> None:
    for switch in switches:
        if switch == "orphan":
            child_process.Child._launcher = untied
        else:
            server_account._MODES_FOR_ROOT = (switch.removeprefix("way="),)
    try:
        with embedded.run_servers(data_dir) as running:
            tell(
                **dataclasses.asdict(running.urls),
                pid=os.getpid(),
                postgres=running.postgres.pid,
                redis=running.redis.pid,
                way=running.postgres._account.mode,
            )
            sys.stdin.read()
    except embedded.CannotStart as error:
        tell(refusal=type(error).__name__, message=str(error))


def untied(child: child_process.Child, tied=child_process.Child._launcher) -> list[str]:
    return [*tied(child)[:-1], "0"]


def tell(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
