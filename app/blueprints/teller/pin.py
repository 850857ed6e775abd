"""The PIN with which a teller confirms acts of colleagues."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.forms import Form, FormSchema, text_field
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rate_limits import RateLimit
from app.blueprints.rendering import render_page
from app.identity.pins import service as pins
from app.kit.db import Session

blp = PageBlueprint("pin", "/teller/pin")


class PinSchema(FormSchema):
    """A new PIN."""

    pin = text_field("New PIN", "Enter six digits.", control="password", hint="Six digits")


CHOOSE = Form(
    "choose-pin",
    title="Choose a PIN",
    about="With it you confirm large payments of colleagues at their screen. Tell it to no one.",
    schema=PinSchema,
    button="Choose PIN",
    success="PIN chosen.",
    failure="The PIN was not chosen",
)


@blp.view("GET", "", permission=Permission.DRAWERS_WORK)
def show_pin(session: Session, actor: Actor) -> Response:
    """Show whether the teller has a PIN, and the form to choose one."""
    has_pin = pins.has_pin(session, actor.user_id)
    return render_page(
        "teller/cash_form.html",
        declared=CHOOSE,
        about="You have a PIN." if has_pin else "You have no PIN yet.",
        options={},
        back=url_for("drawer_pages.show_drawer"),
    )


@blp.form(
    "",
    CHOOSE,
    shown_on=show_pin,
    permission=Permission.DRAWERS_WORK,
    fresh=True,
    keeps_form=False,
    rate_limit=RateLimit.SIGN_IN,
)
def choose_pin(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Choose a PIN."""
    pins.choose_pin(session, actor, fields["pin"])
