"""What to call a browser in a list, by what it calls itself: a hint for its owner, no proof."""

# The first that is found: most claim to be several others too.
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
    """`Firefox on Linux`; what is not recognised is said to be another."""
    text = agent or ""
    name = next((name for part, name in _NAMES if part in text), "Another browser")
    system = next((f" on {name}" for part, name in _SYSTEMS if part in text), "")
    return f"{name}{system}"
