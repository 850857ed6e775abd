"""Ports: a capability declares a Protocol, the factory provides the configured adapter."""

from typing import Any, TypeVar, cast

P = TypeVar("P")

_ADAPTERS: dict[type[Any], Any] = {}


def provide(port: type[P], adapter: P) -> None:
    """From now on `resolve(port)` answers `adapter`."""
    _ADAPTERS[port] = adapter


def resolve(port: type[P]) -> P:
    """The adapter provided for this port. Raises `LookupError` if the factory provided none."""
    try:
        return cast("P", _ADAPTERS[port])
    except KeyError:
        raise LookupError(f"nothing provides {port.__name__}") from None
