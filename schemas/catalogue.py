"""A catalogue of techniques, made from the STIX bundle that its authors publish.

It holds what checking needs, in a few kilobytes: DISARM's bundle and MITRE ATT&CK's
are their authors', and are never shipped.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

from schemas.codec import place_of
from schemas.errors import SchemaError

MAX_BUNDLE_BYTES: Final = 128 << 20  # ATT&CK for enterprise is some 50 MB
MAX_NAME_CHARS: Final = 300
_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")

Framework = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,59}\Z")]
Name = Annotated[str, Meta(max_length=MAX_NAME_CHARS)]


class Technique(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A way to attack, or to deceive.

    Attributes:
        tactics: Ids of tactics; the name of the phase where it has no id.
        parent: Id of the technique that this refines; "" if none.
        deprecated: Given up, or revoked, by its authors.
    """

    name: Name
    tactics: tuple[Name, ...] = ()
    parent: Name = ""
    deprecated: bool = False


class Catalogue(Struct, frozen=True, kw_only=True, dict=True):
    """Techniques of one framework.

    Attributes:
        version: As its authors say; "" if they do not.
        modified: When the newest technique was changed; "" if none says.
        statements: Of licence and copyright, as its authors' markings make them.
        tactics: Id -> name.
        techniques: Id -> technique.
    """

    framework: Framework
    version: Name = ""
    modified: Name = ""
    statements: tuple[Name, ...] = ()
    tactics: dict[str, Name] = {}
    techniques: dict[str, Technique]
    format: Literal["tocsin-catalogue-1"] = "tocsin-catalogue-1"

    @property
    def title(self) -> str:
        """Framework and version."""
        return f"{self.framework} {self.version}".rstrip()

    @cached_property
    def _numbers(self) -> Mapping[str, str]:
        # What is in use comes last, and so wins.
        ordered = sorted(self.techniques.items(), key=lambda t: not t[1].deprecated)
        return {each.name.lower(): number for number, each in ordered}

    def number_of(self, name: str) -> str | None:
        """Find the technique of this name, in any case."""
        return self._numbers.get(name.strip().lower())

    def refined(self, number: str) -> list[str]:
        """List the techniques that refine *number*."""
        return [n for n, each in self.techniques.items() if each.parent == number]

    def of_tactic(self, tactic: str) -> list[str]:
        """List the techniques of a tactic."""
        return [n for n, each in self.techniques.items() if tactic in each.tactics]


class Reference(Struct):
    """An external reference, as far as it matters here."""

    source_name: str = ""
    external_id: str = ""
    url: str = ""


class Phase(Struct):
    """A kill chain phase."""

    kill_chain_name: str = ""
    phase_name: str = ""


class Item(Struct):
    """An object of a bundle of STIX 2.0 or 2.1, as far as it matters here."""

    type: str
    id: str = ""
    name: str = ""
    modified: str = ""
    revoked: bool = False
    x_mitre_deprecated: bool = False
    x_mitre_shortname: str = ""
    x_mitre_version: str = ""
    external_references: list[Reference] = field(default_factory=list)
    kill_chain_phases: list[Phase] = field(default_factory=list)
    relationship_type: str = ""
    source_ref: str = ""
    target_ref: str = ""
    definition: dict[str, object] = field(default_factory=dict)

    @property
    def is_old(self) -> bool:
        """Whether its authors gave it up."""
        return self.revoked or self.x_mitre_deprecated


class _Bundle(Struct):
    type: Literal["bundle"]
    objects: list[Item]


_bundles: Final = msgspec.json.Decoder(_Bundle)
_catalogues: Final = msgspec.json.Decoder(Catalogue)


def read_bundle(data: bytes) -> list[Item]:
    """Decode a bundle of STIX 2.0 or 2.1; what a catalogue has no use for is skipped.

    Raises:
        SchemaError: `not-json`, `not-stix`, `bad-property`, `too-deep`.
    """
    try:
        return _bundles.decode(data).objects
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SchemaError(*_reason(error)) from None


