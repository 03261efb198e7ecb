"""Objects of MISP: their attributes are put together after a template.

What has no place there is a note, or what its type alone would make of it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from adapters.sources.misp_templates import DOMAIN_OBJECTS, OBSERVABLES, Template
from adapters.sources.misp_values import (
    ALGORITHMS,
    Tree,
    digest,
    domain,
    moment,
    named_and_hashed,
    number,
    registry_key,
    traffic,
    url,
)

_MOST: Final = 2**53 - 1


class Item(NamedTuple):
    """One attribute of an object."""

    relation: str
    type: str
    value: str


def _flag(value: str) -> bool | None:
    known = {"true": True, "1": True, "false": False, "0": False}
    return known.get(value.strip().lower())


def _count(value: str) -> int | None:
    return number(value.strip(), _MOST)


def _port(value: str) -> int | None:
    return number(value.strip(), 65535)


def _word(value: str) -> str | None:
    return value.strip().lower() or None


Convert = Callable[[str], Any]
CONVERT: Final[dict[str, Convert]] = {
    "": lambda value: value or None,
    "#": _count,
    ":": _port,
    "@": moment,
    "?": _flag,
    "~": _word,
}
"""Mark behind the name of a property -> how to read its value."""


def assemble(name: str, items: Iterable[Item]) -> tuple[list[Tree], list[Item]]:
    """Make the observables of an object.

    Returns:
        The observables that are complete, none if the object has no template here or
        lacks what it must have, and the attributes that are in none of them.
    """
    items = list(items)
    template = OBSERVABLES.get(name)
    if template is None:
        return [], items
    tree, left = _filled(template, items)
    trees, left = _FINISH.get(template.kind, _complete)(tree, left)
    return (trees, left) if trees else ([], items)


def object_of(
    name: str, items: Iterable[Item]
) -> tuple[str, dict[str, Any], list[Item]]:
    """Give type and properties of what is no observable, and what is left over."""
    template = DOMAIN_OBJECTS[name]
    tree, left = _filled(template, items)
    members = tree.members
    references: list[dict[str, str]] = []
    rest: list[Item] = []
    for item in left:
        degrees = _degrees(item)
        if item.relation in ("references", "link") and item.type in ("link", "url"):
            references.append({"source_name": f"misp:{name}", "url": item.value})
        elif (name, item.relation) == ("attack-pattern", "id"):
            number = f"CAPEC-{item.value.upper().removeprefix('CAPEC-')}"
            references.append({"source_name": "capec", "external_id": number})
        elif degrees is not None and item.relation not in members:
            members[item.relation] = degrees
        else:
            rest.append(item)
    if name == "vulnerability" and str(members.get("name", "")).startswith("CVE-"):
        references.insert(0, {"source_name": "cve", "external_id": members["name"]})
    if name == "malware":
        members.setdefault("is_family", False)
    return template.kind, {**members, "external_references": references}, rest


def _filled(template: Template, items: Iterable[Item]) -> tuple[Tree, list[Item]]:
    tree = Tree(template.kind, dict(template.constant), {})
    left = []
    for item in items:
        if not _fill(tree, template, item):
            left.append(item)
    return tree, left


def _fill(tree: Tree, template: Template, item: Item) -> bool:
    """Tell whether the attribute found its place."""
    known = template.members.get(item.relation)
    if known is not None:
        return _member(tree.members, known, item.value)
    ref = template.refs.get(item.relation)
    if ref is not None:
        return _ref(tree.refs, ref[0], ref[1](item.value))
    if template.hashes:
        kind = item.type.removeprefix("x509-fingerprint-")
        if kind in ALGORITHMS:
            return _hash(tree.members, kind, item.value)
        if item.type == "malware-sample":
            return _sample(tree.members, item.value)
    return False


def _member(members: dict[str, Any], known: str, value: str) -> bool:
    is_list = known.startswith("*")
    mark = known[-1] if known[-1] in CONVERT else ""
    name = known.removeprefix("*").removesuffix(mark)
    converted = CONVERT[mark](value)
    if converted is None:
        return False
    if is_list:
        members.setdefault(name, []).append(converted)
        return True
    return bool(members.setdefault(name, converted) == converted)


def _ref(refs: Any, known: str, tree: Tree | None) -> bool:
    name = known.removeprefix("*")
    if tree is None or (name in refs and name == known):
        return False
    if name == known:
        refs[name] = tree
    else:
        refs.setdefault(name, []).append(tree)
    return True


def _hash(members: dict[str, Any], kind: str, value: str) -> bool:
    known = digest(kind, value)
    hashes = members.get("hashes", {})
    if known is None or hashes.get(ALGORITHMS[kind], known) != known:
        return False
    members["hashes"] = {**hashes, ALGORITHMS[kind]: known}
    return True


def _sample(members: dict[str, Any], value: str) -> bool:
    sample = named_and_hashed("md5")(value)
    if sample is None:
        return False
    fits = _hash(members, "md5", sample.members["hashes"]["MD5"])
    name = sample.members["name"]
    return bool(members.setdefault("name", name) == name) and fits


Finish = Callable[[Tree, list[Item]], tuple[list[Tree], list[Item]]]
"""Tree and what is left -> complete trees, none if it is not enough, and the rest."""


def _complete(tree: Tree, left: list[Item]) -> tuple[list[Tree], list[Item]]:
    constant = {"account_type", "is_multipart"}
    return [tree] * bool(tree.members.keys() - constant or tree.refs), left


def _file(tree: Tree, left: list[Item]) -> tuple[list[Tree], list[Item]]:
    return [tree] * bool(tree.members.keys() & {"name", "hashes"}), left


def _traffic(tree: Tree, left: list[Item]) -> tuple[list[Tree], list[Item]]:
    return ([traffic(tree.members, dict(tree.refs))] if tree.refs else []), left


# Names times addresses; the cost of writing every pair.
_MOST_PAIRS: Final = 10_000


def _names(tree: Tree, left: list[Item]) -> tuple[list[Tree], list[Item]]:
    """Make a tree of each name, all with the addresses; of addresses alone, those."""
    names, rest = [], []
    for item in left:
        name = domain(item.value) if item.relation in ("domain", "hostname") else None
        if name is None:
            rest.append(item)
        else:
            names.append(name)
    addresses = list(tree.refs.get("resolves_to_refs", ()))
    if not names or len(names) * len(addresses) > _MOST_PAIRS:
        return [*names, *addresses], rest
    return [name._replace(refs=tree.refs) for name in names], rest


_REGISTRY_PARTS: Final = {
    "data": "data", "data-type": "data_type", "hive": "hive", "name": "name",
}  # fmt: skip


def _registry(tree: Tree, left: list[Item]) -> tuple[list[Tree], list[Item]]:
    known: dict[str, str] = {}
    rest = []
    for item in left:
        part = _REGISTRY_PARTS.get(item.relation, "")
        if not part or known.setdefault(part, item.value) != item.value:
            rest.append(item)
    hive = known.pop("hive", "")
    key = tree.members.get("key", "")
    if hive and not key.upper().startswith("HK"):
        key = f"{hive}\\{key}" if key else hive
    if key:
        tree.members["key"] = registry_key(key).members["key"]
    if known:
        tree.members["values"] = [known]
    return ([tree] if key or known else []), rest


def _url(tree: Tree, left: list[Item]) -> tuple[list[Tree], list[Item]]:
    known = url(str(tree.members.get("value", "")))
    if known is None:
        return [], left
    # The template takes the URL apart; its parts say nothing more.
    address = known.members["value"].lower()
    return [known], [item for item in left if not _is_part(item, address)]


_URL_PARTS: Final = frozenset(
    {
        "credential", "domain", "domain_without_tld", "fragment", "host", "ip", "port",
        "query_string", "resource_path", "scheme", "subdomain", "tld",
    }
)  # fmt: skip


_PORTS: Final = {"80": "http:", "443": "https:"}


def _is_part(item: Item, address: str) -> bool:
    if item.relation not in _URL_PARTS:
        return False
    if item.relation == "port" and address.startswith(_PORTS.get(item.value, "\n")):
        return True
    return item.value.lower() in address


_FINISH: Final[dict[str, Finish]] = {
    "domain-name": _names,
    "file": _file,
    "network-traffic": _traffic,
    "url": _url,
    "windows-registry-key": _registry,
}
"""STIX type -> what makes an observable of what was filled in, if not `_complete`."""


def _degrees(item: Item) -> float | None:
    if item.relation not in ("latitude", "longitude") or len(item.value) > 32:
        return None
    try:
        degrees = float(item.value)
    except ValueError:
        return None
    return degrees if -180 <= degrees <= 180 else None


def lines(items: Iterable[Item]) -> Iterator[str]:
    """Write attributes that have no other place, one a line."""
    for item in items:
        yield f"{item.relation or item.type}: {item.value}"
