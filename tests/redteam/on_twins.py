"""The attack that needs no idea: change what is withheld, and compare all copies.

Two records that differ only in what a member may not know must give it the same
copies, but for digests. Whatever differs tells something: a length, a number, a fact,
a sentence that went because it names somebody.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adapters.projection import EXTENSION_ID
from schemas import profile
from schemas.markings import TLP_IDS, Tlp
from schemas.protection import PROTECTION_IDS, groups_of, is_label
from tests.redteam.world import NAMED_PEER, Case, Got, Hit, Secret, Version
from tests.support.views import made_of

_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
_PSEUDONYM = re.compile(r"[a-z0-9-]+-[0-9a-f]{12}")
_FREE = {
    "name", "description", "contact_information", "account_login", "user_id",
    "display_name", "path", "title", "command_line", "content", "explanation", "abstract",
    "objective", "city", "street_address", "postal_code", "administrative_area", "goal",
}  # fmt: skip
MAX_VALUES, MAX_OBJECTS, MAX_SIZE = 12, 8, 80
_FACTS = ("countries", "sectors", "languages", "severity")


def values(case: Case) -> Iterator[Hit]:
    """Write another value, three times as long, in place of a withheld one."""
    for version in case.versions:
        if version.sign is None or len(version.objects) > MAX_SIZE:
            continue
        for spelled, secrets in _free(version).items():
            changed = _with_another_value(version, secrets[0])
            if changed is not None:
                yield from _compare(case, version, changed, secrets, spelled)


def _free(version: Version) -> dict[str, list[Secret]]:
    """List values to change, by place; of each object and name one."""
    found: dict[str, list[Secret]] = {}
    for secret in version.secrets:
        name = secret.place[0]
        lost = any(not secret.is_shown(got.texts) for got in version.got)
        if len(secret.place) == 1 and name in _FREE and lost:
            found.setdefault(secret.spelled, []).append(secret)
    return dict(list(found.items())[:MAX_VALUES])


def _with_another_value(version: Version, secret: Secret) -> Version | None:
    old = secret.value
    if not isinstance(old, str):
        return None
    letters = "".join(c for c in old if c.isalpha()) or "x"
    another = f"Zq{'vxkw' * (3 * len(old) // 4 + 4)} {letters[:1]}"[: 3 * len(old) + 9]
    objects, done = [], False
    for one in version.objects:
        name = secret.place[0]
        fits = one["type"] == secret.kind and one.get(name) == old and not done
        objects.append(one | {name: another} if fits else one)
        done = done or fits
    return _again(version, objects) if done else None


def _again(version: Version, objects: list[dict[str, Any]]) -> Version | None:
    try:
        token = version.sign(objects)  # type: ignore[misc]
    except Exception:  # noqa: BLE001  a change that no issuer could sign
        return None
    got = version.give(token)  # type: ignore[misc]
    return Version(token=token, got=got, objects=tuple(objects))


def _compare(
    case: Case,
    version: Version,
    changed: Version,
    secrets: list[Secret],
    spelled: str,
) -> Iterator[Hit]:
    after = {got.member: got for got in changed.got}
    for got in version.got:
        if secrets[0].is_shown(got.texts):
            continue
        other = after.get(got.member)
        if other is None:
            yield case.hit("twins.given", f"{got.audience}: {spelled}")
            continue
        for leak in differences(got, other):
            yield case.hit(leak, f"{got.audience}: {spelled}")


def differences(one: Got, other: Got) -> Iterator[str]:
    """Name how two copies differ, but for random numbers and digests."""
    kinds = {*_differing(_evidence(one), _evidence(other))}
    kinds |= {*_differing(_projection(one), _projection(other))}
    yield from sorted(kinds)
    if not kinds and len(one.opened.objects) == len(other.opened.objects):
        if one.opened.opened.withheld != other.opened.opened.withheld:
            yield "twins.gaps"
        if _sizes(one) != _sizes(other):
            yield "twins.sizes"
    if _facts(one) != _facts(other):
        yield "twins.facts"
    if one.account["withheld"] != other.account["withheld"]:
        yield "twins.receipt"


Read = dict[str, dict[profile.Place, Any]]


def _evidence(got: Got) -> Read:
    return {str(o["id"]): dict(profile.places(o.items())) for o in got.opened.plain}


def _projection(got: Got) -> Read:
    found: Read = {}
    for one in got.bundle:
        places = dict(profile.places(one.items()))
        for place in [p for p in places if EXTENSION_ID in p]:
            del places[place]  # what was made; and whose token it is
        made = made_of(one)
        found[one["id"]] = {
            place: _Made(value) if profile.spell(place) in made else value
            for place, value in places.items()
        }
    return found


@dataclass(frozen=True)
class _Made:
    """A value that the adapter made."""

    value: Any


def _differing(one: Read, other: Read) -> Iterator[str]:
    """Name differences: something is missing in one of them, or reads otherwise."""
    for stix_id in one.keys() | other.keys():
        mine, theirs = one.get(stix_id, {}), other.get(stix_id, {})
        for place in mine.keys() | theirs.keys():
            if place not in mine or place not in theirs:
                yield "twins.mention"
            elif mine[place] != theirs[place]:
                yield _differing_value(mine[place], theirs[place])


def _differing_value(mine: Any, theirs: Any) -> str:
    if isinstance(mine, _Made) != isinstance(theirs, _Made):
        return "twins.mention"  # a coarse value stands for what names somebody
    if isinstance(mine, _Made):
        mine, theirs = str(mine.value), str(theirs.value)
        if _PSEUDONYM.fullmatch(mine) and _PSEUDONYM.fullmatch(theirs):
            return "twins.pseudonym"
    if isinstance(mine, list) and isinstance(theirs, list):
        parts = [{json.dumps(v, sort_keys=True) for v in x} for x in (mine, theirs)]
        if parts[0] < parts[1] or parts[1] < parts[0]:
            return "twins.mention"
    gap = profile.WITHHELD_TEXT in f"{mine}{theirs}"
    return "twins.mention" if gap else "twins.read"


def _sizes(got: Got) -> tuple[int, ...]:
    return len(got.evidence), len(got.projection), len(got.receipt), len(got.about)


def _facts(got: Got) -> list[Any]:
    return [getattr(got.opened.claims, name) for name in _FACTS]


def objects(case: Case) -> Iterator[Hit]:
    """Leave an object out that a member does not get, with all relations to it."""
    for version in case.versions:
        if version.sign is None or len(version.objects) > MAX_SIZE:
            continue
        for index in _lost_objects(version)[:MAX_OBJECTS]:
            yield from _without(case, version, index)


def _lost_objects(version: Version) -> list[int]:
    has = [{o.id for o in got.opened.objects} for got in version.got]
    return [
        i
        for i, o in enumerate(version.whole.objects)
        if i != version.whole.primary and any(o.id not in ids for ids in has)
    ]


def _without(case: Case, version: Version, index: int) -> Iterator[Hit]:
    gone = version.whole.objects[index]
    original = _original(version, index)
    if original is None:
        return
    left = [
        pruned
        for one in version.objects
        if one is not original
        and (pruned := _unmentioned(one, original["id"])) is not None
    ]
    changed = _again(version, left)
    if changed is None:
        return
    after = {got.member: got for got in changed.got}
    group = bool(groups_of(gone))
    for got in version.got:
        if gone.id in {o.id for o in got.opened.objects}:
            continue
        other = after.get(got.member)
        kinds = differences(got, other) if other is not None else ("twins.given",)
        for leak in kinds:
            if leak in ("twins.sizes", "twins.gaps"):
                continue  # `counts.objects` says how much that is
            # Any mark would be counted, and leave such gaps: see `disguised`.
            guarded = group and leak not in ("twins.receipt", "twins.mention")
            told = "protected.told" if guarded else f"{leak}-of-object"
            yield case.hit(told, f"{got.audience}: {gone.type}, {leak}")


def disguised(case: Case) -> Iterator[Hit]:
    """Mark an object AMBER+STRICT that protects somebody: nobody may tell them apart."""
    for version in case.versions:
        if version.sign is None or len(version.objects) > MAX_SIZE:
            continue
        whole = version.whole
        # What a protected observation lists is protected with it; of a mark it is not.
        chosen = [
            i
            for i in _lost_objects(version)
            if groups_of(whole.objects[i]) and whole.objects[i].type != "observed-data"
        ]
        for index in chosen[:MAX_OBJECTS]:
            yield from _in_disguise(case, version, index)


def _in_disguise(case: Case, version: Version, index: int) -> Iterator[Hit]:
    gone, original = version.whole.objects[index], _original(version, index)
    if original is None:
        return
    refs = set(original.get("object_marking_refs", ())) - PROTECTION_IDS.keys()
    refs -= set(TLP_IDS.values())
    strict = original | {
        "labels": ["x" if is_label(word) else word for word in original["labels"]]
        if "labels" in original
        else None,
        "object_marking_refs": [TLP_IDS[Tlp.AMBER_STRICT], *sorted(refs)],
    }
    strict = {name: value for name, value in strict.items() if value is not None}
    changed = _again(version, [strict if o is original else o for o in version.objects])
    if changed is None:
        return
    after = {got.member: got for got in changed.got}
    for got in version.got:
        if got.member == NAMED_PEER or gone.id in {o.id for o in got.opened.objects}:
            continue  # it is addressed, or nothing is withheld
        other = after.get(got.member)
        kinds = differences(got, other) if other is not None else ("twins.given",)
        for leak in kinds:
            if leak in ("twins.sizes", "twins.gaps"):
                continue  # of other digests and another order
            yield case.hit("protected.told", f"{got.audience}: {gone.type}, {leak}")


def _original(version: Version, index: int) -> dict[str, Any] | None:
    """Find what the issuer had for an object, by what it says."""
    wanted = {
        k: v
        for k, v in version.whole.plain[index].items()
        if isinstance(v, str) and not _ID.search(v)
    }
    found = [
        o
        for o in version.objects
        if {k: v for k, v in o.items() if k in wanted} == wanted
    ]
    return found[0] if len(found) == 1 else None


def _unmentioned(one: dict[str, Any], gone: str) -> dict[str, Any] | None:
    """Take all references to an object out of another; None: it cannot be."""
    out = {}
    for name, value in one.items():
        if value == gone:
            if one["type"] == "relationship" or name == "sighting_of_ref":
                return None
            continue
        if isinstance(value, list) and gone in value:
            left = [v for v in value if v != gone]
            if not left:
                return None
            out[name] = left
        else:
            out[name] = value
    return out


ALL = (values, objects, disguised)
