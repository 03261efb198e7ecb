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
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tests.mutation.chosen import TESTS, files
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.trying import Trial

ROOT: Final = Path(__file__).parents[2]
REASONS: Final = Path(__file__).parent / "survivors.toml"
RESULTS: Final = Path(tempfile.gettempdir()) / "tocsin-mutants.json"
_SLACK_S: Final = (
    20.0  # of a run beyond four times what it takes: others use the machine
)
_GREEN: Final = ("survived",)

Results = dict[str, dict[str, Any]]


def main() -> int:
    options = _options()
    ends = time.monotonic() + options.minutes * 60
    results: Results = {}
    if options.results.exists():
        results = json.loads(options.results.read_text(encoding="utf-8"))
    for module in options.modules or TESTS:
        found = _chosen(module, options.sample)
        if not options.table:
            kept = {} if options.again else results.get(module, {}).get("mutants", {})
            results[module] = _try(module, found, kept, options, ends, results)
    for line in table(results, options.modules or list(TESTS)):
        _say(line)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.run")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(TESTS))
    parser.add_argument("--minutes", type=float, default=30, help="of all together")
    parser.add_argument("--sample", type=int, help="at most so many of each module")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side")
    parser.add_argument("--again", action="store_true", help="keep no result")
    parser.add_argument("--table", action="store_true", help="only show what is kept")
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


def _chosen(module: str, sample: int | None) -> list[Mutant]:
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return mutants(path.read_text(encoding="utf-8"))[:sample]


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
    left = [each for each in found if each.key not in tried]
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


def table(results: Results, modules: list[str]) -> list[str]:
    """Give a line for each module, then its survivors with what is known of them."""
    reasons = tomllib.loads(REASONS.read_text()) if REASONS.exists() else {}
    lines = [f"{'module':24}{'mutants':>8}{'tried':>7}{'killed':>8}{'rate':>8}"]
    survivors = []
    for module in modules:
        state = results.get(module, {"total": 0, "mutants": {}})
        counts = Counter(said["status"] for said in state["mutants"].values())
        tried = counts.total()
        killed = tried - counts["survived"]
        rate = f"{100 * killed / tried:7.1f}%" if tried else "-"
        lines.append(
            f"{module:24}{state['total']:>8}{tried:>7}{killed:>8}{rate:>8}"
            + (f"  ({counts['timeout']} by time-out)" if counts["timeout"] else "")
        )
        known = reasons.get(module.removeprefix("adapters."), {})
        survivors += [
            f"{module.replace('.', '/')}.py:{said['line']}: {key}\n"
            f"    {known.get(key, 'NO REASON IS KNOWN')}"
            for key, said in sorted(
                state["mutants"].items(), key=lambda i: i[1]["line"]
            )
            if said["status"] == "survived"
        ]
    return [*lines, "", *survivors]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
