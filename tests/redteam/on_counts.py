"""Attacks on numbers: how many were withheld, where, and how large?"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from schemas import profile
from schemas.protection import PROTECTION_IDS
from tests.redteam.world import Case, Got, Hit, Version


def objects(case: Case) -> Iterator[Hit]:
    """Count the digests of objects that one has nothing for: decoys are among them."""
    for version in case.versions:
        total = len(version.whole.objects)
        for got in version.got:
            gaps = _gaps(got, ("stix", "objects"))
            lost = total - len(got.opened.objects)
            if (len(got.opened.objects) + gaps) % 8:
                yield case.hit("counts.objects-exact", f"{lost} lost, {gaps} gaps")
            elif lost:
                # What one knows: from gaps - 7 to gaps.
                yield case.hit("counts.objects", got.audience, amount=gaps - lost)


def _gaps(got: Got, path: tuple[Any, ...]) -> int:
    return got.opened.opened.withheld.get(path, 0)


def properties(case: Case) -> Iterator[Hit]:
    """Count what is missing in an object: there are no decoys."""
    for version in case.versions:
        for got in version.got:
            exact = 0
            for path, count in got.opened.opened.withheld.items():
                if path[:2] == ("stix", "objects") and len(path) == 3:
                    exact += count
            if exact:
                yield case.hit("counts.properties", got.audience, amount=exact)


def sentences(case: Case) -> Iterator[Hit]:
    """Tell which sentences of a text are missing: each says `[index, count, text]`."""
    for version in case.versions:
        for got in version.got:
            for path, count in got.opened.opened.withheld.items():
                if len(path) > 3 and profile.is_text(path[3:]):
                    yield case.hit("counts.sentences", got.audience, amount=count)


def reasons(case: Case) -> Iterator[Hit]:
    """Read exact numbers out of a receipt, and what a reason says by itself."""
    for version in case.versions:
        for got in version.got:
            said = got.account["withheld"]
            exact = [reason for reason, count in said.items() if count == "1"]
            if exact:
                yield case.hit(
                    "counts.receipt", ", ".join(sorted(exact)), amount=len(exact)
                )
            for reason in {"protected", "held"} & said.keys():
                yield case.hit("counts.protected", f"{got.audience}: {reason}")


def chain(case: Case) -> Iterator[Hit]:
    """Subtract places in the chain: how many records there were in between."""
    for one, other in combinations(case.versions, 2):
        for mine, theirs in zip(one.got, other.got, strict=False):
            steps = theirs.account["chain"]["pos"] - mine.account["chain"]["pos"]
            if mine.member == theirs.member and steps > 1:
                yield case.hit("counts.chain", mine.audience, amount=steps - 1)


def buckets(case: Case) -> Iterator[Hit]:
    """Narrow a number down by versions on both sides of a power of ten."""
    for one, other in combinations(case.versions, 2):
        for mine in one.got:
            for theirs in other.got:
                if mine.member == theirs.member and mine.audience != "peer-cert":
                    before, after = _coarse(mine), _coarse(theirs)
                    for name in before.keys() | after.keys():
                        if before.get(name) != after.get(name):
                            yield case.hit(
                                "counts.buckets",
                                f"{before.get(name)} to {after.get(name)}",
                            )


def _coarse(got: Got) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in got.bundle:
        for extension in one.get("extensions", {}).values():
            for name, value in extension.get("impacted_entity_counts", {}).items():
                found[f"{one['id']} {name}"] = value
    return found


def markings(case: Case) -> Iterator[Hit]:
    """Read in selectors which properties bear marks of their own, also where cut."""
    for version in case.versions:
        for got in version.got:
            for plain in got.opened.plain:
                for marking in plain.get("granular_markings", ()):
                    for selector in marking["selectors"]:
                        if selector.partition(".")[0] not in plain:
                            yield case.hit(
                                "structure.selectors", f"{plain['type']}.{selector}"
                            )


def addressed(case: Case) -> Iterator[Hit]:
    """Read who else is addressed or concerned; only who is named may know any."""
    for version in case.versions:
        for got in version.got:
            claims = got.opened.claims
            for name in ("to", "concerns"):
                named = getattr(claims, name) or ()
                others = [org for org in named if org.rpartition(":")[2] != got.member]
                if len(others) == len(named) and others:
                    yield case.hit("structure.addressed", f"{got.member}: {name}")
                elif others:
                    yield case.hit("structure.also-addressed", name, amount=len(others))


def definitions(case: Case) -> Iterator[Hit]:
    """Find definitions of marks that nothing bears that one was given."""
    for version in case.versions:
        for got in version.got:
            plain = got.opened.plain
            borne = {r for o in plain for r in o.get("object_marking_refs", ())}
            borne |= {
                str(marking.get("marking_ref"))
                for o in plain
                for marking in o.get("granular_markings", ())
            }
            for one in plain:
                if one["type"] == "marking-definition" and one["id"] not in borne:
                    guarded = one["id"] in PROTECTION_IDS
                    leak = "protected.told" if guarded else "structure.definitions"
                    yield case.hit(leak, f"{got.audience}: a definition")


def supplements(case: Case) -> Iterator[Hit]:
    """Compare two deliveries of one version: the later one had waited."""
    for one, other in combinations(case.versions, 2):
        if one.token == other.token:
            for got in other.got:
                before = [g for g in one.got if g.member == got.member]
                if before and got.texts > before[0].texts:
                    more = len(got.texts - before[0].texts)
                    yield case.hit("structure.supplement", got.audience, amount=more)


def order(case: Case) -> Iterator[Hit]:
    """Take the order of objects for that of the issuer's file.

    Of one record it may be the same by chance; a bug only if it often is.
    """
    for version in case.versions:
        if len(version.whole.objects) >= 8 and _in_order(version):
            yield case.hit("structure.order", f"{len(version.whole.objects)} objects")


def _in_order(version: Version) -> bool:
    # By name, since ids differ: what stands only once.
    before = [str(o.get("name", o.get("value"))) for o in version.objects]
    after = [str(o.get("name", o.get("value"))) for o in version.whole.plain]
    single = [n for n in before if before.count(n) == 1 and after.count(n) == 1]
    return len(single) >= 6 and single == [n for n in after if n in single]


ALL = (
    objects, properties, sentences, reasons, chain, buckets, markings, addressed,
    definitions, supplements, order,
)  # fmt: skip
