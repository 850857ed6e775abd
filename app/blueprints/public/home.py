"""The home page, and the choice of the light or the dark theme."""

from flask import Response, request, url_for

from app.blueprints import staff_session_cookie
from app.blueprints.page_blueprint import PageBlueprint, safe_redirect_path, see_other
from app.blueprints.rendering import render_page
from app.kit.db import Database

blp = PageBlueprint("public", None)

_YEAR_SECONDS = 365 * 24 * 3600


@blp.view("GET", "/", public=True)
def home(_database: Database) -> Response:
    """Show the home page, with a link to the desk of the signed-in member of staff."""
    return render_page("public/home.html", visitor=staff_session_cookie.current_member())


@blp.view("POST", "/theme", public=True)
def choose_theme(_database: Database) -> Response:
    """Keep the chosen theme in a cookie, for browsers without script."""
    response = see_other(
        safe_redirect_path(request.form.get("next")) or url_for("public_pages.home")
    )
    chosen = "dark" if request.form.get("theme") == "dark" else "light"
    # Not HttpOnly: the script on the page changes it without a request.
    response.set_cookie(
        "theme", chosen, max_age=_YEAR_SECONDS, samesite="Lax", secure=request.is_secure
    )
    return response
