"""Attacks on ids: does one tell a value, an object elsewhere, or another's copy?"""

import hashlib
import hmac
import ipaddress
import json
import re
import uuid
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations

from adapters.ids import is_mark
from broker.blinding import must_replace, org_identity
from schemas import stix
from tests.redteam.world import Case, Got, Hit, Version, leaves, withheld
from tests.support.views import AUTHOR

_STIX = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
_MISP = uuid.UUID("76beed5f-7251-457e-8c2a-b45f7b589d3d")
_NAMESPACES = (
    _STIX, _MISP, uuid.NAMESPACE_DNS, uuid.NAMESPACE_URL, uuid.NAMESPACE_OID,
    uuid.NAMESPACE_X500,
)  # fmt: skip
_V4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_V5 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# What a member without the key may try: nothing, what is public, what is careless.
_GUESSED_KEYS = (b"", b"\0" * 32, b"tocsin", b"hub", b"secret", b"changeme")
_NAMING = {"name", "value", "url", "title", "path", "account_login", "display_name"}
_MAX_NETWORKS = 2  # of one case: 65,536 hashes each


def evidence_ids(got: Got) -> set[str]:
    return {o.id for o in got.opened.objects}


def projected_ids(got: Got) -> set[str]:
    return {str(o["id"]) for o in got.bundle}


def _common(got: Got) -> set[str]:
    """Ids that are the same for everybody by design."""
    own = {org_identity(AUTHOR.org), org_identity(got.opened.issuer)}
    return own | {i for i in projected_ids(got) if is_mark(i)}


def _uuids(got: Got) -> set[str]:
    return {i[-36:] for i in evidence_ids(got) | projected_ids(got)}


@lru_cache(maxsize=1 << 18)
def _of_value(name: str, value: str) -> str:
    text = json.dumps({name: value}, separators=(",", ":"), ensure_ascii=False)
    return str(uuid.uuid5(_STIX, text))


def values(case: Case) -> Iterator[Hit]:
    """Brute-force ids of observables: a dictionary, and all of a network of 65,536."""
    for version in case.versions:
        near = _near(version)
        for got in version.got:
            seen = _uuids(got)
            shown = {s for o in got.opened.plain for s in leaves(o)}
            for secret in withheld(version, got):
                if secret.kind not in stix.OBSERVABLE_TYPES:
                    continue
                for text in leaves(secret.value):
                    found = _of_value(secret.place[-1], text) in seen
                    if found and text not in shown:
                        yield case.hit("ids.of-values", secret.spelled)
            for number in seen & near.keys():
                if near[number] not in shown:
                    yield case.hit("ids.of-values", "ipv4-addr, of its /16")


def _near(version: Version) -> dict[str, str]:
    """Give what the ids would be of all addresses near some of those withheld."""
    addresses = {
        str(secret.value)
        for got in version.got
        for secret in withheld(version, got)
        if secret.kind == "ipv4-addr" and secret.place == ("value",)
    }
    chosen = sorted(addresses)[:_MAX_NETWORKS]
    return {_of_value("value", a): a for each in chosen for a in _network(each)}


def _network(address: str) -> set[str]:
    try:
        return set(map(str, ipaddress.ip_network(f"{address}/16", strict=False)))
    except ValueError:
        return set()


def names(case: Case) -> Iterator[Hit]:
    """Brute-force ids that derive from names, in the namespaces that tools use."""
    for version in case.versions:
        for got in version.got:
            seen = _uuids(got)
            for secret in withheld(version, got):
                if secret.place[-1] in _NAMING:
                    for text in leaves(secret.value):
                        if not seen.isdisjoint(_of_name(secret.kind, text)):
                            yield case.hit("ids.of-names", secret.spelled)


def _of_name(kind: str, name: str) -> Iterator[str]:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    yield org_identity(slug)[-36:]
    spelled = (
        name, name.lower(), f"{kind}--{name}",
        json.dumps({"name": name.lower().strip()}),
        json.dumps({"identity_class": "individual", "name": name.lower().strip()}),
    )  # fmt: skip
    for space in _NAMESPACES:
        yield from (str(uuid.uuid5(space, each)) for each in spelled)


