"""Found -> all that there is to say of it before it is signed. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec

from adapters.leaks import leaks
from adapters.sources.found import Found
from schemas import composing, profile, record, stix
from schemas.catalogue import Catalogue
from schemas.errors import SchemaError
from schemas.findings import Finding, fault
from schemas.linting import lint
from schemas.markings_checks import contradictions
from schemas.rules import Level, rule
from schemas.stix.cases import Identity
from schemas.stix.columns import together
from schemas.techniques import unknown_techniques
from schemas.vocabularies.checking import outside_in

_ORDER: Final[dict[Level, int]] = {"error": 0, "warning": 1, "note": 2}


class Checked(msgspec.Struct, frozen=True):
    """What checking an input found.

    Attributes:
        draft: The record; None if it is refused.
        findings: Errors first, then warnings, then notes.
    """

    draft: record.Draft | None
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Why it is refused."""
        return tuple(f for f in self.findings if rule(f.rule).level == "error")


def check(
    found: Found,
    options: composing.Options,
    *,
    own: str | None = None,
    communities: Collection[str] = (),
    catalogues: Collection[Catalogue] = (),
) -> Checked:
    """Check what a source found, and make a record of it if nothing is at fault.

    Args:
        options: As for `composing.compose`; `places` and `primary` are filled in.
        own: Id that the input gives the issuer's own identity.
        communities: To whom it would be addressed (URN), if that is known.
        catalogues: Techniques are held against these.
    """
    places = found.places
    options = {**options, "places": places}
    if options.get("primary") is None and found.primary is not None:
        options["primary"] = found.primary
    objects = together(found.objects)
    draft, refusals = composing.attempt(objects, **options)
    if found.faults:
        # What is left of a broken input lacks what its faulty objects would be.
        draft, refusals = None, tuple(r for r in refusals if r.reason not in _FOLLOWS)
    findings = (
        *found.faults,
        *(fault(each, _expected(each)) for each in refusals),
        *lint(objects, places, now=options["now"], own=own),
        *contradictions(
            objects,
            places,
            now=options["now"],
            tlp=options.get("tlp"),
            primary=options.get("primary"),
            communities=communities,
        ),
        *leaks(objects, places, own=own),
        *outside_in(objects, places),
        *(unknown_techniques(objects, catalogues, places) if catalogues else ()),
        *(_own_identity(draft, places) if draft is not None and own is None else ()),
        *found.losses,
    )
    return Checked(draft, tuple(sorted(map(_placed, findings), key=_rank)))


def _expected(refusal: SchemaError) -> str:
    """Say what is expected where the types of STIX allow more than a record does."""
    if refusal.reason != "bad-property":
        return ""
    name = refusal.where.rpartition(".")[2]
    if profile.is_text((name,)):
        return "a text, not a list"
    if name.startswith("granular_markings["):
        return "either marking_ref or lang, not both"
    return _EXPECTED.get(name, _WORD if name in _WORDED else "")


_WORD: Final = (
    "a word of letters, digits, - and _, at most 40, beginning with a letter; nothing "
    "can withhold it"
)
_WORDED: Final = frozenset(n for kind in stix.TYPES for n in profile.worded(kind))
_EXPECTED: Final = {
    "extensions": "words of lower case letters and hyphens, at most 40, in "
    "extension_type, determination and investigation_status; nothing can withhold them",
    "lang": "a language such as en or pt-BR",
    "pattern_version": "a version such as 2.1",
}


def _own_identity(draft: record.Draft, places: Mapping[str, str]) -> Iterator[Finding]:
    """Find the identity that has created the record and is not known as the issuer's."""
    objects = together(draft.objects)
    creator = objects[draft.primary].created_by_ref
    for index in objects.by_type.get(Identity, ()):
        each = objects[index]
        if (
            each.id == creator
            and isinstance(each, Identity)
            and each.identity_class != "individual"
        ):
            yield Finding("own-identity", places.get(each.id, "$"))


_FOLLOWS: Final = {"no-primary", "primary-not-found", "no-behaviour", "no-legal-basis"}


def _placed(finding: Finding) -> Finding:
    """Give the row alone where a property of what became of it is meant."""
    if not finding.where.startswith("row "):
        return finding
    row = _ROW.match(finding.where)
    return finding if row is None else msgspec.structs.replace(finding, where=row[0])


_ROW: Final = re.compile(r"row [0-9]+(?:, column [0-9]+)?(?: \([a-z -]+\))?")


def _rank(finding: Finding) -> int:
    return _ORDER[rule(finding.rule).level]
