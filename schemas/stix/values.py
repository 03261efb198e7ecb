"""What the value of a STIX property may be, beyond its JSON type.

Every property but type and id may be missing from a redacted copy, so fields are
written `name: str | UnsetType = UNSET`; `required.py` says what STIX requires.
Lists are tuples and, where present, never empty (STIX 2.1, List).
"""

from typing import Annotated, Any, Final

from msgspec import Meta

MAX_TEXT_CHARS: Final = 2**20  # no string of the real records gathered reaches 10,000

# RFC 9562, 4: versions 1 to 8 of the usual variant, and in lower case only: STIX
# compares ids as text, so a second spelling would be a second object.
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
# STIX 2.1, Identifier: <type>--<UUID>; a type has 3 to 250 characters.
ID_PATTERN: Final = rf"^[a-z][a-z0-9-]{{2,249}}--{_UUID}\Z"

# STIX 2.1, Timestamp (RFC 3339 in UTC), narrowed to what `schemas.timestamps` can
# compare: days that exist, no leap second, at most nanoseconds.
_DATE = (
    "(?:(?!0000)[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    "|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])"
    "|(?:0[48]|[2468][048]|[13579][26])00)-02-29)"
)
TIMESTAMP_PATTERN: Final = (
    rf"^{_DATE}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,9}})?Z\Z"
)

MARKING_PATTERN: Final = rf"^marking-definition--{_UUID}\Z"
FORM: Final = "form"

ID_TAIL_CHARS: Final = 38  # `--` and a UUID

# `decode_object` checks these forms itself, each distinct text once in a while: as
# msgspec's `pattern` they took five sixths of the time that decoding takes.
_ID_CHARS: Final = 288  # STIX 2.1, Identifier: 250 of the type, `--`, a UUID
Id = Annotated[str, Meta(max_length=_ID_CHARS, extra={FORM: ID_PATTERN})]
Ids = Annotated[tuple[Id, ...], Meta(min_length=1)]
MarkingIds = Annotated[
    tuple[
        Annotated[str, Meta(max_length=_ID_CHARS, extra={FORM: MARKING_PATTERN})], ...
    ],
    Meta(min_length=1),
]
Timestamp = Annotated[str, Meta(max_length=30, extra={FORM: TIMESTAMP_PATTERN})]
# The same for structs inside objects, where msgspec checks.
Day = Annotated[str, Meta(pattern=rf"^{_DATE}\Z")]
InnerId = Annotated[str, Meta(pattern=ID_PATTERN)]
LANGUAGE_PATTERN: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}\Z"
Language = Annotated[str, Meta(pattern=LANGUAGE_PATTERN)]
InnerMarkingId = Annotated[str, Meta(pattern=MARKING_PATTERN)]
Texts = Annotated[tuple[str, ...], Meta(min_length=1)]

Percent = Annotated[int, Meta(ge=0, le=100)]
Count = Annotated[int, Meta(ge=0)]
Port = Annotated[int, Meta(ge=0, le=65535)]

Open = dict[str, Any]
"""An object whose members no schema here knows: hashes, extensions, contents."""
Opens = Annotated[tuple[Open, ...], Meta(min_length=1)]
