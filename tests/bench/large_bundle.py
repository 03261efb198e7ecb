"""A bundle of 3,099 objects: time of each step, and how much memory it takes."""

import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

from adapters import redaction
from adapters.receipts import receipt
from adapters.sources import stix21
from broker import sdjwt
from tests.bench.material import NOW, Case
from tests.bench.rounds import Report, Row, side_by_side
from tests.support.real_data import DATA

TRIP = "round trip"
_FILE = DATA / "amnesty_stix21" / "pegasus.stix2"
_INDICATORS = 1549
_MOMENT = "2026-03-02T09:30:00.000Z"
_ROOT = Path(__file__).parents[2]


@cache
def source() -> tuple[str, bytes]:
    """Give the real bundle where it is there, else one of the same shape."""
    if _FILE.is_file():
        return "amnesty_stix21/pegasus.stix2", _FILE.read_bytes()
    return "a generated bundle of the shape of pegasus.stix2", generated()


def generated(indicators: int = _INDICATORS) -> bytes:
    """One malware, indicators of domain names, a relationship for each."""
    malware = _object("malware", name="Specimen", is_family=False)
    objects = [malware]
    for number in range(indicators):
        indicator = _object(
            "indicator",
            indicator_types=["malicious-activity"],
            pattern=f"[domain-name:value='host-{number:04d}.specimen.example']",
            pattern_type="stix",
            pattern_version="2.1",
            valid_from=_MOMENT,
        )
        relation = _object(
            "relationship",
            relationship_type="indicates",
            source_ref=indicator["id"],
            target_ref=malware["id"],
        )
        objects += [indicator, relation]
    return msgspec.json.encode({"type": "bundle", "objects": objects})


def _object(kind: str, **properties: object) -> dict[str, Any]:
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid.uuid4()}",
        "created": _MOMENT,
        "modified": _MOMENT,
        **properties,
    }


def measure(*, quick: bool) -> Report:
    name, data = source()
    if quick:
        name, data = "a small generated bundle", generated(100)
    case = Case(data, wrap=True)
    steps = _steps(case)
    found = side_by_side({TRIP: _round_trip(data), **steps}, 2 if quick else 7)
    rows = [Row(step, TRIP, found[step], found[TRIP]) for step in steps]
    rows += _memory(data, rounds=1 if quick else 3)
    return Report(
        "bundle: one record of 3,099 objects",
        f"{name}, {len(data) / 1024:,.0f} KiB; as a record {case.describe()}. Processor "
        "time; round trip: msgspec decodes the same bundle and encodes it again. Peak "
        "memory is that of a fresh process, against a process that makes the round "
        "trip alone.",
        tuple(rows),
    )


def _round_trip(data: bytes) -> Callable[[], object]:
    return lambda: msgspec.json.encode(msgspec.json.decode(data))


def _steps(case: Case) -> dict[str, Callable[[], object]]:
    steps: dict[str, Callable[[], object]] = {
        "read and check STIX": lambda: stix21.read(case.bundle),
        "`compose` (reading included)": case.compose,
        "`sign`": case.sign,
        "`trust.verify`": case.verify,
    }
    opened = case.verified.opened
    kept = closed_half(opened.parents)
    steps["`sdjwt.withhold`, half of the properties"] = lambda: sdjwt.withhold(
        opened, kept
    )
    views = case.views()
    for audience, view in views.items():
        steps[f"`redact` for {audience}"] = partial(case.redact, view)
    redacted = case.redact(views["platform"])
    steps["of it the projection, platform"] = _projection(case)
    steps["`receipt`"] = lambda: receipt(redacted, case.seen, case.hub, now=NOW)
    return steps


def closed_half(parents: Sequence[int]) -> set[int]:
    """Choose each second disclosure of those inside objects, and the objects."""
    objects = {i for i, parent in enumerate(parents) if parent < 0}
    return objects | {
        i for i, parent in enumerate(parents) if i % 2 and parent in objects
    }


def linear(*, quick: bool) -> Report:
    """Verify and withhold records of ever more disclosures."""
    sizes = (1, 10, 100) if quick else (1, 15, 150, 1500, 2300)
    cases = [Case(generated(size), wrap=True) for size in sizes]
    counts = [len(case.verified.opened.texts) for case in cases]
    found = side_by_side(
        {str(n): case.verify for n, case in zip(counts, cases, strict=True)},
        2 if quick else 7,
    )
    limits = side_by_side(
        {str(n): case.limit() for n, case in zip(counts, cases, strict=True)},
        2 if quick else 7,
    )
    first = str(counts[1])
    per_item = {n: tuple(t / n for t in found[str(n)]) for n in counts}
    return Report(
        "linear: what one disclosure costs, by their number",
        "Processor time of `trust.verify` by the number of disclosures; anchor: the same "
        f"for {first} disclosures. Signature and claims weigh on small records.",
        tuple(
            Row(
                f"{n:,} disclosures, each",
                f"of {first}",
                per_item[n],
                per_item[counts[1]],
                note=f"{found[str(n)][0] / limits[str(n)][0]:.1f} times its limit",
            )
            for n in counts
        ),
    )


def _projection(case: Case) -> Callable[[], object]:
    """Catch what `redact` gives to `project`, to repeat that call alone."""
    module: Any = redaction
    project = module.project
    caught: list[Callable[[], bytes]] = []

    def catch(*args: Any, **options: Any) -> bytes:
        caught.append(partial(project, *args, **options))
        return caught[0]()

    module.project = catch
    try:
        case.redact(case.views()["platform"])
    finally:
        module.project = project
    return caught[0]


def _memory(data: bytes, rounds: int) -> tuple[Row, ...]:
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(data)
        file.flush()
        jobs = ("round-trip", "import", "record")
        found = {
            job: tuple(_peak(job, file.name) for _ in range(rounds)) for job in jobs
        }
    what = {
        "import": "peak memory: importing Tocsin, nothing else",
        "record": "peak memory: sign, verify, redact thrice",
    }
    return tuple(
        Row(text, TRIP, found[job], found["round-trip"], "bytes")
        for job, text in what.items()
    )


def _peak(job: str, file: str) -> float:
    done = subprocess.run(  # noqa: S603  our own module
        [sys.executable, "-P", "-m", "tests.bench.peak_memory", job, file],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )
    return float(done.stdout)
