"""worker.py with the tests' tasks: `python tests/faults/process.py ROLE`."""

import tests.faults.tasks  # noqa: F401 - importing registers them
import worker

if __name__ == "__main__":
    worker.main()
