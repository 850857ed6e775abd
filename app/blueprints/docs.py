"""API documentation for people: Swagger UI from our own files, and the list of error codes."""

from flask import Blueprint, render_template

from app.blueprints import errors
from app.blueprints.rate_limits import RateLimit, counted_as

blp = Blueprint("docs", __name__, url_prefix="/api/docs")


@blp.get("")
@counted_as(RateLimit.PAGE)
def index() -> str:
    """Show the operations, to read and to try."""
    return render_template("docs/index.html")


@blp.get("/errors")
@counted_as(RateLimit.PAGE)
def error_catalogue() -> str:
    """Show every error code with its status and meaning, read from the exception classes."""
    entries = [
        {
            "code": code,
            "status": errors.status_of(kinds[0]),
            "meanings": [
                {"title": kind.title, "text": (kind.__doc__ or "").strip()} for kind in kinds
            ],
        }
        for code, kinds in errors.list_error_codes().items()
    ]
    return render_template("docs/errors.html", entries=entries)
