"""Forms of the desks, declared: parsed, run once in a transaction, shown again with what is wrong.

A page blueprint declares a `Form` and the act with `PageBlueprint.form`. All problems are reported
at once, each at its field, with the values that were typed. A success says what happened and
redirects (303), so a reload sends nothing. A form that was sent twice has one effect: each rendered
form carries a token, and the token's first effect is stored in the transaction of the act.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, cast

from flask import Response, flash, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load, validate

from app.access import Actor
from app.approvals import rules as approvals_rules
from app.blueprints import form_changes, kept_form, uploaded_file
from app.blueprints.environ_keys import ACTOR, SESSION
from app.blueprints.form_changes import Change, Facts, StaleForm
from app.blueprints.form_tokens import TOKEN, FormSentBefore, claim_token, store_effect
from app.blueprints.uploaded_file import UploadedFile
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, RateLimited, Refusal, Unauthenticated

SEEN = "seen"
_STATE = "pbcex.form_state"


class FormSchema(Schema):
    """The fields of a form. Texts are stripped; unknown fields are left out."""

    class Meta:
        unknown = EXCLUDE

    @pre_load
    def strip(
        self, data: Mapping[str, str | UploadedFile], **_options: Any
    ) -> dict[str, str | UploadedFile]:
        """Remove blanks around texts that are no passwords; an empty field counts as missing."""
        texts = {
            name: text
            if isinstance(text, UploadedFile)
            or (name in self.fields and is_password(self.fields[name]))
            else text.strip()
            for name, text in data.items()
        }
        return {name: text for name, text in texts.items() if text}


def is_password(one: fields.Field[Any]) -> bool:
    """Whether the field is a password, whose blanks count."""
    return bool(one.metadata["control"] == "password")


def text_field(
    label: str,
    missing: str | None,
    *,
    control: str = "text",
    hint: str = "",
    autocomplete: str = "off",
    check: Callable[[str], object] | None = None,
) -> fields.String:
    """Return a text. `missing` says what to enter; None makes it optional and empty.

    `control` is the type of the input, or `textarea`. `check` is a rule of the room that raises
    `Invalid`, for a problem to appear together with those of the other fields.
    """
    metadata = {"label": label, "control": control, "hint": hint, "autocomplete": autocomplete}
    rule = None if check is None else _validator(check)
    if missing is None:
        return fields.String(load_default="", metadata=metadata, validate=rule)
    return fields.String(
        required=True, error_messages={"required": missing}, metadata=metadata, validate=rule
    )


def _validator(check: Callable[[str], object]) -> Callable[[str], None]:
    def validate_text(text: str) -> None:
        try:
            check(text)
        except Invalid as refusal:
            raise ValidationError(refusal.message) from None

    return validate_text


def reason_field(
    label: str = "Reason",
    missing: str = f"Enter a reason ({approvals_rules.REASON_LENGTH_MIN} to"
    f" {approvals_rules.REASON_LENGTH_MAX} characters).",
    *,
    hint: str = "Kept in the audit trail. Do not write names; use IDs.",
) -> fields.String:
    """Return the reason for an act, which the audit trail keeps. Its act checks it, too."""
    return text_field(label, missing, hint=hint, check=approvals_rules.clean_reason)


def code_field(
    missing: str, label: str = "Code from your app, or a recovery code"
) -> fields.String:
    """Return a code of the second factor. Like a password, it is never shown again."""
    return text_field(label, missing, control="code", autocomplete="one-time-code")


def choice_field(
    label: str,
    missing: str | None,
    options: Sequence[tuple[str, str]] = (),
    *,
    hint: str = "",
    none: str = "–",
) -> fields.String:
    """Return one of some values, none of them preselected. Without `options` the page passes them,
    and the act checks the value. `none` is the text of an optional one without a value."""
    metadata = {
        "label": label,
        "control": "select",
        "hint": hint,
        "options": options,
        "none": none,
    }
    check = None
    if options:
        values = [value for value, _text in options]
        check = validate.OneOf(values, error=missing or "Choose a value from the list.")
    if missing is None:
        return fields.String(load_default="", metadata=metadata, validate=check)
    return fields.String(
        required=True, error_messages={"required": missing}, metadata=metadata, validate=check
    )


def date_field(label: str, missing: str | None, *, hint: str = "") -> fields.Date:
    """Return a date, entered in the browser's own control. None as `missing` makes it optional."""
    metadata = {"label": label, "control": "date", "hint": hint}
    invalid = "Enter a date, like 2026-11-28."
    if missing is None:
        return fields.Date(
            load_default=None, error_messages={"invalid": invalid}, metadata=metadata
        )
    return fields.Date(
        required=True,
        error_messages={"required": missing, "invalid": invalid},
        metadata=metadata,
    )


