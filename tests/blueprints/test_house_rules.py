"""What holds for every page and template, however many there will be."""

import re
from pathlib import Path

import pytest
from flask import Flask

from app.access import Permission
from app.factory import PAGE_BLUEPRINTS

TEMPLATES = Path(__file__).resolve().parents[2] / "app" / "templates"
# Swagger UI's own page; no desk.
DOCUMENTS = {"docs/index.html", "docs/errors.html"}
PAGES = sorted(
    str(file.relative_to(TEMPLATES))
    for file in TEMPLATES.rglob("*.html")
    if str(file.relative_to(TEMPLATES)) not in DOCUMENTS
)
#: What anybody may open.
PUBLIC = {"GET /", "POST /theme", "GET /auth/login", "POST /auth/login"}


def test_every_page_states_who_may_see_it(app: Flask) -> None:
    desks = {blueprint.name for blueprint in PAGE_BLUEPRINTS}
    public = set()
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] in desks:
            view = app.view_functions[rule.endpoint]
            if view.permission is None:
                public |= {f"{method} {rule}" for method in rule.methods - {"HEAD", "OPTIONS"}}
            else:
                assert isinstance(view.permission, Permission)
    assert public == PUBLIC


@pytest.mark.parametrize("name", PAGES)
def test_a_template_has_no_script_or_style_of_its_own(name: str) -> None:
    text = (TEMPLATES / name).read_text()
    for forbidden, why in (
        (r"\sstyle=", "a style attribute: the policy refuses it"),
        (r"<style", "a style element: the policy refuses it"),
        (r"\son[a-z]+=|hx-on|hx-vals=.js", "script in an attribute"),
        (r"<script(?![^>]*nonce=)", "a script without the nonce"),
        (r"\|\s*safe|Markup|autoescape", "text that is not escaped"),
        (r"hx-confirm", "a confirmation that does not restate the amount"),
        (r"with context", "a component that takes what it was not given"),
    ):
        assert not re.search(forbidden, text), why
    for tag in re.findall(r"<[a-z][^>]*\shx-[^>]*>", text):
        assert 'hx-nonce="{{ nonce() }}"' in tag, tag


@pytest.mark.parametrize("name", [name for name in PAGES if Path(name).name.startswith("_")])
def test_a_fragment_has_one_root_named_for_it(name: str) -> None:
    text = (TEMPLATES / name).read_text()
    root = Path(name).stem.removeprefix("_")
    assert re.sub(r"^(\s*\{%.*?%\})*\s*", "", text, flags=re.DOTALL).startswith(f'<div id="{root}"')
