"""worker.py with the tests' tasks."""

import tests.faults.tasks  # noqa: F401 - importing registers them
import worker


def main() -> None:
    """What `python worker.py ROLE` does."""
    worker.main()
