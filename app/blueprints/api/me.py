"""The caller's profile, postal addresses, notifications and API keys.

An API key can change none of it.
"""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import auth as schemas_auth
from app.blueprints.api.schemas import me as schemas_me
from app.blueprints.api.schemas.fields import PageQuerySchema
from app.blueprints.api_blueprint import ApiBlueprint
from app.identity.accounts import address_book, profile
from app.identity.accounts import queries as account_queries
from app.identity.api_keys import service as api_keys
from app.identity.errors import (
    AddressBookFull,
    ApiKeysFull,
    PhoneNotVerified,
    PhoneNumberRequired,
    ReauthenticationRequired,
)
from app.kit import ids, pagination
from app.kit.db import Session
from app.kit.postal_addresses import PostalAddress
from app.kyc.submission import queries as submission_queries
from app.messages import preferences

blp = ApiBlueprint(
    "me", "/api/me", "The caller's profile, postal addresses, notifications and API keys"
)


@blp.operation(
    "GET",
    "",
    operation_id="meShow",
    permission=Permission.ACCOUNT_READ,
    response_schema=schemas_auth.UserSchema,
)
def show_profile(session: Session, actor: Actor) -> object:
    """Show the profile."""
    return account_queries.get_person(session, actor.user_id)


@blp.operation(
    "PATCH",
    "",
    operation_id="meChange",
    permission=Permission.ACCOUNT_CHANGE,
    body_schema=schemas_me.ChangeProfileSchema,
    response_schema=schemas_auth.UserSchema,
    refusals=(ReauthenticationRequired,),
)
def change_profile(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Change names or phone number.

    Another phone number needs a sign-in of the last ten minutes, and is to be verified.
    """
    customer = submission_queries.get_customer(session, actor.user_id)
    return profile.change_profile(session, actor, body, country=customer.country)


@blp.operation(
    "GET",
    "/addresses",
    operation_id="meAddresses",
    permission=Permission.ADDRESSES_READ,
    query_schema=PageQuerySchema,
    response_schema=schemas_me.AddressesSchema,
)
def list_addresses(session: Session, actor: Actor, query: dict[str, Any]) -> object:
    """List the postal addresses, newest first."""
    return address_book.list_addresses(session, actor, **pagination.page_arguments(query))


@blp.operation(
    "POST",
    "/addresses",
    operation_id="meAddAddress",
    permission=Permission.ADDRESSES_CHANGE,
    body_schema=schemas_me.AddAddressSchema,
    response_schema=schemas_me.AddressSchema,
    status=201,
    refusals=(AddressBookFull,),
)
def add_address(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Add a postal address.

    It must be valid in its country: the required fields and the form of postal codes differ.
    """
    is_default = body.pop("is_default", False)
    return address_book.add_address(session, actor, PostalAddress(**body), is_default=is_default)


@blp.operation(
    "GET",
    "/addresses/<address_id>",
    operation_id="meAddress",
    permission=Permission.ADDRESSES_READ,
    response_schema=schemas_me.AddressSchema,
)
def show_address(session: Session, actor: Actor, address_id: str) -> object:
    """Show a postal address."""
    return address_book.get_address(session, actor, ids.decode("adr", address_id))


@blp.operation(
    "PATCH",
    "/addresses/<address_id>",
    operation_id="meChangeAddress",
    permission=Permission.ADDRESSES_CHANGE,
    body_schema=schemas_me.ChangeAddressSchema,
    response_schema=schemas_me.AddressSchema,
)
def change_address(session: Session, actor: Actor, body: dict[str, Any], address_id: str) -> object:
    """Change a postal address, or make it the default."""
    is_default = body.pop("is_default", None)
    return address_book.change_address(
        session, actor, ids.decode("adr", address_id), body, is_default=is_default
    )


@blp.operation(
    "DELETE",
    "/addresses/<address_id>",
    operation_id="meRemoveAddress",
    permission=Permission.ADDRESSES_CHANGE,
    status=204,
)
def remove_address(session: Session, actor: Actor, address_id: str) -> None:
    """Remove a postal address.

    After the default address is removed, the newest is the default.
    """
    address_book.remove_address(session, actor, ids.decode("adr", address_id))


@blp.operation(
    "GET",
    "/notifications",
    operation_id="meNotifications",
    permission=Permission.NOTIFICATIONS_CHOOSE,
    response_schema=schemas_me.NotificationsSchema,
)
def show_notifications(session: Session, actor: Actor) -> object:
    """Show the notification settings.

    They choose email and text messages. Every message also appears in the inbox (GET
    /api/messages).
    """
    return preferences.get_preferences(session, actor.user_id)


@blp.operation(
    "PUT",
    "/notifications",
    operation_id="meChooseNotifications",
    permission=Permission.NOTIFICATIONS_CHOOSE,
    body_schema=schemas_me.ChooseNotificationsSchema,
    response_schema=schemas_me.NotificationsSchema,
    refusals=(PhoneNumberRequired, PhoneNotVerified),
)
def choose_notifications(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Change the notification settings.

    A choice that is not listed returns to its default: email on, text messages off. Messages about
    the security of the account are always sent by email.
    """
    choices = [(choice["topic"], choice["channel"], choice["wanted"]) for choice in body["choices"]]
    preferences.set_preferences(session, actor, choices)
    return preferences.get_preferences(session, actor.user_id)


@blp.operation(
    "GET",
    "/api-keys",
    operation_id="meKeys",
    permission=Permission.API_KEYS_MANAGE,
    query_schema=PageQuerySchema,
    response_schema=schemas_me.ApiKeysSchema,
)
def list_api_keys(session: Session, actor: Actor, query: dict[str, Any]) -> object:
    """List the API keys, newest first, revoked and expired ones included."""
    return api_keys.list_keys(session, actor, **pagination.page_arguments(query))


@blp.operation(
    "POST",
    "/api-keys",
    operation_id="meCreateKey",
    permission=Permission.API_KEYS_MANAGE,
    body_schema=schemas_me.CreateApiKeySchema,
    response_schema=schemas_me.NewApiKeySchema,
    status=201,
    fresh=True,
    refusals=(ApiKeysFull,),
)
def create_api_key(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Create an API key.

    The key is shown only now, and expires: at `expiresAt`, or after 90 days. A program sends it
    instead of an access token, on the routes that its scopes allow.
    """
    return api_keys.create_key(session, actor, **body)


@blp.operation(
    "DELETE",
    "/api-keys/<key_id>",
    operation_id="meRevokeKey",
    permission=Permission.API_KEYS_MANAGE,
    status=204,
)
def revoke_api_key(session: Session, actor: Actor, key_id: str) -> None:
    """Revoke an API key at once. Repeating it changes nothing."""
    api_keys.revoke_key(session, actor, ids.decode("key", key_id))
