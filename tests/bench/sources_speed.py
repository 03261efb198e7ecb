"""Reading what comes in: STIX against `stix2`, MISP against PyMISP with misp-stix."""

import json
import uuid
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import stix2
from pymisp import MISPEvent

from adapters.checking import check
from adapters.sources import formats, stix21
from adapters.sources.source import Input
from schemas import composing
from schemas.markings import TLP_IDS, Tlp
from tests.bench.large_bundle import generated
from tests.bench.material import medium, sample
from tests.bench.rounds import Report, Row, side_by_side

WHEN = "2026-11-22T12:00:00.000Z"
STIX2, MISP_STIX = "stix2.parse", "PyMISP + misp-stix"
OBJECTS, ATTRIBUTES = 20, 20
SIZES = (10, 100, 1000, 10_000, 20_000)


def measure(*, quick: bool) -> Report:
    rounds = 2 if quick else 9
    event = _event(ATTRIBUTES)
    bundles = {"an incident": _incident(), "indicators": _indicators(OBJECTS)}
    sides: dict[str, Callable[[], object]] = {}
    for name, data in bundles.items():
        sides[f"read {name}"] = partial(stix21.read, data)
        sides[f"check {name}"] = partial(_checked, data)
        sides[f"{STIX2} {name}"] = partial(
            stix2.parse, data.decode(), allow_custom=True
        )
    parser = _misp_stix_parser()
    if parser is not None:
        sides["misp"] = lambda: _record(event)
        sides[MISP_STIX] = lambda: _misp_stix(event, parser)
    found = side_by_side(sides, rounds)
    rows = [
        Row(
            f"{what} STIX, {OBJECTS} objects: {name}",
            STIX2,
            found[f"{side} {name}"],
            found[f"{STIX2} {name}"],
        )
        for name in bundles
        for side, what in (("read", "read"), ("check", "read and check"))
    ]
    if parser is not None:
        what = f"MISP to record, {ATTRIBUTES} attributes"
        rows.append(Row(what, MISP_STIX, found["misp"], found[MISP_STIX]))
    sizes = SIZES[:3] if quick else SIZES
    rows += _linear(
        "STIX, read and checked", sizes, _indicators, _checked, rounds=rounds
    )
    rows += _linear("MISP to record", sizes[:-1], _event, _record, rounds=rounds)
    return Report(
        "sources: from bytes to a record",
        f"Processor time of one call. {STIX2}: the library alone, nothing checked "
        f"beyond it; {MISP_STIX}: `MISPEvent.load`, then `MISPtoSTIX21Parser`. "
        "Checking is all that `tocsin check` does but for the audiences' views. By size: "
        "what one object or attribute costs, against the same among a hundred.",
        tuple(rows),
        () if parser is not None else ("misp-stix cannot be imported here.",),
    )


def _misp_stix_parser() -> Any:
    """Give its class; None where it cannot be imported: the six it brings is old."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from misp_stix_converter import MISPtoSTIX21Parser  # noqa: PLC0415
        except ImportError:
            return None
    return MISPtoSTIX21Parser


def _linear(
    what: str, sizes: tuple[int, ...], make: Any, run: Any, *, rounds: int
) -> list[Row]:
    inputs = {str(size): make(size) for size in sizes}
    found = side_by_side(
        {size: lambda data=data: run(data) for size, data in inputs.items()},
        min(rounds, 5),
    )
    each = {n: tuple(t / int(n) for t in times) for n, times in found.items()}
    return [
        Row(f"{what}, {int(n):,}, each", "among 100", each[n], each["100"])
        for n in inputs
    ]


def _incident() -> bytes:
    """Give the first objects of a sample: an incident and what belongs to it."""
    return _bundle(json.loads(medium(sample()))["objects"][:OBJECTS])


def _indicators(objects: int) -> bytes:
    """Make a report on a malware, its indicators, and what relates them."""
    others = json.loads(generated(objects // 2))["objects"][: objects - 1]
    marks = {"object_marking_refs": [TLP_IDS[Tlp.GREEN]]}
    others = [{**each, **marks} for each in others]
    moment = others[0]["modified"]
    report = {
        "type": "report", "spec_version": "2.1", "id": f"report--{uuid.uuid4()}",
        "created": moment, "modified": moment, "published": moment, "name": "A list",
        "object_refs": [each["id"] for each in others], **marks,
    }  # fmt: skip
    return _bundle([report, *others])


def _bundle(objects: list[dict[str, Any]]) -> bytes:
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
    return json.dumps(bundle).encode()


def _checked(data: bytes) -> None:
    given = Input(data, when=WHEN)
    options: composing.Options = {"now": WHEN}
    assert check(formats.recognise(given).read(given), options).draft is not None


def _record(data: bytes) -> None:
    given = Input(data, when=WHEN)
    found = formats.recognise(given).read(given)
    composing.compose(
        found.whole(), now=WHEN, tlp=Tlp.GREEN, primary=found.primary,
        places=found.places,
    )  # fmt: skip


def _misp_stix(data: bytes, make: Any) -> None:
    event = MISPEvent()
    event.load(data.decode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser = make()
        parser.parse_misp_event(event)
    assert len(parser.bundle.objects) > ATTRIBUTES


def _event(attributes: int) -> bytes:
    """Make a MISP event of invented indicators, of the kinds that are most frequent."""
    kinds: tuple[Any, ...] = (
        ("domain", "Network activity", lambda n: f"host{n}.bad.example"),
        ("ip-dst", "Network activity", lambda n: f"198.51.{n // 250 % 250}.{n % 250}"),
        ("url", "Network activity", lambda n: f"https://bad.example/path/{n}"),
        ("sha256", "Payload delivery", lambda n: f"{n:064x}"),
        ("filename|md5", "Payload delivery", lambda n: f"file{n}.exe|{n:032x}"),
    )
    found = []
    for n in range(attributes):
        kind, category, value = kinds[n % len(kinds)]
        found.append(
            {
                "uuid": str(uuid.UUID(int=n | 4 << 76 | 2 << 62)),
                "type": kind,
                "category": category,
                "to_ids": True,
                "timestamp": "1767225600",
                "comment": "seen in the mail",
                "distribution": "5",
                "value": value(n),
            }
        )
    event = {
        "uuid": str(uuid.UUID(int=1 << 100 | 4 << 76 | 2 << 62)),
        "info": "An invented event",
        "date": "2026-01-01",
        "timestamp": "1767225600",
        "published": True,
        "analysis": "2",
        "threat_level_id": "2",
        "distribution": "3",
        "Orgc": {"name": "CERT AQ", "uuid": str(uuid.UUID(int=2 | 4 << 76 | 2 << 62))},
        "Tag": [{"name": "tlp:green"}],
        "Attribute": found,
    }
    return json.dumps({"Event": event}).encode()
