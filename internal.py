"""The WSGI application of the internal port: `granian --interface wsgi internal:app`.

It serves the metrics of all web processes and the details of readiness, which are not public in
production. The front must not reach it.
"""

import os

from app.config import UnsafeSettings
from app.factory import create_app

if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    raise SystemExit(
        "PROMETHEUS_MULTIPROC_DIR: must name a folder that is empty at start and that all web "
        "processes share"
    )
try:
    app = create_app(is_internal=True)
except UnsafeSettings as unsafe:
    raise SystemExit(str(unsafe)) from None
