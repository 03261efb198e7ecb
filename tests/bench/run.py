"""Speed, as ratios measured side by side: `make bench`.

    make bench ARGS="--only gate --json bench.json"

One table a section. An absolute figure says something about this machine at this
minute; only the ratios can be compared, and only within a run.
"""

import argparse
import asyncio
import os
import platform
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import (
    adapter_speed,
    deciding,
    directory_speed,
    gate_speed,
    joint_records,
    large_bundle,
    latency_speed,
    one_record,
    post_quantum,
    profiling,
    publishing_speed,
    sealing_speed,
    sources_speed,
    stages_speed,
    text_speed,
    workers_speed,
)
from tests.bench.installation import hub_on_rabbitmq, version_of
from tests.bench.rounds import Report
from tests.bench.table import lines_of, values_of

PURE: dict[str, Callable[..., Report]] = {
    "sources": sources_speed.measure,
    "verify": one_record.verify,
    "redact": one_record.redact,
    "decide": deciding.measure,
    "bundle": large_bundle.measure,
    "linear": large_bundle.linear,
    "profile": profiling.measure,
    "joint": joint_records.measure,
    "directory": directory_speed.measure,
    "post-quantum": post_quantum.measure,
    "seal": sealing_speed.measure,
    "text": text_speed.measure,
}
ON_RABBITMQ: dict[str, Callable[..., Coroutine[Any, Any, Report]]] = {
    "publish": publishing_speed.measure,
    "gate": gate_speed.measure,
    "adapter": adapter_speed.measure,
    "stages": stages_speed.measure,
    "latency": latency_speed.measure,
    "workers": workers_speed.workers,
    "backlog": workers_speed.backlog,
}
SECTIONS = (*PURE, *ON_RABBITMQ)
_PACKAGES = (
    "aio-pika", "aiormq", "aiosqlite", "cryptography", "misp-stix", "msgspec",
    "phonenumbers", "pymisp", "python-stdnum", "sd-jwt", "sqlalchemy", "stix2",
    "zstandard",
)  # fmt: skip


def main() -> None:
    options = _options()
    wanted = options.only or SECTIONS
    machine = _machine()
    found = {"machine": machine, "load_before": os.getloadavg(), "quick": options.quick}
    print(_introduction(machine))
    begun = time.monotonic()
    sections: dict[str, Any] = {}
    ON_RABBITMQ["backlog"] = partial(workers_speed.backlog, records=options.records)
    for name, report in _reports(wanted, quick=options.quick):
        print("\n".join(lines_of(report)), flush=True)
        sections[name] = values_of(report)
    found |= {"load_after": os.getloadavg(), "sections": sections}
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{time.monotonic() - begun:.0f} s; load over 1, 5, 15 minutes: {load}")
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(found)))


def _reports(wanted: tuple[str, ...], *, quick: bool) -> Iterator[tuple[str, Report]]:
    for name, measure in PURE.items():
        if name in wanted:
            yield name, measure(quick=quick)
    with ExitStack() as stack:
        hub = None
        for name, on_rabbitmq in ON_RABBITMQ.items():
            if name in wanted:
                if hub is None:
                    hub = stack.enter_context(hub_on_rabbitmq())
                    print(f"RabbitMQ {version_of(hub)}.\n")
                yield name, asyncio.run(on_rabbitmq(hub, quick=quick))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only",
        metavar="SECTION",
        action="append",
        choices=SECTIONS,
        help=f"one of {', '.join(SECTIONS)}; may be given several times",
    )
    parser.add_argument(
        "--records",
        metavar="N",
        type=int,
        default=workers_speed.DEFAULT_RECORDS,
        help="how many wait in the section backlog",
    )
    parser.add_argument("--quick", action="store_true", help="few rounds: does it run?")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write raw numbers")
    return parser.parse_args()


def _machine() -> dict[str, Any]:
    return {
        "system": platform.system(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _introduction(machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {v}" for name, v in machine["packages"].items())
    return (
        f"{machine['system']}, {machine['cores']} cores, Python {machine['python']}; "
        f"{packages}.\n"
        "Medians over rounds in which every side is measured once, in turn. The ratio "
        "is\nwhat ours costs against what the anchor costs, within a round: 1 is as "
        "fast, 2 is\nhalf as fast.\n"
    )


if __name__ == "__main__":
    main()
