"""Where the time of one record goes, by cProfile.

A profile makes every small call look dearer than it is: read the shares as an order
of what to look at, not as a measurement.
"""

import cProfile
import pstats
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.material import Case, sample
from tests.bench.rounds import Report

_ROOT = Path(__file__).parents[2]
_TOP = 14


def measure(*, quick: bool) -> Report:
    case = Case(sample())
    times = 20 if quick else 200
    views = case.views().values()
    lines = (
        *_top("trust.verify", case.verify, times),
        "",
        *_top(
            "redact, three audiences", lambda: [case.redact(v) for v in views], times
        ),
    )
    return Report(
        "profile: where the time of a 29-object record goes",
        "By cProfile, functions by their own time (what they call not counted). It "
        "makes small calls look dearer than they are.",
        text=("```", *lines, "```"),
    )


def _top(name: str, function: Callable[[], object], times: int) -> list[str]:
    function()
    profile = cProfile.Profile()
    with profile:
        for _ in range(times):
            function()
    stats: Any = pstats.Stats(profile)
    found = sorted(stats.stats.items(), key=lambda item: -item[1][2])[:_TOP]
    lines = [f"{name}: {'own time':>8} {'with calls':>10} {'calls':>7}"]
    for place, (_, calls, own, inclusive, _) in found:
        lines.append(
            f"{own / stats.total_tt:>8.1%} {inclusive / stats.total_tt:>10.1%}"
            f" {calls / times:>7,.0f}  {_spell(place)}"
        )
    return lines


def _spell(place: tuple[str, int, str]) -> str:
    file, _, name = place
    path = Path(file)
    if file == "~":
        return name
    inside = path.is_relative_to(_ROOT) and ".venv" not in path.parts
    return f"{path.relative_to(_ROOT) if inside else path.name} {name}"
