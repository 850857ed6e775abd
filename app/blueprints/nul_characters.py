"""NUL characters, which no text has and PostgreSQL cannot store, are refused in every argument.

The URL and the form of a page are checked before its view; the query, the form and the JSON of an
API route when they are read. No header can contain one: the web server refuses such a request.
"""

from collections.abc import Iterable
from typing import Any

from flask import Flask, request
from werkzeug.datastructures import FileStorage, ImmutableMultiDict, MultiDict

from app.blueprints.errors import InvalidRequest, MalformedForm, is_for_programs
from app.kit.errors import NotFound

_NUL = "\0"
_FORM_MEDIA_TYPES = {"application/x-www-form-urlencoded", "multipart/form-data"}


def register(app: Flask) -> None:
    """Refuse NUL characters in the URL and the form of every page."""
    app.before_request(_check_url)
    app.before_request(_check_form)


def refuse_nul(pairs: Iterable[tuple[str, str]]) -> None:
    """Raise `InvalidRequest` that names each value with a NUL character."""
    problems = [
        (name.replace(_NUL, ""), "Remove the NUL character.")
        for name, value in pairs
        if _NUL in name or _NUL in value
    ]
    if problems:
        raise InvalidRequest(problems)


def refuse_nul_in_form(form: MultiDict[str, str], files: MultiDict[str, FileStorage]) -> None:
    """Raise `InvalidRequest` that names each field, or its file, with a NUL character.

    Raises `MalformedForm` for a part without a name, which no field can be.
    """
    if None in {*form, *files}:
        raise MalformedForm("Give each part of the form a name.")
    names = ((field, file.filename or "") for field, file in files.items(multi=True))
    refuse_nul([*form.items(multi=True), *names])


def refuse_nul_in_document(document: Any) -> None:
    """Raise `InvalidRequest` that names each string of a JSON document with a NUL character."""
    strings: list[tuple[str, str]] = []
    waiting = [("", document)]
    while waiting:
        path, value = waiting.pop()
        inside = f"{path}." if path else ""
        if isinstance(value, dict):
            strings += [(f"{inside}{name}", "") for name in value if _NUL in name]
            waiting += [(f"{inside}{name}", below) for name, below in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{inside}{number}", below) for number, below in enumerate(value)]
        elif isinstance(value, str):
            strings.append((path or "body", value))
    refuse_nul(strings)


def _check_url() -> None:
    environ = request.environ
    if _NUL in environ["PATH_INFO"]:
        raise NotFound("No path contains a NUL character.")
    # A route of the API documents its refusals: without parameters it ignores the query.
    if "%00" in environ.get("QUERY_STRING", "") and not is_for_programs():
        refuse_nul(request.args.items(multi=True))


def _check_form() -> None:
    if request.mimetype not in _FORM_MEDIA_TYPES or is_for_programs():
        return
    try:
        refuse_nul_in_form(request.form, request.files)
    except (InvalidRequest, MalformedForm):
        # The error page reads the form as well.
        request.form = ImmutableMultiDict()
        raise