def tick_field(label: str, missing: str | None) -> fields.String:
    """Return a checkbox, `yes` if it is ticked. One with a `missing` has to be ticked, such as a
    statement about what was seen."""
    metadata = {"label": label, "control": "tick", "hint": ""}
    if missing is None:
        return fields.String(load_default="", metadata=metadata)
    return fields.String(required=True, error_messages={"required": missing}, metadata=metadata)


def file_field(label: str, missing: str, *, accept: str, hint: str = "") -> fields.Raw:
    """Return a file, as an `UploadedFile`. `accept` says which ones the browser offers. Its form is
    declared with `file_bytes_max`."""
    metadata = {"label": label, "control": "file", "hint": hint, "accept": accept}
    return fields.Raw(required=True, error_messages={"required": missing}, metadata=metadata)


def hidden_field() -> fields.String:
    """Return a text that the page passes among the `values` of the form; empty if it is missing."""
    return fields.String(load_default="", metadata={"control": "hidden"})


@dataclass(frozen=True, slots=True)
class Form:
    """The declaration of a form.

    `failure` is the title of its problems. `success` is shown on the next page; the act may return
    another text. `confirm` is the question of a dialog before an act that cannot be undone. With
    `current` the form is refused when its facts have changed since it was opened; `subject` returns
    the public id whose latest audit record names who changed them. A page with several forms
    highlights the button of one; the others are secondary.
    """

    id: str
    title: str
    schema: type[FormSchema]
    button: str
    failure: str
    success: str = ""
    about: str = ""
    is_dangerous: bool = False
    is_secondary: bool = False
    confirm: str = ""
    #: Of a counter: its fields are close together, and Enter goes to the next one (counter.js).
    is_keyed: bool = False
    current: Callable[..., Facts] | None = None
    subject: Callable[..., str] | None = None
    #: The size of the largest file; None for a form without one.
    file_bytes_max: int | None = None

    @property
    def body_bytes_max(self) -> int | None:
        """How large its body may be; None for the limit of all forms."""
        most = self.file_bytes_max
        return None if most is None else uploaded_file.form_bytes_max(most)

    @property
    def button_look(self) -> str:
        """The class of the button."""
        if self.is_dangerous:
            return "btn-danger"
        return "" if self.is_secondary else "btn-primary"

    @property
    def first_field(self) -> str:
        """The name of the first field that a person fills in."""
        visible = (name for name, about, _ in self.fields if about["control"] != "hidden")
        return next(visible, "")

    @property
    def fields(self) -> list[tuple[str, Mapping[str, Any], bool]]:
        """Name, metadata and whether it is required, of each field in order."""
        declared = self.schema().fields
        return [(name, one.metadata, one.required) for name, one in declared.items()]


