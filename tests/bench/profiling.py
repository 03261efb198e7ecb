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
_TOP = 10
_ALL = 0.95
_NAMELESS = {"<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>", "<lambda>"}
_OWN, _WITH_CALLS = 2, 3  # of the tuples that pstats keeps


def measure(*, quick: bool) -> Report:
    case = Case(sample())
    times = 20 if quick else 200
    functions: dict[str, Callable[[], object]] = {"trust.verify": case.verify}
    views = case.views().values()
    functions["redact, three audiences"] = lambda: [case.redact(v) for v in views]
    lines: list[str] = []
    for name, function in functions.items():
        stats = _profile(function, times)
        lines += [f"{name}: by own time", *_lines(stats, _OWN, times), ""]
        lines += [f"{name}: with calls", *_lines(stats, _WITH_CALLS, times), ""]
    return Report(
        "profile: where the time of a 29-object record goes",
        "By cProfile: share by own time (what a function calls not counted), share with "
        "calls, calls a record. It makes small calls look dearer than they are.",
        text=("```", *lines[:-1], "```"),
    )


def _profile(function: Callable[[], object], times: int) -> Any:
    function()
    profile = cProfile.Profile()
    with profile:
        for _ in range(times):
            function()
    return pstats.Stats(profile)


def _lines(stats: Any, by: int, times: int) -> list[str]:
    # Not the one call that is everything, nor what has no name.
    found = [
        (place, item)
        for place, item in stats.stats.items()
        if item[_WITH_CALLS] < _ALL * stats.total_tt and place[2] not in _NAMELESS
    ]
    found.sort(key=lambda item: -item[1][by])
    return [
        f"{own / stats.total_tt:>8.1%} {inclusive / stats.total_tt:>7.1%}"
        f" {calls / times:>7,.0f}  {_spell(place)}"
        for place, (_, calls, own, inclusive, _) in found[:_TOP]
    ]


def _spell(place: tuple[str, int, str]) -> str:
    file, _, name = place
    path = Path(file)
    if file == "~":
        return name.strip("<>").removeprefix("built-in method ")
    inside = path.is_relative_to(_ROOT) and ".venv" not in path.parts
    return f"{path.relative_to(_ROOT) if inside else path.name} {name}"
