"""The contract of an API route, as declared, and the results that a handler can return."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from marshmallow import Schema

from app.access import Permission
from app.blueprints.rate_limits import RateLimit
from app.flags.rules import Feature
from app.kit.errors import Refusal
from app.kit.pipeline import Statement

Handler = Callable[..., object]
#: Takes the id of the person and the body of the request.
ReadsAhead = Callable[[UUID, Any], Sequence[Statement]]


@dataclass(frozen=True, slots=True)
class RouteReply:
    """A handler's result with another status or other headers than declared."""

    value: object
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileReply:
    """A handler's result that the client saves as a file: its content and its name.

    A large content comes in parts, with its size.
    """

    content: bytes | Iterator[bytes]
    name: str
    media_type: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """The contract of one route."""

    method: str
    path: str
    #: The operation's name in the OpenAPI document. Generated clients depend on it: it stays when
    #: the handler is renamed.
    operation_id: str
    handler: Handler
    #: None for a public route.
    permission: Permission | None
    #: Whether visitors, who send no credential, may call it as well: then its `actor` is None.
    visitors: bool
    #: What the route belongs to: without it, every caller is refused once they are known (501).
    feature: Feature | None
    body_schema: Schema | None
    query_schema: Schema | None
    response_schema: Schema | None
    status: int
    #: What the handler reads first, as its own `fetch` asks for it: it comes along with the check
    #: of the caller and saves a trip.
    reads_ahead: ReadsAhead | None
    #: Whether the route needs an Idempotency-Key: one key has one effect.
    idempotent: bool
    #: Whether the handler runs in a transaction; otherwise each of its statements reads on its own.
    writes: bool
    rate_limit: RateLimit | None
    #: Whether a sign-in that is too old is refused: POST /api/auth/reauthenticate renews it.
    fresh: bool
    #: Refusals to document beside the usual ones.
    refusals: tuple[type[Refusal], ...]
    #: Schemas of responses with another status, which a handler returns as `RouteReply`.
    other_responses: dict[int, Schema]
    #: Whether the handler receives `database` instead of `session`.
    own_transactions: bool
    #: Whether all statements of a handler that only reads see one moment.
    snapshot: bool
    #: The media types of a `FileReply` that the handler can return.
    file_media_types: tuple[str, ...]
    #: The largest size of the form's field `file`, an `UploadedFile`; 0 for a JSON body.
    file_bytes_max: int

    @property
    def public(self) -> bool:
        """Whether the route needs no sign-in."""
        return self.permission is None
