"""The background tasks of messages."""

from uuid import UUID

from app.kit.db import Database, Session
from app.kit.tasks import Queue, task
from app.messages import email_delivery, service, sms_delivery
from app.messages.ports import EmailDeliveryChanged, SmsDeliveryChanged


@task("messages.deliver", queue=Queue.MESSAGES)
def deliver_message(
    session: Session, *, user_id: str, event_key: str, kind: str, values: dict[str, str]
) -> None:
    """Deliver a message to the inbox and by each channel that the person wants."""
    service.deliver_message(session, user_id=user_id, event_key=event_key, kind=kind, values=values)


@task("messages.send_mail", queue=Queue.MESSAGES, own_transactions=True, provider="email")
def send_email(
    database: Database,
    *,
    user_id: str,
    kind: str,
    event_key: str,
    values: dict[str, str],
    token_id: str | None = None,
) -> None:
    """Send an event's email to a person, once."""
    email_delivery.send_email(
        database,
        user_id=user_id,
        kind=kind,
        event_key=event_key,
        values=values,
        token_id=token_id,
    )


@task("messages.record_mail_event", queue=Queue.MESSAGES, on=EmailDeliveryChanged)
def record_email_event(session: Session, *, event_id: str) -> None:
    """Record the delivery status of an email."""
    email_delivery.record_email_event(session, UUID(event_id))


@task("messages.forget_mails", queue=Queue.NIGHTLY)
def delete_old_emails(session: Session) -> None:
    """Delete records of emails that were settled long ago."""
    email_delivery.delete_old_emails(session)


@task("messages.send_text", queue=Queue.MESSAGES, own_transactions=True, provider="sms")
def send_sms(
    database: Database,
    *,
    user_id: str,
    kind: str,
    event_key: str,
    values: dict[str, str],
    token_id: str | None = None,
) -> None:
    """Send an event's SMS to a person, once."""
    sms_delivery.send_sms(
        database,
        user_id=user_id,
        kind=kind,
        event_key=event_key,
        values=values,
        token_id=token_id,
    )


@task(
    "messages.check_text",
    queue=Queue.MESSAGES,
    own_transactions=True,
    provider="sms",
    on=SmsDeliveryChanged,
)
def refresh_status(database: Database, *, event_id: str) -> None:
    """Fetch and record the delivery status of an SMS after a callback of the carrier."""
    sms_delivery.refresh_status(database, UUID(event_id))


@task("messages.check_texts", queue=Queue.MESSAGES, own_transactions=True, provider="sms")
def refresh_statuses(database: Database) -> None:
    """Fetch the delivery status of SMS without one."""
    sms_delivery.refresh_statuses(database)


@task("messages.forget_texts", queue=Queue.NIGHTLY)
def delete_old_sms(session: Session) -> None:
    """Delete records of SMS that were settled long ago."""
    sms_delivery.delete_old_sms(session)
