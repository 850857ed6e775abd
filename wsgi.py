"""The WSGI application: `granian --interface wsgi wsgi:app`."""

from app.config import UnsafeSettings
from app.factory import create_app

try:
    app = create_app()
except UnsafeSettings as unsafe:
    raise SystemExit(str(unsafe)) from None