@dataclass(frozen=True, slots=True)
class FormState:
    """What was sent, for the form that is shown again. It keeps its token, so that all its copies
    have one effect, unless that token had its effect already."""

    form_id: str = ""
    path: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    changes: Sequence[Change] = ()
    token: str = ""
    seen: str = ""
    #: The public id of the kept form that these values are of, and whether files came with it.
    kept_id: str = ""
    had_files: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that is shown again, because of a refusal or of problems in its fields."""

    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Done:
    """A form that had its effect, now or when it was sent before. `location` None is its page.

    `page` is shown instead, once, for what cannot be shown again: a form that is sent again leads
    to the location, with the message.
    """

    location: str | None = None
    message: str | None = None
    page: Response | None = None


#: What an act returns: where to go, a `Done`, or None for the page of the form.
Outcome = Done | str | None


def state_of(
    form: Form, action: str = "", carried: Mapping[str, str] = MappingProxyType({})
) -> FormState:
    """Return what was sent with this form: in the current request, or to its `action` too late.
    The state is empty if nothing was. Of several such forms, one in each row of a page, it is the
    one with this `action` and these values; without an `action`, any of them."""
    state: FormState | None = request.environ.get(_STATE)
    path = action.partition("?")[0]
    if (
        state is not None
        and state.form_id == form.id
        and path in {"", state.path}
        and carried.items() <= state.values.items()
    ):
        return state
    kept = kept_form.find_waiting(action, carried) if action else None
    if kept is None:
        return FormState()
    public_id, sent = kept
    return FormState(
        form.id,
        action,
        dict(sent.fields),
        token=sent.value(TOKEN),
        seen=sent.value(SEEN),
        kept_id=public_id,
        had_files=sent.had_files,
    )


def seen_facts(form: Form) -> str:
    """Return the facts as they are now, for the form to carry; empty for a form without."""
    if form.current is None:
        return ""
    session, actor = request.environ[SESSION], request.environ[ACTOR]
    return form_changes.serialize(form.current(session, actor, **(request.view_args or {})))


def run(
    form: Form,
    session: Session,
    actor: Actor,
    act: Callable[[Mapping[str, Any]], Outcome],
    variables: Mapping[str, str],
) -> Done | Refused:
    """Parse the posted form and run its act in a savepoint, once for each token.

    A refusal that the act raises undoes what the act did, unless it keeps records.
    """
    try:
        claim, effect = claim_token(session, actor)
    except FormSentBefore as refusal:
        shown = _show_again(form, refusal)
        # Under a new token, and with the facts of now.
        request.environ[_STATE] = replace(request.environ[_STATE], token="", seen="")
        return shown
    if effect is not None:
        kept_form.discard_copies(session, actor)
        return Done(*effect)
    values = parse(form)
    if values is None:
        return Refused(None)
    if changes := _list_changes(form, session, actor, variables):
        subject = None if form.subject is None else form.subject(**variables)
        changed_by = form_changes.describe_author(session, subject)
        stale = StaleForm(f"{changed_by} since you opened it. Check both versions and send again.")
        return _show_again(form, stale, changes)
    try:
        with session.savepoint():
            outcome = act(values)
    except (Invalid, Conflict, RateLimited, Unauthenticated) as refusal:
        return _show_again(form, refusal)
    done = outcome if isinstance(outcome, Done) else Done(outcome)
    done = replace(done, message=done.message or form.success)
    kept_form.discard_copies(session, actor)
    store_effect(session, claim, [done.location, done.message])
    return done


def parse(form: Form) -> Mapping[str, Any] | None:
    """Return the values of the posted form; None, with its problems kept for the page, if there are
    any."""
    try:
        files = {} if form.file_bytes_max is None else uploaded_file.read_files()
        sent = {**request.form.to_dict(), **files}
        return cast("Mapping[str, Any]", form.schema().load(sent))
    except ValidationError as error:
        messages = cast("dict[str, list[str]]", error.messages)
        names = [name for name in form.schema().fields if name in messages]
        _keep_state(form, {name: messages[name][0] for name in names})
        return None


def show_refusal(form: Form, refusal: Refusal) -> None:
    """Keep a refusal for the page of the form, at its field if it names one."""
    _show_again(form, refusal)


def report(done: Done) -> None:
    """Say on the next page what happened."""
    if done.message:
        flash(done.message)


def _show_again(form: Form, refusal: Refusal, changes: Sequence[Change] = ()) -> Refused:
    name = refusal.field if refusal.field in form.schema().fields else ""
    text = refusal.message if isinstance(refusal, Invalid) else refusal.detail
    _keep_state(form, {name: text}, changes)
    return Refused(refusal)


def _keep_state(form: Form, problems: Mapping[str, str], changes: Sequence[Change] = ()) -> None:
    values = request.form.to_dict()
    seen = "" if changes else values.get(SEEN, "")
    token = values.get(TOKEN, "")
    request.environ[_STATE] = FormState(
        form.id, request.path, values, problems, changes, token, seen
    )


def _list_changes(
    form: Form, session: Session, actor: Actor, variables: Mapping[str, str]
) -> list[Change]:
    if form.current is None:
        return []
    return form_changes.list_changes(
        request.form.get(SEEN, ""), form.current(session, actor, **variables)
    )
