"""Attacks redaction: `python -m tests.redteam.run [--generated N] [--seconds N]`.

Knows the whole records and tries to find each withheld value in what all members got
together. Prints the known leaks with their sizes. Exit code 1 if it finds another.
The same records and attacks in every run; generated records are left out when the time
is over, and it says so.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from statistics import median
from typing import Final

from tests.redteam import (
    on_counts,
    on_hashes,
    on_ids,
    on_probes,
    on_pseudonyms,
    on_times,
    on_twins,
    on_values,
    scenes,
)  # fmt: skip
from tests.redteam.leaks import KNOWN, MUST_FAIL
from tests.redteam.world import Case, Hit

_MODULES: Final = (
    on_values, on_ids, on_hashes, on_pseudonyms, on_counts, on_times, on_twins, on_probes,
)  # fmt: skip
ATTACKS: Final[dict[str, Callable[[Case], Iterator[Hit]]]] = {
    f"{module.__name__.rpartition('.')[2]}.{attack.__name__}": attack
    for module in _MODULES
    for attack in module.ALL
}
_SHOWN: Final = 5  # places of one bug


def attack(case: Case) -> Iterator[Hit]:
    """Try everything on one case."""
    for each in ATTACKS.values():
        yield from each(case)


def main() -> int:
    options = _options()
    until = time.monotonic() + options.seconds
    hits: list[Hit] = []
    cases = 0
    for case in scenes.everything(options.generated):
        if time.monotonic() > until:
            _say(f"the time is over: stopped before {case.name!r}")
            break
        cases += 1
        hits += attack(case)
    _say(f"{len(ATTACKS)} attacks on {cases} cases")
    return report(hits)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.redteam.run")
    parser.add_argument("--generated", type=int, default=40, help="how many records")
    parser.add_argument("--seconds", type=int, default=170, help="begin no case later")
    return parser.parse_args()


def report(hits: Iterable[Hit]) -> int:
    """Print what was found; 1 if anything of it is not known."""
    found: dict[str, list[Hit]] = {}
    for hit in hits:
        found.setdefault(hit.leak, []).append(hit)
    _say("\nknown leaks: how often, in how many cases, least / median / most")
    for leak, reason in KNOWN.items():
        _say(f"  {leak:30}{_sizes(found.pop(leak, [])):34}{reason}")
    _say(f"\nmust fail: {len(MUST_FAIL)} kinds, {len(found)} of them found")
    for leak, some in sorted(found.items()):
        _say(f"  BUG {leak}: {MUST_FAIL.get(leak, 'a new kind of leak')}")
        for hit in some[:_SHOWN]:
            _say(f"      {hit.case}: {hit.evidence}")
    return 1 if found else 0


def _sizes(hits: list[Hit]) -> str:
    if not hits:
        return "not found"
    line = f"{len(hits)} in {len({hit.case for hit in hits})}"
    amounts = [hit.amount for hit in hits if hit.amount is not None]
    if amounts:
        low, mid, high = min(amounts), median(amounts), max(amounts)
        line += f", {low:g} / {mid:g} / {high:g}"
    return line


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
