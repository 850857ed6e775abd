"""The declaration of pages, and the checks that every page passes.

`PageBlueprint.view` declares the permission of a page, as `ApiBlueprint.operation` does for the
API. The order of checks:

    429   the rate limit
    400   the CSRF token of a form, for every method but GET
    403   the form was sent by another site
    303   to the sign-in page without a session; for HTMX 401 with HX-Redirect
    403   the permission
    303   to reauthentication, where the view requires it and the last one is old; for HTMX 401
          with HX-Redirect. The form is kept and finished afterwards (`kept_form`)
    422 … the view's own refusals

A view responds with 303 after a success, and with 422 and the same form after a mistake.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from inspect import getdoc, signature
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, Response, current_app, flash, redirect, request, url_for

from app.access import Actor, Permission, require
from app.blueprints import (
    audit_denials,
    bulk_actions,
    errors,
    forms,
    kept_form,
    list_view,
    lists,
    references,
    rendering,
    staff_session_cookie,
)
from app.blueprints.environ_keys import ACTOR
from app.blueprints.forms import Done, Form, Refused
from app.blueprints.lists import BulkStart, ListForm, ListPage
from app.blueprints.page_session import current_database, run_page
from app.blueprints.rate_limits import RateLimit
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound, Refusal
from app.kit.formatting import format_number_of
from app.kit.pagination import decode_cursor

PageView = Callable[..., Response]
#: What a form does.
Act = Callable[..., forms.Outcome]

# A path of this application: browsers read "//", "/\" and control characters as another site.
_SAFE_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*", re.ASCII)


class PageBlueprint(Blueprint):
    """A desk or a part of it: pages under one prefix."""

    def __init__(self, name: str, prefix: str | None) -> None:
        # The API has blueprints of the same names.
        super().__init__(f"{name}_pages", __name__, url_prefix=prefix)
        self._pages: set[str] = set()
        #: The declared forms, by the path that they are sent to.
        self.forms: dict[str, Form] = {}

    def view(
        self,
        method: str,
        path: str,
        *,
        permission: Permission | None = None,
        public: bool = False,
        snapshot: bool = False,
        fresh: bool = False,
        keeps_form: bool = True,
        writes: bool = False,
        shows: str | None = None,
        rate_limit: RateLimit | None = RateLimit.PAGE,
        body_bytes_max: int | None = None,
    ) -> Callable[[PageView], PageView]:
        """Declare a page; exactly one of `permission` and `public` is given.

        The function receives `session` and `actor`, then the path's variables by name; a public
        one receives `database` and opens what it needs. A GET only reads, each statement on its
        own or, with `snapshot`, all at one moment, unless it `writes`; every other method is one
        transaction. `fresh` marks a sensitive act: the person reauthenticates first, unless they
        did so a short while ago. Then the act is finished with the same form, unless it is not kept
        (`keeps_form`) because it holds a secret. `shows` is the prefix of the ids that link here.
        """
        if (permission is None) is not public:
            raise TypeError(f"{method} {path}: give either a permission or public=True")

        def declare(handler: PageView) -> PageView:
            def serve(**variables: str) -> Response:
                if permission is None:
                    return handler(current_database(), **variables)
                member = staff_session_cookie.current_member()
                if member is None:
                    return _redirect_to_sign_in(serve)
                request.environ[ACTOR] = member.actor
                require(member.actor, permission)
                if fresh and not member.is_recently_proven:
                    return _redirect_to_reauthentication(member.actor, serve)
                run = partial(show, member.actor, variables)
                response = run_page(run, writes=writes or method != "GET", snapshot=snapshot)
                audit_denials.record_shown()
                return response

            def show(actor: Actor, variables: dict[str, str], session: Session) -> Response:
                if fresh and not kept_form.restore(session, actor):
                    return redirect_to_kept_form(request.form[kept_form.FIELD])
                response = handler(session, actor, **variables)
                kept_form.conclude(session, response)
                return response

            serve.__doc__ = getdoc(handler)
            serve.__dict__.update(permission=permission, fresh=fresh, rate_limit=rate_limit)
            serve.__dict__.update(keeps_form=keeps_form, body_bytes_max=body_bytes_max)
            self.add_url_rule(path, handler.__name__, serve, methods=[method])
            if method == "GET":
                self._pages.add(path)
            self._declare_reference(shows, path, permission, handler)
            return handler

        return declare

    def _declare_reference(
        self, prefix: str | None, path: str, permission: Permission | None, handler: PageView
    ) -> None:
        if prefix is not None and permission is not None:
            endpoint = f"{self.name}.{handler.__name__}"
            references.declare(prefix, endpoint, path, permission, handler)

    def form(
        self,
        path: str,
        form: Form,
        *,
        shown_on: PageView,
        find_row: Callable[..., object] | None = None,
        permission: Permission,
        fresh: bool = False,
        keeps_form: bool = True,
        rate_limit: RateLimit | None = RateLimit.PAGE,
    ) -> Callable[[Act], Act]:
        """Declare what a form does when it is sent to `path`.

        The function receives `session`, `actor` and `fields` (the parsed schema), then the path's
        variables. It returns an `Outcome`. The page that shows the form is `shown_on`, a view of
        this blueprint with the same variables, or with fewer if the form is in a row of the page,
        which `find_row` finds by all of them or raises `NotFound`. The address of a form that is
        shown again can be reloaded: it leads to the page.
        """

        def declare(act: Act) -> Act:
            def url_of_page(variables: Mapping[str, str]) -> str:
                return url_for(
                    f"{self.name}.{shown_on.__name__}", **_variables_of(shown_on, variables)
                )

            def send(session: Session, actor: Actor, **variables: str) -> Response:
                run_act = partial(act, session, actor, **variables)
                outcome = forms.run(form, session, actor, run_act, variables)
                if isinstance(outcome, Done):
                    return _leave_form(outcome, url_of_page(variables))
                page = shown_on(session, actor, **_variables_of(shown_on, variables))
                return _show_refused(page, outcome)

            def reload(session: Session, actor: Actor, **variables: str) -> Response:
                # Refuses what does not exist or is not for this person, as the page does.
                shown_on(session, actor, **_variables_of(shown_on, variables))
                if find_row is not None:
                    find_row(session, actor, **variables)
                return see_other(url_of_page(variables))

            self.forms[f"{self.url_prefix or ''}{path}"] = form
            send.__name__, send.__doc__ = act.__name__, getdoc(act)
            self.view(
                "POST",
                path,
                permission=permission,
                fresh=fresh,
                keeps_form=keeps_form,
                rate_limit=rate_limit,
                body_bytes_max=form.body_bytes_max,
            )(send)
            if path not in self._pages:
                reload.__name__, reload.__doc__ = f"reload_{act.__name__}", f"{form.title}: reload."
                self.view("GET", path, permission=permission)(reload)
            return act

        return declare

    def add_list(
        self,
        path: str,
        page: ListPage[Any],
        *,
        permission: Permission,
        template: str = "lists/list.html",
        context: Callable[[Session, Actor], Mapping[str, object]] | None = None,
        form: ListForm | None = None,
    ) -> PageView:
        """Add a declared list at `path`, with a `form` below it; its endpoint is `list_` and the
        list's name. Its bulk actions are sent to `path`/bulk.

        A `template` that shows more than the list includes `lists/_list.html` and gets what
        `context` returns. Returns the view, on which forms can be shown.
        """
        endpoint = f"list_{page.name}"
        lists.register(page, permission, f"{self.name}.{endpoint}")

        def render(session: Session, actor: Actor, status: int = 200, **more: object) -> Response:
            view = list_view.open_list(page, session, actor, request.args)
            more |= context(session, actor) if context is not None else {}
            more |= form.context(session, actor) if form is not None else {}
            return rendering.render_page(template, status=status, view=view, **more)

        def show(session: Session, actor: Actor) -> Response:
            return render(session, actor)

        def act(session: Session, actor: Actor) -> Response:
            chosen, name = request.form.getlist("ids"), request.form.get("act", "")
            try:
                action, outcome = bulk_actions.run_bulk_action(page, session, actor, name, chosen)
            except (Invalid, Conflict) as refusal:
                status, problems = report_at_form(refusal)
                return render(session, actor, status, bulk_problem=next(iter(problems.values())))
            if isinstance(action, BulkStart):
                return see_other(outcome.location or url_for(f"{self.name}.{endpoint}"))
            for public_id, row_refusal in outcome.new_refusals.items():
                audit_denials.record_later(row_refusal, public_id)
            if outcome.refusals:
                return render(session, actor, 409, outcome=outcome)
            flash(format_number_of(outcome.done, *action.done))
            return reload(session, actor)

        def reload(_session: Session, _actor: Actor) -> Response:
            query = request.query_string.decode()
            return see_other(url_for(f"{self.name}.{endpoint}") + (f"?{query}" if query else ""))

        show.__name__, show.__doc__ = endpoint, page.about
        self.view("GET", path, permission=permission)(show)
        if page.bulk_actions:
            act.__name__, act.__doc__ = f"act_on_{page.name}", f"{page.title}: act on rows."
            reload.__name__, reload.__doc__ = f"reload_{page.name}", f"{page.title}: reload."
            fresh = any(action.fresh for action in page.bulk_actions)
            # Of several actions each checks its own permission.
            needed = {action.permission for action in page.bulk_actions}
            act_permission = needed.pop() if len(needed) == 1 else permission
            self.view("POST", f"{path}/bulk", permission=act_permission, fresh=fresh)(act)
            self.view("GET", f"{path}/bulk", permission=permission)(reload)
        return show


def _variables_of(view: PageView, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the path's variables that the view receives."""
    return {name: variables[name] for name in variables.keys() & signature(view).parameters.keys()}


