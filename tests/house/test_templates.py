"""The content security policy forbids inline script and style, so templates have none."""

import re
from pathlib import Path

import pytest

from tests.house.source import CHECKOUT, files

TEMPLATES = [name for name in files() if name.startswith("app/templates/")]

#: What a template must not contain, and what to write instead.
BANNED = (
    (r"<style\b", "a rule in app/static/css"),
    (r"<[^>]*\sstyle\s*=", "a class"),
    (r"<script\b(?![^>]*\bsrc=)", "a file in app/static/js"),
    (r"<[^>]*\son[a-z]+\s*=", "a listener in app/static/js"),
    (r"javascript:", "a listener in app/static/js"),
    (r"hx-on|hx-vals\s*=\s*.js:", "a listener in app/static/js"),
    (r"hx-confirm", "a dialog of ours that restates the amount"),
    (r"\bwith context\b", "arguments: a component uses only its arguments"),
    (r"\b(all|own|branch):\w+:\w+", "a member of Permission"),
    (r"\|\s*safe\b", "Markup, created where the text is known to be safe"),
    (r"(src|href)\s*=\s*[\"'](https?:)?//", "our own copy in app/static/vendor"),
)


@pytest.mark.parametrize(("pattern", "instead"), BANNED)
def test_templates_have_no_inline_code_and_no_foreign_files(pattern: str, instead: str) -> None:
    violations = [
        name
        for name in TEMPLATES
        # Emails and documents are read without our stylesheets.
        if not name.startswith(("app/templates/emails/", "app/templates/documents/"))
        if re.search(pattern, (CHECKOUT / name).read_text(encoding="utf-8"), re.IGNORECASE)
    ]
    assert violations == [], f"write {instead}"


def test_every_htmx_element_carries_the_nonce() -> None:
    """hx-csp strips elements without it, so that injected markup has no effect."""
    bare = [
        f"{name}: {tag}"
        for name in TEMPLATES
        for tag in re.findall(r"<[a-z][^>]*\shx-[^>]*>", (CHECKOUT / name).read_text())
        if 'hx-nonce="{{ nonce() }}"' not in tag
    ]
    assert bare == []


def test_root_of_a_fragment_is_named_after_its_file() -> None:
    nameless = []
    for name in TEMPLATES:
        stem = Path(name).stem
        text = re.sub(r"\{%.*?%\}|\{#.*?#\}", "", (CHECKOUT / name).read_text(), flags=re.DOTALL)
        if stem.startswith("_") and not text.strip().startswith(f'<div id="{stem[1:]}"'):
            nameless.append(name)
    assert nameless == []


def test_templates_are_found() -> None:
    assert TEMPLATES
