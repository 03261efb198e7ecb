"""Changes modules and looks whether their tests notice: `python -m tests.mutation.run`.

    [MODULE ...] [--minutes N] [--sample N] [--jobs N] [--again] [--results FILE]

Results are kept, so a run goes on where the last one ended; whatever the module or its
tests are changed, is tried again. Mutants are taken in the order of the hash of what they
are: where time ends, or `--sample`, what was tried is a sample that nobody chose.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from tests.mutation.chosen import TESTS, files
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.trying import Trial

ROOT: Final = Path(__file__).parents[2]
REASONS: Final = Path(__file__).parent / "survivors.json"
PAGE: Final = ROOT / "docs" / "testing.md"
RESULTS: Final = Path(tempfile.gettempdir()) / "tocsin-mutants.json"
_SLACK_S: Final = (
    20.0  # of a run beyond four times what it takes: others use the machine
)
Results = dict[str, dict[str, Any]]


def main() -> int:
    options = _options()
    ends = time.monotonic() + options.minutes * 60
    results: Results = {}
    if options.results.exists():
        results = json.loads(options.results.read_text(encoding="utf-8"))
    for module in options.modules or TESTS:
        if not options.table:
            found = _mutants(module)
            kept = {} if options.again else results.get(module, {}).get("mutants", {})
            results[module] = _try(module, found, kept, options, ends, results)
    for line in (*table(results), "", *survivors(results)):
        _say(line)
    if options.page:
        PAGE.write_text(page(results, datetime.now(UTC).date()), encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.run")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(TESTS))
    parser.add_argument("--minutes", type=float, default=30, help="of all together")
    parser.add_argument("--sample", type=int, help="at most so many of each module")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side")
    parser.add_argument("--again", action="store_true", help="keep no result")
    parser.add_argument("--table", action="store_true", help="only show what is kept")
    parser.add_argument("--page", action="store_true", help="write docs/testing.md")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE")
    options = parser.parse_args()
    options.modules = [
        name if name.startswith("adapters.") else f"adapters.{name}"
        for name in options.modules
    ]
    unknown = {*options.modules} - TESTS.keys()
    if unknown:
        parser.error(f"no tests are chosen for {', '.join(sorted(unknown))}")
    return options


def _mutants(module: str) -> list[Mutant]:
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return mutants(path.read_text(encoding="utf-8"))


def _hash(*paths: str | Path) -> str:
    data = b"".join((ROOT / path).read_bytes() for path in paths)
    return hashlib.sha256(data).hexdigest()[:16]


def _try(
    module: str,
    found: list[Mutant],
    kept: dict[str, Any],
    options: argparse.Namespace,
    ends: float,
    results: Results,
) -> dict[str, Any]:
    source, tests = _hash(module.replace(".", "/") + ".py"), _hash(*files(module))
    known = {each.key: each for each in found}
    # What was noticed once is noticed still, as long as the module is the same.
    tried = {
        key: said
        for key, said in kept.items()
        if key in known
        and said["source"] == source
        and (said["status"] != "survived" or said["tests"] == tests)
    }
    state = {"total": len(found), "mutants": tried}
    results[module] = state
    left = [each for each in found[: options.sample] if each.key not in tried]
    if not left or time.monotonic() > ends:
        return state
    with tempfile.TemporaryDirectory(prefix="tocsin-mutants-") as folder:
        trial = Trial(module, files(module), Path(folder))
        green = trial.begin()
        if green.status != "survived":
            raise SystemExit(f"{module}: its tests fail as it is: {green.by}")
        trial.timeout_s = _SLACK_S + 4 * green.seconds
        _say(
            f"{module}: {len(left)} of {len(found)} to try, {green.seconds:.1f} s each at most"
        )
        saved = time.monotonic()
        while left or trial.busy:
            while left and trial.busy < options.jobs and time.monotonic() < ends:
                each = left.pop(0)
                trial.start(each.key, compile(each.tree, f"{module}.py", "exec"))
            if not trial.busy:
                break
            for key, outcome in trial.wait():
                tried[key] = {
                    "status": outcome.status, "by": outcome.by, "line": known[key].line,
                    "seconds": round(outcome.seconds, 1), "source": source, "tests": tests,
                }  # fmt: skip
                if outcome.status == "survived":
                    _say(f"  line {known[key].line}: {key}")
            if time.monotonic() - saved > 5:
                saved = time.monotonic()
                _save(options.results, results)
    _save(options.results, results)
    return state


def _save(path: Path, results: Results) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(results, indent=1), encoding="utf-8")
    new.replace(path)


def table(results: Results) -> list[str]:
    """Give a line for each module."""
    lines = [f"{'module':24}{'mutants':>8}{'tried':>7}{'killed':>8}{'rate':>8}"]
    for module in filter(results.__contains__, TESTS):
        total, tried, killed, rate = counts(results[module])
        lines.append(f"{module:24}{total:>8}{tried:>7}{killed:>8}{rate:>8}")
    return lines


def counts(state: dict[str, Any]) -> tuple[int, int, int, str]:
    """Count the mutants of a module: all, tried, killed; and the rate of these."""
    said = Counter(each["status"] for each in state["mutants"].values())
    tried = said.total()
    killed = tried - said["survived"]
    return (
        state["total"],
        tried,
        killed,
        f"{100 * killed / tried:.1f} %" if tried else "",
    )


def survivors(results: Results) -> list[str]:
    """Name what no test noticed, with what is known of it."""
    return [
        f"{module.replace('.', '/')}.py:{line}: {key}\n    {reason or 'NO REASON IS KNOWN'}"
        for module in filter(results.__contains__, TESTS)
        for line, key, reason in _survivors(module, results[module])
    ]


def _survivors(module: str, state: dict[str, Any]) -> list[tuple[int, str, str]]:
    reasons = (
        json.loads(REASONS.read_text(encoding="utf-8")) if REASONS.exists() else {}
    )
    known = reasons.get(module, {})
    return sorted(
        (said["line"], key, known.get(key, ""))
        for key, said in state["mutants"].items()
        if said["status"] == "survived"
    )


def page(results: Results, today: date) -> str:
    """Write docs/testing.md."""
    lines = [_HEAD.format(today=today)]
    for module in filter(results.__contains__, TESTS):
        total, tried, killed, rate = counts(results[module])
        lines.append(f"| `{module}` | {total} | {tried} | {killed} | {rate} |")
    lines.append(_MIDDLE)
    for module in filter(results.__contains__, TESTS):
        by_reason: dict[str, list[str]] = {}
        for _, key, reason in _survivors(module, results[module]):
            by_reason.setdefault(reason or "Not looked at yet.", []).append(key)
        if by_reason:
            lines.append(f"\n### `{module}`\n")
        for reason, keys in sorted(by_reason.items()):
            lines.append(f"- {reason}")
            lines += [f"  - ``{key}``" for key in keys]
    return "\n".join(lines) + "\n"


_HEAD: Final = """# What the tests notice