def _leave_form(done: Done, url_of_page: str) -> Response:
    """Return the response to a form that had its effect."""
    if done.page is not None:
        return done.page
    forms.report(done)
    return see_other(done.location or url_of_page)


def _show_refused(page: Response, refused: Refused) -> Response:
    """Return the page with its form, which was refused; a page that leads elsewhere has none."""
    refusal = refused.refusal
    if "Location" not in page.headers:
        page.status_code = 422 if refusal is None else errors.status_beside_form(refusal)
    if refusal is not None:
        audit_denials.record_later(refusal)
        errors.add_retry_after(page, refusal)
    return page


def _redirect_to_sign_in(view: PageView) -> Response:
    """Redirect to the sign-in page, which leads back to the page that is open now."""
    if kept_form.FIELD in request.form:
        # Its session has ended: after sign-in, the page says what became of the form.
        return redirect_to_kept_form(request.form[kept_form.FIELD])
    if request.method != "GET":
        kept_form.keep_after_time_out(current_database(), view)
    return _leave_page(_url_with_next("auth_pages.show_login", open_page()))


def _redirect_to_reauthentication(actor: Actor, view: PageView) -> Response:
    """Redirect to the reauthentication page, which finishes the form or leads back to it."""
    if request.method == "GET":
        return _leave_page(_url_with_next("proof_pages.show", open_page()))
    if not kept_form.is_kept(view):
        return _leave_page(kept_form.proof_url(open_page(), None))
    return redirect_to_kept_form(kept_form.keep(current_database(), actor, view))


