"""No id that was derived from a value is in what an issuer signs.

Who sees `ipv4-addr--<UUIDv5>` can try all addresses until one fits, so such an id undoes
the redaction of its value. Checked in two ways, in all that a token holds, decoded: no
UUID of a version that derives from a name is there at all; and, of whatever version
they say they are, none that the usual tools derive from the values of the record.
"""

import hashlib
import itertools
import json
import re
import uuid
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from broker import blinding
from schemas import stix
from schemas.composing import compose
from schemas.markings import Tlp, is_known_marking
from tests.support.real_data import real_files
from tests.support.records import MODIFIED, OWN, SAMPLE_INDEX, SAMPLES, token
from tests.support.views import decoded, strings

REAL = real_files(
    "fimi_viginum_stix21/*.json", "oasis_incident_extension/*.json", "amnesty_stix21/*",
    "oasis_stix21_examples/*.json", "misp_stix_pairs/*_stix21.json",
)  # fmt: skip
# Marked RED in part, so no issuer can sign it yet (`test_redaction_real.py`).
RED = "using-granular-markings.json"
SHIPPED = [pytest.param(SAMPLES / e["file"], id=e["file"]) for e in SAMPLE_INDEX]
SLOW = [
    pytest.param(*each.values, id=each.id, marks=[*each.marks, pytest.mark.slow])
    for each in REAL
    if RED not in str(each.id)
]
each_file = pytest.mark.parametrize("path", [*SHIPPED, *SLOW])

# RFC 9562, 5.5: all but version and variant.
HASHED = ~(0xF << 76 | 0x3 << 62)
NAMESPACES = {
    "STIX 2.1, 2.9": "00abedb4-aa42-466c-9c01-fed23315a9b7",
    "RFC 9562, DNS": str(uuid.NAMESPACE_DNS),
    "RFC 9562, URL": str(uuid.NAMESPACE_URL),
    "RFC 9562, OID": str(uuid.NAMESPACE_OID),
    "RFC 9562, X500": str(uuid.NAMESPACE_X500),
    "OpenCTI": "b639ff3b-00eb-42ed-aa36-a8dd6f8fb4cf",
    "misp-stix": "76beed5f-7251-457e-8c2a-b45f7b589d3d",
    "stix4doge": "1abb62b9-e513-5f55-8e73-8f6d7b55c237",
    "ours": "9a2f6c0e-52f5-4a44-9d2f-6d3b0f7c51ab",
}
SPACES = [b"", *(uuid.UUID(space).bytes for space in NAMESPACES.values())]
# Whoever spells JSON does it as STIX says, and mostly in its namespace.
JSON_SPACES = [uuid.UUID(NAMESPACES[n]).bytes for n in ("STIX 2.1, 2.9", "OpenCTI")]
# Looked for at every place, so that none hides in another.
UUID = re.compile(
    r"(?=([0-9a-f]{8}(-?)[0-9a-f]{4}(?:\2[0-9a-f]{4}){2}\2[0-9a-f]{12}))", re.IGNORECASE
)
TYPE = re.compile(r"([a-z][a-z0-9-]{0,60}?)--\Z", re.IGNORECASE)
# STIX 2.1, 6: the ID Contributing Properties of types that have several; and those of
# OpenCTI's client that are more than two.
CONTRIBUTING = {
    "artifact": [("hashes",), ("hashes", "payload_bin")],
    "email-message": [("from_ref", "subject", "body")],
    "file": [
        ("hashes",),
        ("hashes", "name"),
        ("hashes", "name", "parent_directory_ref"),
        ("name", "parent_directory_ref"),
        ("hashes", "name", "parent_directory_ref", "extensions"),
    ],
    "location": [("name", "latitude", "longitude", "x_opencti_location_type")],
    "network-traffic": [
        (
            "start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols",
            "extensions",
        ),
    ],
    "relationship": [
        ("relationship_type", "source_ref", "target_ref"),
        ("relationship_type", "source_ref", "target_ref", "start_time", "stop_time"),
    ],
    "software": [("name", "cpe", "swid", "vendor", "version")],
    "user-account": [("account_type", "user_id", "account_login")],
    "windows-registry-key": [("key", "values")],
    "x509-certificate": [("hashes", "serial_number"), ("hashes",)],
}  # fmt: skip
# What else is put together without JSON.
CONCATENATED = ("source_ref", "relationship_type", "target_ref")


# -- what is signed


def plain(path: Path) -> list[dict[str, Any]]:
    """The objects of a file, as they came."""
    bundle = json.loads(path.read_text(encoding="utf-8"))
    return bundle["objects"] if isinstance(bundle, dict) else bundle


@cache
def signed(path: Path) -> tuple[str, ...]:
    """All strings in the token of a file."""
    objects = stix.decode_bundle(json.loads(path.read_text(encoding="utf-8")))
    options: dict[str, Any] = {"report": "Findings"}
    for kinds in ({"incident", "campaign"}, {"report", "grouping", "note", "opinion"}):
        found = [each.id for each in objects if each.type in kinds]
        if found:
            options = {"primary": found[0]}
            break
    options |= {"coarse": {"address", "time"}, "tlp": Tlp.GREEN}
    record = compose(objects, now=MODIFIED, **options)
    return tuple(s for part in decoded(token(record)) for s in strings(part))


# -- ids, and what tools make them of


