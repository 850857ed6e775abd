"""The policies. Every version stays public, so that people can read what they agreed to."""

from flask import Response

from app.access.consents import POLICIES
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.kit.db import Database
from app.kit.errors import NotFound
from app.privacy.rules import find_policy_version

blp = PageBlueprint("policies", "/policies")


@blp.view("GET", "", public=True)
def index(_database: Database) -> Response:
    """List every policy with its versions."""
    return render_page("public/policies/index.html", policies=POLICIES.values())


@blp.view("GET", "/<policy_name>/<version>", public=True)
def show(_database: Database, policy_name: str, version: str) -> Response:
    """Show the text of one version of a policy."""
    published = find_policy_version(policy_name, version)
    if published is None:
        raise NotFound
    policy, number = published
    return render_page(
        "public/policies/policy.html",
        policy=policy,
        version=number,
        published=policy.published[number - 1],
        text=f"public/policies/{policy.name}.v{number}.html",
    )
