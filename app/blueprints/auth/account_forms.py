"""The forms of the account page of staff."""

from dataclasses import replace

from app.blueprints.auth import shared
from app.blueprints.auth.shared import FactorCodeSchema, PasskeyNameSchema
from app.blueprints.forms import Form, FormSchema, text_field, tick_field


class PasswordSchema(FormSchema):
    """The present password, and the new one."""

    current_password = text_field(
        "Current password",
        "Enter your current password.",
        control="password",
        autocomplete="current-password",
    )
    new_password = text_field(
        "New password",
        "Enter a new password.",
        control="password",
        hint="At least 10 characters that are hard to guess.",
        autocomplete="new-password",
    )


CHANGE_PASSWORD = Form(
    "password",
    title="Password",
    about="Your other sessions end, and you receive an email about the change.",
    schema=PasswordSchema,
    button="Change password",
    success="Password changed. Your other sessions have ended.",
    failure="The password was not changed",
    is_secondary=True,
)

ADD_PASSKEY = Form(
    "new-passkey",
    title="Add a passkey",
    schema=PasskeyNameSchema,
    button="Add a passkey",
    success="Passkey added.",
    failure="The passkey was not added",
    is_secondary=True,
)

RENAME_PASSKEY = Form(
    "rename",
    title="Rename a passkey",
    schema=PasskeyNameSchema,
    button="Rename",
    success="Passkey renamed.",
    failure="The passkey was not renamed",
    is_secondary=True,
)

REMOVE_PASSKEY = Form(
    "remove",
    title="Remove a passkey",
    schema=FormSchema,
    button="Remove",
    success="Passkey removed.",
    failure="The passkey was not removed",
    confirm="Remove this passkey? It can no longer sign you in.",
    is_dangerous=True,
)

SET_UP_APP = Form(
    "app-on",
    title="Set up an authenticator app",
    schema=FormSchema,
    button="Set up an authenticator app",
    failure="The app was not set up",
    is_secondary=True,
)

CONFIRM_APP = replace(
    shared.CONFIRM_APP,
    success="Authenticator app set up. Its recovery codes were shown once: replace them if you did"
    " not save them.",
)

SWITCH_OFF_APP = Form(
    "app-off",
    title="Turn off the app",
    schema=FactorCodeSchema,
    button="Turn off",
    success="Authenticator app turned off.",
    failure="The app was not turned off",
    confirm="Turn off the authenticator app? Its recovery codes stop working, too.",
    is_dangerous=True,
)

RENEW_RECOVERY_CODES = Form(
    "app-codes",
    title="New recovery codes",
    schema=FactorCodeSchema,
    button="Replace recovery codes",
    success="Recovery codes replaced. They were shown once: replace them again if you did not save"
    " them.",
    failure="The recovery codes were not replaced",
    confirm="Replace your recovery codes? The present ones stop working.",
    is_secondary=True,
)

END_SESSION = Form(
    "end",
    title="End a session",
    schema=FormSchema,
    button="End",
    success="Session ended.",
    failure="The session was not ended",
    confirm="End this session? It is signed out at once.",
    is_secondary=True,
)

END_OTHERS = Form(
    "end-others",
    title="End all other sessions",
    schema=FormSchema,
    button="End all other sessions",
    success="All other sessions have ended.",
    failure="The sessions were not ended",
    confirm="End all your other sessions? They are signed out at once.",
    is_secondary=True,
)


class KeysSchema(FormSchema):
    """Whether a letter alone is a shortcut."""

    single_keys = tick_field("Letters alone are shortcuts", None)


CHOOSE_KEYS = Form(
    "keyboard",
    title="Keyboard",
    about="/ opens the search, ? shows all shortcuts, and g, then a letter, opens a page. Untick"
    " this if you speak to your computer or press letters by accident. Ctrl+K always opens the"
    " search.",
    schema=KeysSchema,
    button="Save",
    success="Saved.",
    failure="Your choice was not saved",
    is_secondary=True,
)

#: The forms of the page itself, as its template names them.
BY_ID = {
    form.id.replace("-", "_"): form
    for form in (
        ADD_PASSKEY,
        RENAME_PASSKEY,
        REMOVE_PASSKEY,
        SET_UP_APP,
        SWITCH_OFF_APP,
        RENEW_RECOVERY_CODES,
        CHANGE_PASSWORD,
        END_SESSION,
        END_OTHERS,
        CHOOSE_KEYS,
    )
}
