"""What a source is: one format coming in, recognised and read. Pure.

A source is a file in this folder that defines `SOURCE`; nothing else lists it.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

import msgspec

from adapters.sources.found import Found
from schemas import codec, stix
from schemas.errors import SchemaError

MAX_INPUT_BYTES: Final = 16 << 20  # no honest record comes near it
_MARK: Final = b"\xef\xbb\xbf"
_PACKED: Final = (
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"\x28\xb5\x2f\xfd",
    b"\xfd7zXZ\x00",
    b"BZh",
)


class Input:
    """Bytes that came in, and what is known of them.

    Attributes:
        data: At most `MAX_INPUT_BYTES`; never unpacked.
        name: Name for people, "" if unknown: a file's, without folders and ending.
        when: RFC 3339; stands in for times that the format does not give.
    """

    def __init__(self, data: bytes, *, name: str = "", when: str) -> None:
        """Refuse what no source can read.

        Raises:
            SchemaError: `too-large`, `packed`.
        """
        if len(data) > MAX_INPUT_BYTES:
            raise SchemaError("too-large")
        if data.startswith(_PACKED):
            raise SchemaError("packed")
        self.data = data
        self.name = name
        self.when = when

    @property
    def is_json(self) -> bool:
        """Tell whether it begins as a JSON object or list does."""
        return self.data.removeprefix(_MARK).lstrip()[:1] in (b"{", b"[")

    @cached_property
    def sound(self) -> stix.Sound | None:
        """What a sound bundle of STIX 2.1 holds; None if it may be anything else."""
        return stix.decode_sound(self.data.removeprefix(_MARK))

    @cached_property
    def parsed(self) -> Any:
        """The JSON text, decoded; sizes of numbers and depth unchecked.

        Raises:
            SchemaError: As `codec.decode_strict_text`.
        """
        # Excel and Windows write a mark that JSON does not have (RFC 8259, 8.1).
        text = self.data.removeprefix(_MARK)
        return codec.decode_strict_text(text, names=stix.PROPERTY_NAMES)

    @cached_property
    def json(self) -> Any:
        """The JSON text, decoded, with every value checked.

        Raises:
            SchemaError: As `codec.decode_json`.
        """
        codec.check_values(self.parsed, names=stix.PROPERTY_NAMES)
        return self.parsed


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A format coming in.

    Attributes:
        name: What `--from` takes.
        title: For people.
        recognises: Tells whether an input is of this format; never raises but
            SchemaError from `Input.json`, and looks at the outermost levels alone.
        read: Gives what it holds; raises SchemaError where nothing of it can be read.
    """

    name: str
    title: str
    recognises: Callable[[Input], bool]
    read: Callable[[Input], Found]
