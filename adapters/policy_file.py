"""A policy as it is written: TOML, decoded strictly, every entry with its line. Pure.

What the words mean, and that they fit each other, is looked at in `adapters.policy`
and `adapters.policy_checks`.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from broker.directory import Audience
from broker.errors import ConfigError

Action = Literal[
    "keep", "listed", "defang", "mask", "hold", "generalise", "pseudonymise", "drop"
]
Role = Literal[
    "issuer", "protected", "individual", "public-role", "organisation",
    "attacker", "unknown", "operated", "ordinary", "",
]  # fmt: skip
TimeGrain = Literal["exact", "hour", "day"]
Pass = Literal["cleared", "affected", "addressed", "hold", "nobody"]
Words = Annotated[tuple[str, ...], Meta(min_length=1)]
Sentence = Annotated[str, Meta(min_length=20, max_length=200)]
Title = Annotated[str, Meta(min_length=3, max_length=100)]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,40}\Z")]


class _Entry(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename="kebab",
):
    """An entry of a list of tables."""


class AudienceEntry(_Entry, frozen=True, kw_only=True):
    """One audience.

    Attributes:
        called: What people call it, in the plural.
        like: Gets what the rows give this other one, where they do not name it.
        after_days: Gets a record so long after the hub first saw it.
        time: How exact a generalised time is.
    """

    name: Audience
    called: Title
    like: Audience | None = None
    after_days: Annotated[int, Meta(ge=0, le=3650)] = 0
    time: TimeGrain = "day"


class _PerAudience(_Entry, frozen=True, kw_only=True):
    """What has a column for each audience; the last two may follow another."""


class Gate(_PerAudience, frozen=True, kw_only=True):
    """Whom a mark lets pass.

    Attributes:
        mark: `TLP:AMBER`, `PAP:RED`, `IEP:unseen`, `protect:minors`, `kind:…`.
        approvals: How many persons must agree where it says `hold`.
    """

    mark: str
    peer_cert: Pass
    platform: Pass
    civil_society: Pass
    research: Pass | None = None
    public: Pass | None = None
    approvals: Annotated[int, Meta(ge=1, le=5)] = 1
    reason: Sentence


class Row(_PerAudience, frozen=True, kw_only=True):
    """What each audience gets of some properties, and why.

    Attributes:
        only: Name of the list that `listed` means: of labels and references only
            those on it pass.
        approvals: How many persons must agree where it says `hold`.
        meanwhile: What stands there until they do.
    """

    title: Title
    types: Words
    properties: Words
    peer_cert: Action
    platform: Action
    civil_society: Action
    research: Action | None = None
    public: Action | None = None
    reason: Sentence
    role: Role = ""
    when: Literal["concerned", ""] = ""
    only: Name | None = None
    approvals: Annotated[int, Meta(ge=1, le=5)] = 1
    meanwhile: Literal["drop", "generalise", "pseudonymise"] = "drop"


class Limit(_Entry, frozen=True, kw_only=True):
    """What nobody gets more of, whatever the rows say. It can only tighten.

    Attributes:
        role: Holds for objects of this role alone.
        jurisdictions: Holds for members under these laws alone (ISO 3166-1).
        at_most: The stricter of this and the row's action counts; where neither is
            the stricter, the property is withheld.
    """

    title: Title
    types: Words
    properties: Words
    at_most: Action
    reason: Sentence
    role: Role = ""
    jurisdictions: tuple[str, ...] = ()


class Retention(_Entry, frozen=True, kw_only=True):
    """How old a version may be when it is given to members under these laws."""

    jurisdictions: Words
    days: Annotated[int, Meta(ge=1, le=36500)]
    reason: Sentence


class WordList(_Entry, frozen=True, kw_only=True):
    """Words that rows and roles refer to; one may end in `*`."""

    name: Name
    words: Words
    reason: Sentence


class PolicyFile(_Entry, frozen=True, kw_only=True):
    """The file as written."""

    id: Name
    version: Annotated[int, Meta(ge=1)]
    review_days: Annotated[int, Meta(ge=1, le=365)] = 7
    audience: Annotated[tuple[AudienceEntry, ...], Meta(min_length=1)]
    gate: tuple[Gate, ...]
    row: Annotated[tuple[Row, ...], Meta(min_length=1)]
    limit: tuple[Limit, ...] = ()
    retention: tuple[Retention, ...] = ()
    lists: tuple[WordList, ...] = msgspec.field(name="list", default=())


class Lines:
    """Where each entry of a file begins.

    Found by the headers of tables. A header inside a text of several lines would be
    counted, too; where the numbers do not fit, there are none.
    """

    def __init__(self, text: str, counts: Mapping[str, int]) -> None:
        found: dict[str, list[int]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            header = _HEADER.match(line)
            if header is not None:
                found.setdefault(header[1], []).append(number)
        self._found = {
            name: lines
            for name, lines in found.items()
            if len(lines) == counts.get(name, -1)
        }

    def of(self, table: str, number: int) -> int:
        """Give the line of entry *number* (from 1) of *table*; 0 if unknown."""
        lines = self._found.get(table)
        return lines[number - 1] if lines and number <= len(lines) else 0


_HEADER: Final = re.compile(r"\s*\[\[\s*([a-z]+)\s*\]\]")
_INDEXED: Final = re.compile(r"\$\.([a-z]+)\[(\d+)\]")


def read(data: bytes, where: str) -> tuple[PolicyFile, Lines]:
    """Decode a policy.

    Args:
        where: What to call the file in errors.

    Raises:
        ConfigError: With the line, where it is known.
    """
    try:
        text = data.decode()
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where}: not a policy: {error}") from None
    lines = Lines(text, _counts(tree))
    try:
        return msgspec.convert(tree, PolicyFile), lines
    except msgspec.ValidationError as error:
        # A policy is the operator's own, public text: it may be quoted.
        place = _INDEXED.search(str(error))
        line = lines.of(place[1], int(place[2]) + 1) if place else 0
        raise ConfigError(f"{at(where, line)}: not a policy: {error}") from None


def _counts(tree: Mapping[str, Any]) -> dict[str, int]:
    return {name: len(v) for name, v in tree.items() if isinstance(v, list)}


def at(where: str, line: int) -> str:
    """Name a place as editors do: `file:line`."""
    return f"{where}:{line}" if line else where
