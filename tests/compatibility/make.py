"""Runs every gathered real file through checking and signing: docs/compatibility.md.

`python -m tests.compatibility.make` writes the page; a test makes it again and
compares. A file counts as accepted when its record was signed and the token verified
strictly. What a file lacks (a TLP, a primary object) is given the way its owner
would: `--tlp amber`, `--report NAME`.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from adapters.checking import Checked, check
from adapters.sources import formats
from adapters.sources.found import Found
from adapters.sources.source import Input
from broker.errors import TrustError
from broker.signing import sign
from broker.trust import verify
from schemas import composing
from schemas.errors import SchemaError
from schemas.findings import Finding
from schemas.markings import Tlp
from tests.support import records
from tests.support.real_data import DATA

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
WHEN = "2026-11-22T12:00:00.000Z"
# What the owner of a file can add; refusals for their lack only are no fault of it.
GIVEN = {
    "unmarked": "--tlp amber",
    "no-primary": "--report NAME",
    "several-primaries": "--report NAME",
}
RIGHTLY = {
    "disarm": "lists of the framework's ids: no records",
    "disarm_incidents_md": "pages of prose",
    "fimi_viginum_stix21": "a README",
    "json_hostile": "texts that parsers read differently, or that hold no record",
    "meta_cib_csv": "a vocabulary, and an index of files",
    "misp_events_pymisp": "a schema, a list of types, a galaxy: no events",
    "misp_stix_pairs": "collections of two events each: a record is about one",
    "oasis_stix21_examples": "a bundle with a TLP:RED part, which needs sealing",
}
_NO_INPUT = {"SOURCES.md"}
_SKIPPED = ("vocab/", "LICENSES/")


class Outcome(msgspec.Struct):
    """What became of one file."""

    group: str
    format: str
    given: tuple[str, ...]
    objects: int
    refused: str
    losses: Counter[str]


def outcomes(folder: Path = DATA) -> Iterator[Outcome]:
    """Try every file outside the vocabularies."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in _NO_INPUT and not name.startswith(_SKIPPED):
            yield outcome(path, name.partition("/")[0])


def outcome(path: Path, group: str) -> Outcome:
    """Check and sign one file."""
    title, found, refusal = _read(path)
    if refusal is not None:
        return Outcome(group, title, (), 0, refusal, Counter())
    options: composing.Options = {"now": WHEN}
    given: list[str] = []
    checked = check(found, options)
    for _ in GIVEN:
        lacks = {each.rule for each in checked.errors}
        wanted = {GIVEN[each] for each in lacks & GIVEN.keys()} - {*given}
        if "--report NAME" in wanted:
            options["report"] = "A list"
        if "--tlp amber" in wanted:
            options["tlp"] = Tlp.AMBER
        given += wanted
        checked = check(found, options)
    return Outcome(
        group,
        title,
        tuple(sorted(given)),
        0 if checked.draft is None else len(checked.draft.objects),
        _refusal(checked),
        Counter({each.rule: each.count for each in _counted(found)}),
    )


def _read(path: Path) -> tuple[str, Found, str | None]:
    nothing = Found(objects=())
    title = ""
    try:
        given = Input(path.read_bytes(), name=path.stem, when=WHEN)
        source = formats.recognise(given)
        title = source.name
        return title, source.read(given), None
    except SchemaError as error:
        return title, nothing, error.reason


def _counted(found: Found) -> Iterator[Finding]:
    """Give one finding for each rule, with all the places it counts."""
    counts: Counter[str] = Counter()
    for each in found.losses:
        counts[each.rule] += each.count
    for name, count in counts.items():
        yield Finding(name, count=count)


def _refusal(checked: Checked) -> str:
    if checked.draft is None:
        return ", ".join(sorted({each.rule for each in checked.errors}))
    try:
        token = sign(
            checked.draft,
            records.CERT,
            blind_map=records.BlindMap(records.new_uuids(1), {}),
            now=records.NOW,
            entropy=records.entropy(),
        )
        verify(token, records.directory(), now=records.NOW)
    except (SchemaError, TrustError) as error:
        return error.reason
    return ""


def page(found: list[Outcome]) -> str:
    """Write the page."""
    lines = [
        "# What real files become",
        "",
        "Every gathered real file that is no vocabulary, read, checked, signed and verified strictly. Made by",
        "`python -m tests.compatibility.make`; the files are published ones and are not part of this project",
        '(their sources: "shared/data/SOURCES.md" beside the checkout).',
        "",
        "**given**: what the file lacks and its owner adds on the command line. **refused**: why, as `tocsin check` says it.",
        "**not taken over**: how many places of the input, by rule; `tocsin check FILE` names each kind of place. Nothing",
        "else is left out.",
        "",
        "| group | format | files | accepted | objects | given | refused | not taken over |",
        "|---|---|---|---|---|---|---|---|",
    ]
    keys = sorted({(each.group, each.format) for each in found})
    for group, name in keys:
        these = [e for e in found if (e.group, e.format) == (group, name)]
        good = [e for e in these if not e.refused]
        given = Counter(one for e in good for one in e.given)
        refused = Counter(e.refused for e in these if e.refused)
        losses: Counter[str] = sum((e.losses for e in good), Counter())
        cells = (
            group, name or "-", len(these), len(good), sum(e.objects for e in good),
            _list(given), _list(refused), _list(losses),
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    good = [each for each in found if not each.refused]
    lines += [
        "",
        f"{len(found)} files: {len(good)} accepted, {len(found) - len(good)} refused.",
        "",
    ]
    return "\n".join(lines)


def _list(counts: Counter[str]) -> str:
    return ", ".join(f"{n:,} `{what}`" for what, n in sorted(counts.items()))


if __name__ == "__main__":
    made = page(list(outcomes()))
    PAGE.write_text(made, encoding="utf-8")
    sys.stdout.write(made)