def ids_in(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Every UUID anywhere in *texts*, hyphens or not, after the STIX type before it."""
    for text in texts:
        for found in UUID.finditer(text):
            before = TYPE.search(text[max(0, found.start() - 60) : found.start()])
            yield before[1].lower() if before else "", found[1].lower()


def hashed(text: str) -> int:
    """The bits of a UUID that a hash fills, whatever version it says it is."""
    return int(text.replace("-", ""), 16) & HASHED


def derived(names: Iterable[str]) -> Iterator[int]:
    """`hashed` of all UUIDs that anybody would derive from *names*."""
    for name in names:
        spaces = JSON_SPACES if name.startswith('{"') else SPACES
        for space, make in itertools.product(spaces, (hashlib.sha1, hashlib.md5)):
            hash_ = make(space + name.encode(), usedforsecurity=False).digest()
            yield int.from_bytes(hash_[:16], "big") & HASHED


def names_of(plain: dict[str, Any]) -> Iterator[str]:
    """The texts that tools derive an id of this object from."""
    yield from itertools.chain.from_iterable(map(_of_text, set(strings(plain))))
    kind = plain["type"]
    for members in _spellings(plain):
        scalars = {k: v for k, v in members.items() if not isinstance(v, dict | list)}
        for count in (1, 2):
            yield from map(_canonical, itertools.combinations(scalars.items(), count))
        for names in CONTRIBUTING.get(kind, ()):
            yield _canonical([(n, members[n]) for n in names if n in members])
        yield "".join(str(members.get(n, "")) for n in CONCATENATED)


def _of_text(text: str) -> Iterator[str]:
    for spelled in {text, text.strip(), text.strip().lower()}:
        yield spelled
        yield _canonical([("value", spelled)])
        yield _canonical([("name", spelled)])


def _spellings(plain: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The members as they are, and as OpenCTI's client spells them."""
    one_hash = dict(plain)
    if isinstance(plain.get("hashes"), dict):
        # STIX 2.1, 2.9: of several hashes the first of these.
        for kind in ("MD5", "SHA-1", "SHA-256", "SHA-512"):
            if kind in plain["hashes"]:
                one_hash["hashes"] = {kind: plain["hashes"][kind]}
                break
    yield one_hash
    lower = {
        name: value.strip().lower() if isinstance(value, str) else value
        for name, value in plain.items()
    }
    yield lower
    if "name" in plain:
        yield {**plain, "name": lower["name"]}
        for kind in ("Threat-Actor-Group", "Threat-Actor-Individual"):
            yield {"name": lower["name"], "opencti_type": kind}


def _canonical(members: Iterable[tuple[str, Any]]) -> str:
    """RFC 8785, as far as these values go."""
    return json.dumps(
        dict(members), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )


@cache
def derivable(path: Path) -> frozenset[int]:
    """`hashed` of all UUIDs that tools derive from the objects of a file."""
    return frozenset(derived({name for each in plain(path) for name in names_of(each)}))


# -- the two statements


@each_file
def test_no_uuid_in_a_token_says_that_it_derives_from_a_name(path: Path) -> None:
    left = {
        (kind, text)
        for kind, text in ids_in(signed(path))
        # Without hyphens it is a hash of a file, and a value.
        if "-" in text and uuid.UUID(text).version != 4 and not may_stay(kind, text)
    }
    assert left == set()


def may_stay(kind: str, text: str) -> bool:
    stix_id = f"{kind}--{text}"
    return stix_id == OWN or kind == "extension-definition" or is_known_marking(stix_id)


@each_file
def test_no_id_in_a_token_can_be_derived_from_the_values_of_the_record(
    path: Path,
) -> None:
    there = {hashed(text): text for _, text in ids_in(signed(path))}
    assert [there[each] for each in derivable(path) & there.keys()] == []


# -- and the two can fail

# File, and how many of its ids the tools' ways lead to.
KNOWN = {
    "20230822_VIGINUM": 450,
    "20240610_VIGINUM": 180,
    "sighting-of-observed-data.json": 2,
    "election-leak.json": 2,
}


@each_file
def test_the_ids_that_tools_derived_are_found_in_what_comes_in(path: Path) -> None:
    came = {hashed(text) for each in plain(path) for _, text in ids_in([each["id"]])}
    wanted = sum(n for start, n in KNOWN.items() if path.name.startswith(start))
    assert len(came & derivable(path)) >= wanted


def test_ids_are_found_wherever_they_stand_and_whatever_version_they_say() -> None:
    value = uuid.uuid5(uuid.NAMESPACE_DNS, "example.org")
    forged = uuid.UUID(int=(value.int & HASHED) | 4 << 76 | 2 << 62)
    assert forged.version == 4
    texts = [
        f"see ipv4-addr--{value}.",
        f"https://opencti.example/{str(value).upper()}/",
        f"x{value.hex}",
        f"{forged}--{value}",
    ]
    found = list(ids_in(texts))
    assert [text for _, text in found if hashed(text) != hashed(value.hex)] == []
    assert [kind for kind, _ in found][:4] == ["ipv4-addr", "", "", ""]
    assert {hashed(text) for _, text in found} <= {*derived(["example.org"])}


def test_a_token_with_a_derived_id_would_be_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blinding, "must_replace", lambda *_: False)
    signed.cache_clear()
    path = SAMPLES / "election-leak.json"
    for check in (
        test_no_uuid_in_a_token_says_that_it_derives_from_a_name,
        test_no_id_in_a_token_can_be_derived_from_the_values_of_the_record,
    ):
        with pytest.raises(AssertionError):
            check(path)
    signed.cache_clear()
