"""What changes between two policies, a line for each change. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final, assert_never

import msgspec

from adapters.policy_changes import OtherChange, Place, RowChange
from adapters.policy_names import roles_of

_KINDS: Final = 6  # that people read; --json has them all


def of_row(change: RowChange) -> str:
    """Say what becomes of properties, by titles of rows, actions and places."""
    before, after = change.before, change.after
    titles = dict.fromkeys(t or "(no row)" for t in (before.title, after.title))
    laws = f", under the law of {' '.join(change.laws)}" if change.laws else ""
    return (
        f"{' -> '.join(titles)}: {before.action} -> {after.action}{laws}"
        f"  ({_places(change.places)})"
    )


def _places(places: Iterable[Place]) -> str:
    """Name places briefly: by property, then types and roles."""
    given = {*places}
    types: dict[str, dict[str, set[str]]] = {}
    for each in sorted(given):
        name = each.property
        if msgspec.structs.replace(each, concerned=not each.concerned) not in given:
            name += " where concerned" if each.concerned else " where not concerned"
        types.setdefault(name, {}).setdefault(each.type, set()).add(each.role)
    kinds: dict[str, list[str]] = {}
    for name, of in types.items():
        kinds.setdefault(_kinds(of), []).append(name)
    return "; ".join(f"{', '.join(names)} of {kind}" for kind, names in kinds.items())


def _kinds(of: Mapping[str, set[str]]) -> str:
    if len(of) > _KINDS:
        return f"{len(of)} kinds of objects"
    return ", ".join(
        kind
        if {*roles_of(kind)} <= roles
        else f"{kind} ({', '.join(sorted(role or 'no role' for role in roles))})"
        for kind, roles in of.items()
    )


def of_other(change: OtherChange) -> str:
    """Say what else changes: a list, an age, a gate, an audience."""
    match change.subject:
        case "list":
            went = f" without {change.before}" if change.before else ""
            came = f" with {change.after}" if change.after else ""
            return f"list {change.name}:{came}{went}"
        case "retention":
            before, after = (f"{d} days" if d else "any age" for d in _ends(change))
            return f"oldest record: {before} -> {after}, in {' '.join(change.laws)}"
        case "review":
            before, after = _ends(change)
            return f"persons have {after} days to agree, not {before}"
        case "gate":
            return f"gate {change.name}: {change.before} -> {change.after}"
        case "audience":
            return f"audience, {change.name}: {change.before} -> {change.after}"
        case _:
            assert_never(change.subject)


def _ends(change: OtherChange) -> tuple[str, str]:
    return change.before, change.after
