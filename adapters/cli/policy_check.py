"""policy check: all that is wrong with a policy, or what it holds."""

import re
from pathlib import Path
from typing import Any, Final

from adapters.cli import show
from adapters.cli.load import read_policy
from adapters.policy import Policy
from adapters.policy_checks import Problem, problems
from adapters.policy_file import read
from broker.errors import ConfigError

_DONE, _USAGE = 0, 2  # exit codes, as in adapters.cli.main
_LINE: Final = re.compile(r"(?::|at line )(\d+)\b")


def check(file: Path | None = None, /, *, json: bool = False) -> int:
    """Say what is wrong with a policy, each with its line; or what it holds.

    Args:
        file: Redaction policy (TOML); the shipped one if not given. - reads standard
            input.
        json: Print JSON.
    """
    data, where = read_policy(file)
    found = _problems(data, where)
    if json:
        facts: dict[str, Any] = {"ok": not found, "file": where}
        if found:
            facts["problems"] = [{"line": p.line, "text": p.text} for p in found]
        else:
            facts |= _holds(Policy(data, where))
        show.json_line(facts)
    elif found:
        for each in found:
            show.line(each.spelled(where))
        show.line(f"{_counted(len(found), 'problem')}; nothing would start with it")
    else:
        _print(Policy(data, where), where)
    return _USAGE if found else _DONE


def _problems(data: bytes, where: str) -> list[Problem]:
    try:
        file, lines = read(data, where)
    except ConfigError as error:
        # What is no policy has one problem: nothing more can be told of it.
        text = str(error).removeprefix(where)
        line = _LINE.search(text)
        text = re.sub(r"^:\d+", "", text).removeprefix(": ")
        return [Problem(int(line[1]) if line else 0, text)]
    return problems(file, lines)


def _holds(policy: Policy) -> dict[str, Any]:
    file = policy.file
    return {
        "policy": policy.name,
        "id": policy.id,
        "version": policy.version,
        "audiences": list(policy.audiences),
        "gates": len(file.gate),
        "rows": len(file.row),
        "types": len(policy.types),
        "limits": len(file.limit),
        "ages": len(file.retention),
        "lists": {each.name: len(each.words) for each in file.lists},
        "review_days": file.review_days,
    }


def _print(policy: Policy, where: str) -> None:
    file = policy.file
    show.line(f"{where}: no problem found in {policy.name}")
    called = ", ".join(each.called for each in policy.audiences.values())
    show.line(f"{_counted(len(file.audience), 'audience')}: {called}")
    show.line(_counted(len(file.gate), "gate"))
    types = _counted(len(policy.types), "kind")
    show.line(f"{_counted(len(file.row), 'row')} on {types} of objects")
    show.line(_counted(len(file.limit), "limit"))
    show.line(f"{_counted(len(file.retention), 'rule')} on how old a record may be")
    lists = ", ".join(f"{each.name} ({len(each.words)})" for each in file.lists)
    show.line(f"{_counted(len(file.lists), 'list')}: {lists or 'none'}")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
