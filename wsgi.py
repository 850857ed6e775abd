"""The WSGI application: `granian --interface wsgi wsgi:app`."""

from app.config import UnsafeSettings
from app.factory import create_app
from app.screening.lists.activation import ListPreparation

try:
    app = create_app()
except UnsafeSettings as unsafe:
    raise SystemExit(str(unsafe)) from None
ListPreparation(app.extensions["database"]).run_in_background()