def _reason(error: Exception) -> tuple[str, str]:
    if isinstance(error, msgspec.ValidationError):
        place = place_of(error, "$")
        is_bundle = place.startswith("$.objects[")
        return "bad-property" if is_bundle else "not-stix", place
    if isinstance(error, RecursionError):
        return "too-deep", "$"
    return "not-json", "$"


def catalogue_of(items: Sequence[Item], framework: str) -> Catalogue:
    """Make the catalogue of the attack-patterns among *items*.

    Raises:
        SchemaError: `no-techniques`.
    """
    tactics = _tactics(items)
    techniques: dict[str, Technique] = {}
    numbers: dict[str, str] = {}
    # Several objects may have had a number: the one in use counts, then the newest.
    patterns = [each for each in items if each.type == "attack-pattern"]
    for each in sorted(patterns, key=lambda p: (not p.is_old, p.modified)):
        number = number_of(each, framework)
        if number is not None:
            numbers[each.id] = number
            techniques[number] = _technique(each, tactics)
    if not techniques:
        raise SchemaError("no-techniques")
    parents = _parents(items, numbers)
    return Catalogue(
        framework=framework,
        version=_version(items),
        modified=max(_plain(each.modified) for each in patterns),
        statements=_statements(items),
        tactics=dict(sorted(tactics.values())),
        techniques={
            number: msgspec.structs.replace(
                techniques[number],
                parent=parents.get(number) or _prefix(number, techniques),
            )
            for number in sorted(techniques)
        },
    )


def number_of(item: Item, framework: str) -> str | None:
    """Give the number that *framework* gives a technique; ATT&CK's also have CAPEC's."""
    found = [r for r in item.external_references if _NUMBER.fullmatch(r.external_id)]
    for reference in found:
        source = reference.source_name.lower()
        if source == framework or source.startswith("mitre-"):
            return reference.external_id
    return found[0].external_id if found else None


def encode_catalogue(catalogue: Catalogue) -> bytes:
    """Write a catalogue as JSON, a line each technique."""
    return msgspec.json.format(msgspec.json.encode(catalogue), indent=1) + b"\n"


def decode_catalogue(data: bytes) -> Catalogue:
    """Read what `encode_catalogue` wrote.

    Raises:
        SchemaError: `not-catalogue`.
    """
    try:
        return _catalogues.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise SchemaError("not-catalogue") from None


def _tactics(items: Iterable[Item]) -> dict[str, tuple[str, str]]:
    """Phase name -> (id, name) of its tactic."""
    found = {}
    for each in items:
        numbers = [r.external_id for r in each.external_references if r.external_id]
        if each.type == "x-mitre-tactic" and numbers and not each.is_old:
            found[each.x_mitre_shortname] = (_plain(numbers[0]), _plain(each.name))
    return found


def _technique(item: Item, tactics: Mapping[str, tuple[str, str]]) -> Technique:
    phases = [phase.phase_name for phase in item.kill_chain_phases]
    known = [tactics[p][0] if p in tactics else _plain(p) for p in phases]
    return Technique(
        name=_plain(item.name),
        tactics=tuple(dict.fromkeys(known)),
        deprecated=item.is_old,
    )


def _parents(items: Iterable[Item], numbers: Mapping[str, str]) -> dict[str, str]:
    return {
        numbers[each.source_ref]: numbers[each.target_ref]
        for each in items
        if each.relationship_type == "subtechnique-of"
        and {each.source_ref, each.target_ref} <= numbers.keys()
        and not each.is_old
    }


def _prefix(number: str, techniques: Mapping[str, Technique]) -> str:
    prefix = number.rpartition(".")[0]
    return prefix if prefix in techniques else ""


def _version(items: Iterable[Item]) -> str:
    found = [
        each.x_mitre_version for each in items if each.type == "x-mitre-collection"
    ]
    return _plain(found[0]) if found else ""


def _statements(items: Iterable[Item]) -> tuple[str, ...]:
    found = (each.definition.get("statement") for each in items)
    return tuple(dict.fromkeys(_plain(s) for s in found if isinstance(s, str)))


def _plain(text: str) -> str:
    """Make a text one that can be shown: one line, nothing that is not seen."""
    line = " ".join(text.split())
    return "".join(each for each in line if each.isprintable())[:MAX_NAME_CHARS]
