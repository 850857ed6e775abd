"""Libraries are used by their public names, so that a new release of one breaks nothing silently.

Ruff refuses to read a private attribute (SLF001); an override is found here.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from inspect import isclass
from pkgutil import walk_packages

import app as product

#: What the documentation of a library tells its users to override.
_DOCUMENTED = {
    ("marshmallow", "_deserialize"),
    ("marshmallow", "_serialize"),
}


def _classes() -> Iterator[type]:
    for found in walk_packages(product.__path__, "app."):
        if not found.name.endswith("__main__"):
            module = import_module(found.name)
            yield from (
                each
                for each in vars(module).values()
                if isclass(each) and each.__module__ == module.__name__
            )


def _library_of(base: type) -> str | None:
    top = base.__module__.partition(".")[0]
    return None if top in sys.stdlib_module_names or top in {"app", "builtins"} else top


def overridden_private_methods(subclass: type) -> set[tuple[str, str]]:
    """Return the library and name of each private method that the class replaces."""
    return {
        (library, name)
        for base in subclass.__mro__[1:]
        if (library := _library_of(base)) is not None
        for name, value in vars(subclass).items()
        if name.startswith("_") and not name.startswith("__") and callable(value)
        if name in vars(base)
    }


def test_no_private_method_of_a_library_is_overridden() -> None:
    overridden = {
        f"{each.__module__}.{each.__qualname__}.{name} of {library}"
        for each in _classes()
        for library, name in overridden_private_methods(each) - _DOCUMENTED
    }
    assert overridden == set(), "use the library's public ways, or the library below it"


def test_check_finds_an_override() -> None:
    library = type("Library", (), {"_hidden": lambda _self: None, "__module__": "flask_x.core"})
    ours = type("Ours", (library,), {"_hidden": lambda _self: None, "__module__": "app.x"})
    assert overridden_private_methods(ours) == {("flask_x", "_hidden")}
