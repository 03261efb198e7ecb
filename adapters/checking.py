"""Found -> all that there is to say of it before it is signed. Pure."""

from collections.abc import Collection
from typing import Final

import msgspec

from adapters.leaks import leaks
from adapters.sources.found import Found
from schemas import record
from schemas.findings import Finding, fault
from schemas.linting import lint
from schemas.markings_checks import contradictions
from schemas.rules import Level, rule

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
    options: record.Options,
    *,
    own: str | None = None,
    communities: Collection[str] = (),
) -> Checked:
    """Check what a source found, and make a record of it if nothing is at fault.

    Args:
        options: As for `record.compose`; `places` and `primary` are filled in.
        own: Id that the input gives the issuer's own identity.
        communities: To whom it would be addressed (URN), if that is known.
    """
    options = {**options, "places": found.places}
    if options.get("primary") is None and found.primary is not None:
        options["primary"] = found.primary
    draft, refusals = record.attempt(found.objects, **options)
    if found.faults:
        # What is left of a broken input lacks what its faulty objects would be.
        refusals = tuple(r for r in refusals if r.reason not in _FOLLOWS)
    findings = (
        *found.faults,
        *map(fault, refusals),
        *lint(found.objects, found.places, now=options["now"]),
        *contradictions(
            found.objects,
            found.places,
            now=options["now"],
            tlp=options.get("tlp"),
            primary=options.get("primary"),
            communities=communities,
        ),
        *leaks(found.objects, found.places, own=own),
        *found.losses,
    )
    in_order = tuple(sorted(findings, key=_rank))
    return Checked(None if found.faults else draft, in_order)


_FOLLOWS: Final = {"no-primary", "primary-not-found", "no-behaviour"}


def _rank(finding: Finding) -> int:
    return _ORDER[rule(finding.rule).level]
