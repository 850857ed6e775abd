"""Names of browsers and systems, from the User-Agent header: a hint for the owner, no proof."""

# The first match counts: most browsers also claim to be several others.
_NAMES = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def describe_browser(agent: str | None) -> str:
    """Return a name such as `Firefox on Linux`; an unknown browser is `Another browser`."""
    text = agent or ""
    name = next((name for part, name in _NAMES if part in text), "Another browser")
    system = next((f" on {name}" for part, name in _SYSTEMS if part in text), "")
    return f"{name}{system}"
