"""`python -m sandbox`: simulates the providers until it receives SIGTERM or SIGINT.

Environment: PBCEX_SANDBOX_URL is its own URL, PBCEX_DATA_DIR the folder of its documents, PORT the
port of PBCEx, PBCEX_SANDBOX_SETTLE_SECONDS how long payouts and phone prompts take (default 3).
"""

import os
import signal
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.app import create_app, run_until, serve
from sandbox.store import Store


def main() -> int:
    """Serve and send webhooks until a signal ends it."""
    url = urlsplit(os.environ["PBCEX_SANDBOX_URL"])
    store = Store(str(Path(os.environ["PBCEX_DATA_DIR"]) / "sandbox.sqlite"))
    app = create_app(
        store,
        exchange_url=f"http://127.0.0.1:{os.environ['PORT']}",
        settlement_seconds=float(os.environ.get("PBCEX_SANDBOX_SETTLE_SECONDS", "3")),
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with serve(app, host=url.hostname or "127.0.0.1", port=url.port or 0):
        run_until(app, stop)
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
