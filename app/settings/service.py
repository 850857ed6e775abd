"""The verb of settings: change one, at once or from a day on, with a second person where needed."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import clock, ids
from app.kit.db import Session
from app.settings import queries, rules
from app.settings.errors import SettingsContradict, SettingUnchanged
from app.settings.models import SettingChange
from app.settings.rules import LEAD, Value

CHANGE = "setting.change"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('settings', 0))"


def change_setting(
    session: Session,
    actor: Actor,
    name: str,
    text: str,
    *,
    reason: str,
    effective_at: datetime | None = None,
) -> UUID | None:
    """Change a setting, or request it: then return the id of the request for a second person.

    The change takes effect at `effective_at`, but not before `LEAD` has passed. Raises `NotFound`,
    `PermissionDenied`, `Invalid` naming `value`, `SettingUnchanged`, `SettingsContradict`,
    `ApprovalPending`, and `Invalid` for the reason.
    """
    require(actor, Permission.SETTINGS_EDIT)
    setting = rules.get_setting(name)
    value = setting.parse(text)
    payload = {
        "setting": name,
        "value": _plain(value),
        "effective_at": clock.rfc3339(effective_at) if effective_at else "",
    }
    change = _compare(session, payload)
    if setting.declared.needs_approval:
        return approvals.request_approval(
            session, actor, CHANGE, payload, subject=name, reason=reason
        )
    _store(session, payload, change, actor=actor, reason=approvals_rules.clean_reason(reason))
    return None


def set_by_operator(
    session: Session, name: str, text: str, *, reason: str, lead: timedelta = LEAD
) -> None:
    """Change a setting from the command line, without a second person.

    Without a `lead` it takes effect at once: for an instance whose processes do not run yet. Raises
    what `change_setting` raises about the value and the reason.
    """
    value = rules.get_setting(name).parse(text)
    payload = {"setting": name, "value": _plain(value), "effective_at": ""}
    cleaned_reason = approvals_rules.clean_reason(reason)
    change = _compare(session, payload, lead)
    _store(session, payload, change, actor=None, reason=cleaned_reason, lead=lead)


def _plain(value: Value) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _effective_at(payload: TextFields, now: datetime, lead: timedelta) -> datetime:
    earliest = now + lead
    text = payload["effective_at"]
    return max(earliest, datetime.fromisoformat(text)) if text else earliest


def _compare(session: Session, payload: TextFields, lead: timedelta = LEAD) -> ProposedChange:
    """Return the value before and after. Locks all settings, so that none changes meanwhile."""
    session.send(_LOCK)
    setting, instant = (
        rules.get_setting(payload["setting"]),
        _effective_at(payload, clock.now(), lead),
    )
    stored = queries.values_at(queries.list_changes(session), instant)
    before = stored.get(setting.name, _plain(setting.declared.default))
    if before == payload["value"]:
        raise SettingUnchanged
    try:
        rules.build(rules.group_of(setting.name), {**stored, setting.name: payload["value"]})
    except ValueError as error:
        raise SettingsContradict(str(error)) from None
    return ProposedChange(
        {"value": before}, {"value": payload["value"], "from": payload["effective_at"]}
    )


def _store(
    session: Session,
    payload: TextFields,
    change: ProposedChange,
    *,
    actor: Actor | None,
    reason: str,
    approved: ApprovedRequest | None = None,
    lead: timedelta = LEAD,
) -> None:
    now = clock.now()
    effective_at = _effective_at(payload, now, lead)
    session.write(
        sa.insert(SettingChange).values(
            id=ids.new(),
            name=payload["setting"],
            value=payload["value"],
            effective_at=effective_at,
            reason=reason,
            maker_id=approved.maker_id if approved else actor and actor.user_id,
            approval_id=approved.id if approved else None,
            made_at=now,
        )
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.SETTING_CHANGED,
        subject=payload["setting"],
        before=change.before,
        after={
            "value": payload["value"],
            "from": clock.rfc3339(effective_at),
            **({"approval": ids.encode("apr", approved.id)} if approved else {}),
        },
        reason=reason,
    )


def _execute(session: Session, approved: ApprovedRequest) -> None:
    _store(
        session,
        approved.payload,
        _compare(session, approved.payload),
        actor=approved.checker,
        reason=approved.reason,
        approved=approved,
    )


def _check(_session: Session, _actor: Actor, payload: TextFields) -> None:
    """Require that the value is still within the bounds."""
    rules.get_setting(payload["setting"]).parse(payload["value"])


def _describe(_session: Session, actor: Actor, subject: str) -> TextFields:
    """Return what the setting is, and its bounds."""
    if Permission.SETTINGS_READ not in actor.permissions:
        return {}
    setting = rules.get_setting(subject)
    return {"Setting": f"{setting.group}: {setting.declared.label}", "Allowed": setting.bounds}


approvals_registry.register(
    ApprovalAction(
        CHANGE,
        "Change a setting",
        Permission.SETTINGS_EDIT,
        _compare,
        _check,
        _execute,
        _describe,
        lambda fields: f"set it to {fields['value']}",
    )
)
