"""What a password must be, and how a code may be typed."""

from unicodedata import category, decimal, normalize

from zxcvbn import matching, zxcvbn

from app.kit import names
from app.kit.errors import Invalid

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 128
#: zxcvbn's 3 of 4: more than 100 million guesses. Sign-in allows five per quarter of an hour.
STRENGTH_MIN = 3
_ESTIMATED_LENGTH_MAX = 48
#: zxcvbn looks each password up once for every way in which its symbols may stand for letters.
_READINGS_MAX = 8
PRODUCT_NAME = "pbcex"


def guessable_texts(email: str, first_name: str, last_name: str) -> list[str]:
    """Return texts that others know about a person and that a password must not consist of."""
    local, _, domain = email.partition("@")
    names = [first_name, last_name, f"{first_name} {last_name}"]
    return [text for text in (email, local, domain, *names, PRODUCT_NAME) if text]


def check_new_password(field: str, password: str, *, guessable: list[str]) -> None:
    """Raise `Invalid` with the reason unless the password has 10 to 128 characters and is strong.

    Every printable character is allowed and no mixture of kinds is required. zxcvbn estimates the
    strength: it knows common passwords, words, names, keyboards, dates and the `guessable` texts.
    """
    normalized = normalize("NFKC", password)
    if not PASSWORD_LENGTH_MIN <= len(normalized) <= PASSWORD_LENGTH_MAX:
        raise Invalid(field, f"Enter {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.")
    if not names.is_printable(normalized):
        raise Invalid(field, "Remove the control characters.")
    if reasons := _explain_weakness(normalized, guessable):
        raise Invalid(field, f"Choose a password that is harder to guess. {reasons}")


def normalize_code(code: str) -> str:
    """Return the code without blanks, dashes and invisible characters, which keyboards and copying
    add, and with the digits of ASCII."""
    characters = []
    for character in normalize("NFKC", code):
        kind = category(character)
        if kind == "Nd":
            characters.append(str(decimal(character)))
        elif kind not in {"Pd", "Cf"} and character != "\N{MINUS SIGN}" and not character.isspace():
            characters.append(character.upper())
    return "".join(characters)


def _explain_weakness(password: str, guessable: list[str]) -> str:
    """Return why the password is easy to guess and what would help; empty if it is strong."""
    start = _estimated_part(password)
    guessable_inputs = {normalize("NFKC", text).casefold() for text in guessable}
    if start.casefold() in guessable_inputs:
        return "It is your name or email address."
    estimate = zxcvbn(start, user_inputs=sorted(guessable_inputs))
    if estimate["score"] >= STRENGTH_MIN:
        return ""
    feedback = estimate["feedback"]
    reasons = [
        feedback["warning"].rstrip("."),
        *(suggestion.rstrip(".") for suggestion in feedback["suggestions"]),
    ]
    return " ".join(f"{reason}." for reason in reasons if reason) or "Make it longer."


def _estimated_part(password: str) -> str:
    """Return as much of the password as is estimated in less than a tenth of a second.

    The time grows faster than the length, and with the number of symbols that may stand for
    letters. More characters cannot weaken a password.
    """
    length = min(len(password), PASSWORD_LENGTH_MIN)
    while length < min(len(password), _ESTIMATED_LENGTH_MAX):
        symbols = matching.relevant_l33t_subtable(password[: length + 1], matching.L33T_TABLE)
        if len(matching.enumerate_l33t_subs(symbols)) > _READINGS_MAX:
            break
        length += 1
    return password[:length]
