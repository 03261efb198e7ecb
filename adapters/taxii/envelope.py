"""What a page holds: a TAXII 2.1 envelope, decoded strictly, its items told apart.

TAXII 2.1, 3.7. The objects stay as they came: whether they are valid STIX is for
`tocsin check` to say. They only need an id and a type, to be kept apart.
"""

import hashlib
import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from schemas import codec, timestamps
from schemas.errors import SchemaError
from schemas.stix.values import ID_PATTERN

MAX_PAGE_BYTES: Final = 16 << 20  # unpacked
_MAX_TOKEN_CHARS: Final = 4096  # it goes into a URL, and servers cut those at 8 KiB
_KEY_BYTES: Final = 16
_ID: Final = re.compile(ID_PATTERN)
_NAMES: Final = frozenset({"more", "next", "objects"})

Key = bytes
"""Stands for one version of one object: a digest of its id and version."""


class NoEnvelopeError(Exception):
    """JSON, and no envelope.

    Attributes:
        where: The place that is wrong.
    """

    def __init__(self, where: str = "$") -> None:
        super().__init__(f"no TAXII 2.1 envelope at {where}")
        self.where = where


class Arrival(msgspec.Struct, frozen=True):
    """One object of a page.

    Attributes:
        version: `modified` in the spelling that sorts, "" where it has none.
        body: The object as JSON.
    """

    key: Key
    id: str
    version: str
    body: bytes


class Page(msgspec.Struct, frozen=True):
    """An answer with status 200.

    Attributes:
        more: Whether the server says there is more; None if it does not say.
        next: Token of the next page, "" if there is none.
        arrivals: Its objects, in order.
        odd: Positions of items that are no objects with an id and a type.
    """

    more: bool | None = None
    next: str = ""
    arrivals: tuple[Arrival, ...] = ()
    odd: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many items the server sent."""
        return len(self.arrivals) + len(self.odd)


class _Envelope(msgspec.Struct):
    # A number is no token, but what it says is clear.
    next: Annotated[str, Meta(max_length=_MAX_TOKEN_CHARS)] | int | None = None
    more: bool | None = None
    objects: list[Any] | None = None


def decode(data: bytes, *, is_taxii: bool) -> Page:
    """Decode a page.

    Args:
        is_taxii: Whether the server calls it TAXII 2.1; what has another name (and
            may be any JSON) must not have members that an envelope has not.

    Raises:
        NoEnvelopeError: It is something else.
        SchemaError: As `codec.decode_json`.
    """
    value = codec.decode_json(data, max_bytes=MAX_PAGE_BYTES, names=_NAMES)
    if type(value) is not dict:
        raise NoEnvelopeError
    if value.get("type") == "bundle":  # as TAXII 2.0 had it, and some still do
        is_taxii = "objects" in value
    if not is_taxii and not value.keys() <= _NAMES:
        raise NoEnvelopeError
    try:
        found = msgspec.convert(value, _Envelope)
    except msgspec.ValidationError as error:
        raise NoEnvelopeError(codec.place_of(error, "$")) from None
    arrivals, odd = [], []
    for index, item in enumerate(found.objects or ()):
        arrival = _arrival(item)
        if arrival is None:
            odd.append(index)
        else:
            arrivals.append(arrival)
    return Page(
        more=found.more,
        next="" if found.next is None else str(found.next),
        arrivals=tuple(arrivals),
        odd=tuple(odd),
    )


def _arrival(item: Any) -> Arrival | None:
    if type(item) is not dict:
        return None
    own, kind = item.get("id"), item.get("type")
    if type(own) is not str or type(kind) is not str:
        return None
    if len(own) > 300 or not _ID.match(own) or own.rpartition("--")[0] != kind:
        return None
    body = codec.encode_json(item)
    version = _version(item)
    # STIX 2.1, 3.6: one id and one `modified` is one content. What has no versions
    # is told apart by its content.
    content = version.encode() if version else hashlib.sha256(body).digest()
    key = hashlib.sha256(own.encode() + b"\n" + content).digest()[:_KEY_BYTES]
    return Arrival(key, own, version, body)


def _version(item: dict[str, Any]) -> str:
    modified = item.get("modified")
    if type(modified) is not str:
        return ""
    try:
        return timestamps.key(modified)
    except SchemaError:
        return ""
