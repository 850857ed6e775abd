"""Ports: a room declares a Protocol, and the factory provides the configured adapter."""

from typing import Any, TypeVar, cast

Port = TypeVar("Port")

_ADAPTERS: dict[type[Any], Any] = {}


def provide(port: type[Port], adapter: Port) -> None:
    """Make `resolve(port)` return `adapter` from now on."""
    _ADAPTERS[port] = adapter


def resolve(port: type[Port]) -> Port:
    """Return the adapter of this port. Raises `LookupError` if none was provided."""
    try:
        return cast("Port", _ADAPTERS[port])
    except KeyError:
        raise LookupError(f"nothing provides {port.__name__}") from None
