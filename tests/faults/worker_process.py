"""worker.py with the tasks of the tests."""

import tests.faults.tasks  # noqa: F401 - importing registers them
import worker


def main() -> None:
    """Do what `python worker.py ROLE` does."""
    worker.main()
