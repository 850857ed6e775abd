"""Rendering: a kind's current template and its values make a subject and a body."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

#: The version in use of each kind. A changed text is a new file and a new number here.
VERSIONS = {"trade_confirmed": 1}

# A value that a template names and nobody gave is an error. Text is not escaped, HTML will be.
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    autoescape=select_autoescape(("html",)),
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Text:
    """A rendered message."""

    version: int
    subject: str
    body: str


def render(kind: str, values: Mapping[str, str]) -> Text:
    """The first line of the kind's template is the subject, what follows the body.

    Raises `LookupError` for an unknown kind, `jinja2.UndefinedError` naming a missing value.
    """
    version = VERSIONS[kind]
    text = _TEMPLATES.get_template(f"{kind}.v{version}.txt").render(values)
    # A subject is one line whatever a value holds: it becomes a header when it is mailed.
    subject, _, body = text.partition("\n")
    return Text(version, " ".join(subject.split()), body.strip())
