"""Notification preferences: topics and the channels by which a person is notified of them.

The inbox gets everything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import queries as account_queries
from app.identity.errors import PhoneNotVerified, PhoneNumberRequired
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.messages import rules
from app.notifications.registry import KINDS
from app.notifications.rules import NotificationChannel, Topic

_SELECT_CHOICES = "SELECT topic, channel, wanted FROM notification_choices WHERE user_id = %s"
_SET_CHOICE = """
INSERT INTO notification_choices (user_id, topic, channel, wanted, chosen_at)
VALUES (%(user)s, %(topic)s, %(channel)s, %(wanted)s, %(now)s)
ON CONFLICT (user_id, topic, channel) DO UPDATE
    SET wanted = excluded.wanted, chosen_at = excluded.chosen_at
    WHERE notification_choices.wanted <> excluded.wanted
"""
TopicChannel = tuple[Topic, NotificationChannel]


@dataclass(frozen=True, slots=True)
class NotificationPreference:
    """Whether a person is notified of a topic by a channel. `fixed`: it cannot be changed."""

    topic: Topic
    channel: NotificationChannel
    wanted: bool
    fixed: bool


@dataclass(frozen=True, slots=True)
class NotificationPreferences:
    """All preferences of a person, and the phone number for SMS."""

    phone: str | None
    choices: list[NotificationPreference]


def get_preferences(session: Session, user_id: UUID) -> NotificationPreferences:
    """Return a person's preferences. Raises `NotFound`."""
    person = account_queries.get_person(session, user_id)
    choices = _stored_choices(session, user_id)
    return NotificationPreferences(
        person.phone,
        [
            NotificationPreference(
                *pair, wanted=_is_wanted(choices, pair), fixed=pair in rules.MANDATORY_CHANNELS
            )
            for pair in rules.TOPIC_CHANNELS
        ],
    )


def set_preferences(
    session: Session, actor: Actor, choices: Sequence[tuple[Topic, NotificationChannel, bool]]
) -> None:
    """Set the actor's preferences; pairs that are not named return to their default.

    Raises `Invalid` for a channel that a topic does not have, for a pair that cannot be turned off
    and for a repeated pair; `PhoneNumberRequired` and `PhoneNotVerified` for SMS.
    """
    wanted = dict(rules.DEFAULT_PREFERENCES)
    for number, (topic, channel, value) in enumerate(choices):
        pair, field = (topic, channel), f"choices.{number}"
        if pair not in rules.DEFAULT_PREFERENCES:
            raise Invalid(field, f"The topic {topic} has no messages by {channel}.")
        if pair in rules.MANDATORY_CHANNELS and not value:
            raise Invalid(field, f"Messages on {topic} by {channel} cannot be switched off.")
        if any(
            pair == (other_topic, other_channel)
            for other_topic, other_channel, _ in choices[:number]
        ):
            raise Invalid(field, "Name each topic and channel once.")
        wanted[pair] = value
    wants_sms = any(
        value for (_, channel), value in wanted.items() if channel is NotificationChannel.SMS
    )
    if wants_sms:
        person = account_queries.get_person(session, actor.user_id)
        if person.phone is None:
            raise PhoneNumberRequired
        if not person.phone_verified:
            raise PhoneNotVerified
    for (topic, channel), value in wanted.items():
        if (topic, channel) not in rules.MANDATORY_CHANNELS:
            session.send(
                _SET_CHOICE,
                {
                    "user": actor.user_id,
                    "topic": topic,
                    "channel": channel,
                    "wanted": value,
                    "now": clock.now(),
                },
            )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.NOTIFICATIONS_CHOSEN,
        subject=ids.encode("usr", actor.user_id),
        after={f"{topic}.{channel}": value for (topic, channel), value in wanted.items()},
    )


def chosen_channels(session: Session, user_id: UUID, kind: str) -> frozenset[NotificationChannel]:
    """Return the channels by which a person is notified of a kind, of those that the kind has."""
    choices = _stored_choices(session, user_id)
    topic = KINDS[kind].topic
    return frozenset(
        channel for channel in KINDS[kind].channels if _is_wanted(choices, (topic, channel))
    )


def _stored_choices(session: Session, user_id: UUID) -> dict[tuple[str, str], bool]:
    rows = session.rows(_SELECT_CHOICES, (user_id,))
    return {(topic, channel): wanted for topic, channel, wanted in rows}


def _is_wanted(choices: Mapping[tuple[str, str], bool], pair: TopicChannel) -> bool:
    return pair in rules.MANDATORY_CHANNELS or choices.get(pair, rules.DEFAULT_PREFERENCES[pair])
