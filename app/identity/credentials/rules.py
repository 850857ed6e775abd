"""What a password must be."""

from unicodedata import normalize

from zxcvbn import zxcvbn

from app.identity.accounts import rules as account_rules
from app.kit.errors import Invalid

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 128
#: zxcvbn's 3 of 4: more than 100 million guesses. Logging in allows five each quarter of an hour.
STRENGTH_MIN = 3
_ESTIMATED_LENGTH_MAX = 48
PRODUCT_NAME = "pbcex"


def guessable_texts(email: str, first_name: str, last_name: str) -> list[str]:
    """What others know of a person: their password must not be made of it."""
    local, _, domain = email.partition("@")
    names = [first_name, last_name, f"{first_name} {last_name}"]
    return [text for text in (email, local, domain, *names, PRODUCT_NAME) if text]


def check_new_password(field: str, password: str, *, guessable: list[str]) -> None:
    """Raises `Invalid`, saying why, unless it has 10 to 128 characters and is hard to guess.

    Everything that can be typed is allowed; no mixture of kinds of characters is demanded. How hard
    it is, zxcvbn estimates: it knows common passwords, words, names, keyboards and dates, and what
    is `known` of the person.
    """
    normal = normalize("NFKC", password)
    if not PASSWORD_LENGTH_MIN <= len(normal) <= PASSWORD_LENGTH_MAX:
        raise Invalid(field, f"Enter {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.")
    if not account_rules.is_printable(normal):
        raise Invalid(field, "Remove the control characters.")
    if reasons := _explain_weakness(normal, guessable):
        raise Invalid(field, f"Choose a password that is harder to guess. {reasons}")


def _explain_weakness(password: str, guessable: list[str]) -> str:
    """Why the password is easy to guess, and what would help; empty when it is not."""
    # Its time grows faster than the length, and the rest cannot make it weaker.
    start = password[:_ESTIMATED_LENGTH_MAX]
    told = {normalize("NFKC", text).casefold() for text in guessable}
    if start.casefold() in told:
        return "It is your name or e-mail address."
    found = zxcvbn(start, user_inputs=sorted(told))
    if found["score"] >= STRENGTH_MIN:
        return ""
    feedback = found["feedback"]
    reasons = [
        feedback["warning"].rstrip("."),
        *(each.rstrip(".") for each in feedback["suggestions"]),
    ]
    return " ".join(f"{reason}." for reason in reasons if reason) or "Make it longer."
