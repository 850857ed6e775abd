"""The check that a form comes from a page of this application, before its view runs."""

from flask import Flask, Response, current_app, request
from flask_wtf.csrf import CSRFError, CSRFProtect

from app.blueprints import errors, kept_form
from app.blueprints.api_blueprint import ApiBlueprint
from app.blueprints.auth import login
from app.blueprints.page_blueprint import redirect_to_kept_form, redirect_to_late_form
from app.kit.errors import MalformedRequest, PermissionDenied

# Providers sign their webhooks; a cookie means nothing there.
_MACHINE_BLUEPRINTS = frozenset({"webhooks"})
_SIGN_IN_ENDPOINTS = frozenset({"auth_pages.login", "steps_pages.give_second_factor"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class FormOutdated(MalformedRequest):
    """The CSRF token of the form is missing, or belongs to a session that has ended."""

    code = "form_outdated"
    title = "This form is no longer valid. Reload the page and send it again."


class CrossSite(PermissionDenied):
    """A page of another site sent this form."""

    code = "cross_site"
    title = "This form was sent by another site."


def register(app: Flask) -> None:
    """Check the CSRF token and the origin of every form.

    The API needs no token: it takes no cookie, so another site cannot make a browser act there.
    """
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,
        # A token is valid as long as its session.
        WTF_CSRF_TIME_LIMIT=None,
        # Our own check (`_is_cross_site`) reads headers that privacy settings do not remove.
        WTF_CSRF_SSL_STRICT=False,
    )
    csrf = CSRFProtect(app)
    app.register_error_handler(CSRFError, _handle_outdated_form)

    @app.before_request
    def check_forms() -> None:
        if request.method in _SAFE_METHODS or request.url_rule is None:
            return
        if request.blueprint not in _MACHINE_BLUEPRINTS and not isinstance(
            current_app.blueprints.get(request.blueprint or ""), ApiBlueprint
        ):
            if _is_cross_site():
                raise CrossSite
            csrf.protect()


def _handle_outdated_form(_error: CSRFError) -> Response:
    if kept_form.FIELD in request.form:
        return redirect_to_kept_form(request.form[kept_form.FIELD])
    if (response := redirect_to_late_form()) is not None:
        return response
    if request.endpoint in _SIGN_IN_ENDPOINTS:
        # Another tab of this browser has signed in, or has got as far as the second factor.
        return login.show_again(FormOutdated())
    return errors.render_refusal(FormOutdated())


def _is_cross_site() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site != "same-origin"
    origin = request.headers.get("Origin")
    return origin is not None and origin != request.host_url.rstrip("/")
