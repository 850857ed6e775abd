"""Pages run under a policy that forbids inline script and style; so none is written."""

import re

import pytest

from tests.house.source import CHECKOUT, files

TEMPLATES = [name for name in files() if name.startswith("app/templates/")]

#: What must not stand in a template, and what to write instead.
BANNED = (
    (r"<style\b", "a rule in app/static/css"),
    (r"<[^>]*\sstyle\s*=", "a class"),
    (r"<script\b(?![^>]*\bsrc=)", "a file in app/static/js"),
    (r"<[^>]*\son[a-z]+\s*=", "a listener in app/static/js"),
    (r"javascript:", "a listener in app/static/js"),
    (r"\|\s*safe\b", "Markup made where the text is known to be safe"),
    (r"(src|href)\s*=\s*[\"'](https?:)?//", "our own copy in app/static/vendor"),
)


@pytest.mark.parametrize(("pattern", "instead"), BANNED)
def test_nothing_inline_and_nothing_from_elsewhere(pattern: str, instead: str) -> None:
    found = [
        name
        for name in TEMPLATES
        # E-mails and documents are read where no stylesheet reaches.
        if not name.startswith(("app/templates/emails/", "app/templates/documents/"))
        if re.search(pattern, (CHECKOUT / name).read_text(encoding="utf-8"), re.IGNORECASE)
    ]
    assert found == [], f"write {instead}"


def test_there_are_templates() -> None:
    assert TEMPLATES