def without_the_key(case: Case) -> Iterator[Hit]:
    """Compute projected ids from ids in the evidence, with keys that one may guess."""
    for version in case.versions:
        for got in version.got:
            theirs = {i[-36:] for i in projected_ids(got)}
            for original in evidence_ids(got):
                if is_mark(original):
                    continue
                text = f"{got.scope} {original}".encode()
                made = [
                    hashlib.sha256(text).digest(),
                    hashlib.md5(text, usedforsecurity=False).digest(),
                ]
                made += [hmac.digest(k, text, "sha256") for k in _GUESSED_KEYS]
                for digest in made:
                    if str(uuid.UUID(bytes=digest[:16], version=5)) in theirs:
                        yield case.hit("ids.without-key", original.partition("--")[0])


def two_audiences(case: Case) -> Iterator[Hit]:
    """Compare what members of different audiences hold."""
    for version in case.versions:
        for one, other in combinations(version.got, 2):
            if one.audience == other.audience:
                continue
            both = projected_ids(one) & projected_ids(other) - _common(one)
            both -= _by_value(one) & _by_value(other)
            moved = one.scope == other.scope
            for _ in both:
                leak = "ids.of-a-mover" if moved else "ids.same-for-two"
                yield case.hit(leak, f"{one.audience}, {other.audience}")
            shared = evidence_ids(one) & evidence_ids(other)
            if shared:
                yield case.hit(
                    "ids.evidence-links",
                    f"{one.audience}, {other.audience}",
                    amount=len(shared),
                )


def _by_value(got: Got) -> set[str]:
    return {
        str(o["id"])
        for o in got.bundle
        if isinstance(o.get("value"), str)
        # Also where the projection writes it defanged.
        and o["id"][-36:]
        in {
            _of_value("value", text)
            for plain in got.opened.plain
            for text in leaves(plain.get("value", ""))
        }
    }


def shapes(case: Case) -> Iterator[Hit]:
    """Look for ids whose version says that they derive from something."""
    for version in case.versions:
        for got in version.got:
            issuer = org_identity(got.opened.issuer)
            for found in evidence_ids(got):
                if (
                    found != issuer
                    and not is_mark(found)
                    and not _V4.match(found[-36:])
                ):
                    yield case.hit("ids.shape", f"evidence: {found}")
            for found in projected_ids(got) - _common(got):
                if not _V5.match(found[-36:]):
                    yield case.hit("ids.shape", f"projection: {found}")


def kept(case: Case) -> Iterator[Hit]:
    """Recognise objects by ids that the issuer's tools gave them, however cut."""
    for version in case.versions:
        before = {str(o["id"]).lower() for o in version.objects}
        issuer = org_identity(version.whole.issuer)
        for got in version.got:
            silent = {
                str(version.whole.plain[s.index]["id"])
                for s in withheld(version, got)
                if s.place[-1] in _NAMING
            }
            for found in evidence_ids(got) & before:
                if must_replace(found, issuer):
                    yield case.hit("ids.original", found.partition("--")[0])
            same = {i for i in evidence_ids(got) & before & silent if not is_mark(i)}
            if same:
                yield case.hit("ids.kept", got.audience, amount=len(same))
            for original in before:
                if (
                    must_replace(original, issuer)
                    and original not in evidence_ids(got)
                    and original not in projected_ids(got)  # of a disclosed value
                    and original in got.words.lower()
                ):
                    yield case.hit("ids.original", f"{original.partition('--')[0]}")


def lineages(case: Case) -> Iterator[Hit]:
    """Recognise objects over versions, and over records that share nothing."""
    for one, other in combinations(case.versions, 2):
        if one.token == other.token:
            continue
        shared = _replaced(one) & _replaced(other)
        if one.whole.claims.sub == other.whole.claims.sub:
            if shared:
                yield case.hit("ids.lineage", "same record", amount=len(shared))
        else:
            for found in shared:
                yield case.hit("ids.over-records", found.partition("--")[0])


def _replaced(version: Version) -> set[str]:
    if not version.objects:
        return set()
    before = {str(o["id"]).lower() for o in version.objects}
    issuer = org_identity(version.whole.issuer)
    ids = set().union(*(evidence_ids(got) for got in version.got))
    return {i for i in ids - before - {issuer} if not is_mark(i)}


ALL = (
    values, names, without_the_key, two_audiences, shapes, kept, lineages,
)  # fmt: skip
