"""The project's own files, parsed once for every house rule."""

import ast
import subprocess
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import app as product

CHECKOUT = Path(__file__).resolve().parents[2]
_VENDORED = ("app/static/vendor/",)


@dataclass(frozen=True)
class Source:
    """A Python file of the project. `name` is its path in the checkout."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    @cached_property
    def calls(self) -> list[tuple[str, int]]:
        """Each call as written, without arguments (`datetime.now`), with its line."""
        return [
            (ast.unparse(node.func), node.lineno)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Call)
        ]


@cache
def files() -> tuple[str, ...]:
    """Return every file of the project except vendored ones."""
    if (CHECKOUT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
    else:
        listed = [str(path.relative_to(CHECKOUT)) for path in CHECKOUT.rglob("*")]
        listed = [name for name in listed if not name.startswith((".venv", ".pbcex"))]
    ours = [name for name in listed if not name.startswith(_VENDORED)]
    return tuple(sorted(name for name in ours if (CHECKOUT / name).is_file()))


def python(*tops: str) -> tuple[Source, ...]:
    """Return the Python files below these folders, or with these names."""
    chosen = [name for name in files() if name.endswith(".py") and name.startswith(tops)]
    return tuple(_read(name) for name in chosen)


@cache
def _read(name: str) -> Source:
    return Source(name, (CHECKOUT / name).read_text(encoding="utf-8"))


PRODUCT = ("app/", "migrations/", "wsgi.py", "internal.py", "worker.py")


def import_product() -> None:
    """Import every module of the product, so that all its classes are known, whichever modules the
    application or other tests happen to have imported."""
    for found in walk_packages(product.__path__, "app."):
        if not found.name.endswith("__main__"):
            import_module(found.name)
