"""`python -m sandbox`: plays the providers until it is told to end.

PBCEX_SANDBOX_URL says where, PBCEX_DATA_DIR where its documents stay, PORT where the exchange is,
PBCEX_SANDBOX_SETTLE_SECONDS how long payouts and prompts on phones take (3 if it does not say).
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
    """Serve and deliver until SIGTERM."""
    address = urlsplit(os.environ["PBCEX_SANDBOX_URL"])
    store = Store(str(Path(os.environ["PBCEX_DATA_DIR"]) / "sandbox.sqlite"))
    app = create_app(
        store,
        exchange_url=f"http://127.0.0.1:{os.environ['PORT']}",
        settlement_seconds=float(os.environ.get("PBCEX_SANDBOX_SETTLE_SECONDS", "3")),
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with serve(app, host=address.hostname or "127.0.0.1", port=address.port or 0):
        run_until(app, ended)
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