`make mutants` changes the modules that decide what is shown, one small change at a time,
and runs the tests chosen for the module (`tests/mutation/chosen.py`) against each: a comparison
turned, an operand, condition, argument, statement or loop dropped, `and` and `or` exchanged, a
number moved by one, a word of a set changed, a default or returned value replaced, branches swapped, each part of
a regular expression dropped. A change that no test notices is a missing test, dead code, or no change at all.

```sh
make mutants                               # goes on where it ended; half an hour at most
make mutants ARGS="guard text --minutes 10"
make mutants ARGS="policy --sample 150 --again"
make mutants ARGS="--table --page"         # this page, from what was tried
```

Wording of sentences, annotations and docstrings are left alone. Mutants are tried in the order of a hash of what they
are, so that a part of them is a sample nobody chose. It is a driver of our own: of the tools that exist,
mutmut changes bodies of functions alone, and half of what decides here are tables and regular expressions of modules;
cosmic-ray changes no strings, sets or returned values and starts an interpreter for each mutant.

Of {today}:

| Module | Mutants | Tried | Killed | Rate |
|---|---|---|---|---|"""
_MIDDLE: Final = """
A mutant that makes the tests run too long counts as killed.

## Survivors

What no test noticed, and why; the reasons are kept in `tests/mutation/survivors.json`."""


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
