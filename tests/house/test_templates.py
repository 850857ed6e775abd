"""Pages run under a policy that forbids inline script and style; so none is written."""

import re
from pathlib import Path

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
    (r"hx-on|hx-vals\s*=\s*.js:", "a listener in app/static/js"),
    (r"hx-confirm", "a dialog of ours that restates the amount"),
    (r"\bwith context\b", "arguments: a component has what it was given"),
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


def test_what_htmx_acts_on_carries_the_nonce() -> None:
    """Or hx-csp strips it; so injected markup can do nothing."""
    bare = [
        f"{name}: {tag}"
        for name in TEMPLATES
        for tag in re.findall(r"<[a-z][^>]*\shx-[^>]*>", (CHECKOUT / name).read_text())
        if 'hx-nonce="{{ nonce() }}"' not in tag
    ]
    assert bare == []


def test_a_fragment_has_a_root_named_for_it() -> None:
    nameless = []
    for name in TEMPLATES:
        stem = Path(name).stem
        text = re.sub(r"\{%.*?%\}|\{#.*?#\}", "", (CHECKOUT / name).read_text(), flags=re.DOTALL)
        if stem.startswith("_") and not text.strip().startswith(f'<div id="{stem[1:]}"'):
            nameless.append(name)
    assert nameless == []


def test_there_are_templates() -> None:
    assert TEMPLATES