def redirect_to_late_form() -> Response | None:
    """Redirect to the page of a form that was sent with the CSRF token of an earlier session of the
    same person; the page shows it again. None for any other form."""
    member = staff_session_cookie.current_member()
    view = current_app.view_functions[request.endpoint or ""]
    if member is None or not kept_form.keep_after_sign_in(current_database(), member.actor, view):
        return None
    return _leave_page(open_page() or "/")


def redirect_to_kept_form(public_id: str) -> Response:
    """Redirect to the page that finishes a kept form or says what became of it."""
    return _leave_page(kept_form.proof_url(open_page(), public_id))


def _leave_page(location: str) -> Response:
    if not rendering.wants_fragment():
        return see_other(location)
    # The page may have been open for long: the browser leaves it, not only the fragment.
    response = Response(status=401)
    response.headers["HX-Redirect"] = location
    response.vary.add("HX-Request")
    return response


def open_page() -> str | None:
    """Return the path of the page that the browser shows, or requests."""
    if rendering.wants_fragment():
        return _page_path_in("HX-Current-URL") or "/"
    if request.method == "GET":
        return kept_form.current_path()
    if kept_form.FIELD in request.form:
        return safe_redirect_path(request.form.get("next"))
    return _page_path_in("Referer")


def _page_path_in(header: str) -> str | None:
    """Return the path of the page that the browser shows, according to a header; None if it is of
    another site."""
    url = request.headers.get(header, "")
    return f"/{url.removeprefix(request.host_url)}" if url.startswith(request.host_url) else None


def see_other(location: str) -> Response:
    """Redirect to another page after a form succeeded (303)."""
    response = redirect(location, 303)
    assert isinstance(response, Response)
    response.headers["Cache-Control"] = "no-store"
    return response


def report_at_form(refusal: Refusal) -> tuple[int, dict[str, str]]:
    """Return the status and the problems of a form that is shown again because of a refusal.

    The refusal is recorded in the audit trail after the transaction, as if it had been raised.
    """
    audit_denials.record_later(refusal)
    status = errors.status_of(type(refusal))
    if isinstance(refusal, Invalid):
        return status, {refusal.field: refusal.message}
    return status, {"": refusal.detail}


def read_cursor() -> UUID | None:
    """Return the id after which the requested page of a list begins; None for the first page.

    Raises `NotFound` for an invalid cursor.
    """
    text = request.args.get("cursor")
    try:
        return None if text is None else decode_cursor(text)
    except Invalid:
        raise NotFound from None


def safe_redirect_path(text: str | None) -> str | None:
    """Return `text` if it is a path of this application, else None, against open redirects."""
    return text if text is not None and _SAFE_PATH.fullmatch(text) else None


def _url_with_next(endpoint: str, next_path: str | None) -> str:
    url = url_for(endpoint)
    return f"{url}?next={quote(next_path, safe='/')}" if next_path else url
