"""The default policy as data: complete rows, no two that disagree, nobody exposed.

These tests read the file and nothing else, so that they say what the text says,
whatever the code makes of it.
"""

import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ADAPTERS = Path(__file__).parents[2] / "adapters"
FILE = ADAPTERS / "policies" / "default.toml"
POLICY = tomllib.loads(FILE.read_text(encoding="utf-8"))
ROWS: list[dict[str, Any]] = POLICY["row"]

AUDIENCES = ("peer-cert", "platform", "civil-society")
# From the most to the least that is given. Pseudonymised and generalised values are
# both made values; neither says more than the other.
_GIVEN = {
    "keep": 6, "listed": 5, "defang": 4, "mask": 3, "hold": 2, "generalise": 1,
    "pseudonymise": 1, "drop": 0,
}  # fmt: skip
_SEEN = (
    "autonomous-system", "channel", "domain-name", "email-addr", "file", "ipv4-addr",
    "ipv6-addr", "mac-addr", "media-content", "mutex", "network-traffic", "url",
    "user-account",
)  # fmt: skip
_ACCOUNTS = ("channel", "media-content", "user-account")
_ROLES = {
    kind: {"operated", "ordinary"} if kind in _ACCOUNTS else {"attacker", "unknown"}
    for kind in _SEEN
}
_ROLES["identity"] = {
    "issuer", "individual", "organisation", "public-role", "protected",
}  # fmt: skip
_CONTAINERS = {
    "incident-core", "event", "impact", "task", "identity-contact", "disinformation",
    "availability-ext", "confidentiality-ext", "external-ext", "integrity-ext", "monetary-ext",
    "physical-ext", "takedown-request", "traceability-ext",
}  # fmt: skip
# IEP 2.0 and PAP, each one property of a marking definition.
_OF_MARKS = {
    "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a",
    "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b",
}

each_row = pytest.mark.parametrize("row", ROWS, ids=range(1, len(ROWS) + 1))


def rule(
    audience: str, kind: str, role: str, prop: str, *, concerned: bool = False
) -> str:
    """Look up by hand what the head of the file promises."""
    wanted = [(kind, role, ""), (kind, "", ""), ("*", "", "")]
    if concerned:
        wanted.insert(0, (kind, role, "concerned"))
    for of_kind, of_role, when in wanted:
        for row in ROWS:
            if (
                of_kind in row["types"]
                and of_role == row.get("role", "")
                and when == row.get("when", "")
                and prop in row["properties"]
            ):
                return row[audience]
    return "drop"


def given(kind: str, role: str, prop: str, *, concerned: bool = False) -> list[str]:
    return [rule(a, kind, role, prop, concerned=concerned) for a in AUDIENCES]


# ------------------------------------------------------------------ form


def test_the_file_has_exactly_the_stated_parts() -> None:
    assert set(POLICY) == {
        "id", "version", "review-days", "audience", "gate", "row", "limit", "retention",
        "list",
    }  # fmt: skip
    assert POLICY["id"] == FILE.stem
    assert POLICY["version"] >= 2
    times = {each["name"]: each["time"] for each in POLICY["audience"]}
    assert times == {
        "peer-cert": "exact", "platform": "hour", "civil-society": "day",
        "research": "day", "public": "day",
    }  # fmt: skip


def test_researchers_get_what_civil_society_gets_thirty_days_later() -> None:
    (found,) = (a for a in POLICY["audience"] if a["name"] == "research")
    assert (found["like"], found["after-days"]) == ("civil-society", 30)
    # Where civil society reads an address, researchers read a pseudonym.
    for row in ROWS:
        if row["civil-society"] == "defang" and "only" not in row:
            assert row["research"] == "pseudonymise"


def test_the_public_gets_what_is_clear_and_nothing_else() -> None:
    (found,) = (a for a in POLICY["audience"] if a["name"] == "public")
    assert found["like"] == "civil-society"
    passing = {
        gate["mark"]
        for gate in POLICY["gate"]
        if gate["mark"].startswith("TLP:")
        and gate.get("public", gate["civil-society"]) != "nobody"
    }
    assert passing == {"TLP:CLEAR"}


@each_row
def test_a_row_has_exactly_the_allowed_keys(row: dict[str, Any]) -> None:
    needed = {"title", "types", "properties", "reason", *AUDIENCES}
    more = {"role", "when", "only", "approvals", "meanwhile", "research"}
    assert needed <= set(row) <= needed | more
    assert row["types"]
    assert row["properties"]
    assert row.get("when", "concerned") == "concerned"
    for kind in row["types"] if "role" in row else ():
        assert row["role"] in _ROLES[kind]


@each_row
def test_a_row_has_known_actions(row: dict[str, Any]) -> None:
    assert {row[audience] for audience in AUDIENCES} <= set(_GIVEN)


@each_row
def test_a_row_gives_its_reason_in_one_plain_sentence(row: dict[str, Any]) -> None:
    reason = row["reason"]
    assert 20 <= len(reason) <= 140
    assert reason[0].isupper()
    assert reason.endswith(".")
    assert ". " not in reason


@each_row
def test_a_property_is_a_plain_name_or_lies_in_a_known_extension(
    row: dict[str, Any],
) -> None:
    for prop in row["properties"]:
        head, *rest = prop.split(".")
        if rest:
            assert head == "extensions"
            if rest[0] in _OF_MARKS:
                assert (len(rest), row["types"]) == (1, ["marking-definition"])
                continue
            assert rest[0] in _CONTAINERS
            assert len(rest) == 2
        else:
            assert head != "extensions"
            assert not head.startswith("x_")


def test_no_two_rows_decide_the_same() -> None:
    decided = Counter(
        (kind, row.get("role", ""), row.get("when", ""), prop)
        for row in ROWS
        for kind in row["types"]
        for prop in row["properties"]
    )
    assert [key for key, times in decided.items() if times > 1] == []


def test_a_role_that_is_treated_at_all_is_treated_in_all_its_forms() -> None:
    named: dict[tuple[str, str], set[str]] = {}
    for row in ROWS:
        for kind in row["types"] if "role" in row else ():
            for prop in row["properties"]:
                named.setdefault((kind, prop), set()).add(row["role"])
    # Where only one role is named, the other gets nothing: that must be meant.
    halves = {key for key, roles in named.items() if roles != _ROLES[key[0]]}
    assert halves == {
        ("channel", "aliases"),
        ("file", "magic_number_hex"),
        *(("identity", name) for name in ("description", "contact_information", "roles")),
        *(
            ("network-traffic", prop)
            for prop in (
                "src_port", "dst_port", "is_active", "start", "end",
                "src_byte_count", "dst_byte_count", "src_packets", "dst_packets",
            )
        ),
    }  # fmt: skip


# ------------------------------------------------------------------ substance


@each_row
def test_nobody_gets_more_than_a_platform_and_no_platform_more_than_a_peer(
    row: dict[str, Any],
) -> None:
    peer, platform, civil = (_GIVEN[row[audience]] for audience in AUDIENCES)
    assert peer >= platform >= civil


@pytest.mark.parametrize("concerned", [False, True])
@pytest.mark.parametrize(
    ("kind", "role", "prop", "expected"),
    [
        ("identity", "individual", "name", ["pseudonymise", "drop", "drop"]),
        ("identity", "individual", "description", ["drop"] * 3),
        ("identity", "individual", "contact_information", ["drop"] * 3),
        ("identity", "organisation", "name", ["keep", "generalise", "generalise"]),
        ("user-account", "ordinary", "account_login", ["pseudonymise", "drop", "drop"]),
        ("ipv4-addr", "unknown", "value", ["generalise", "drop", "drop"]),
        ("email-addr", "unknown", "value", ["drop"] * 3),
        ("opinion", "", "authors", ["drop"] * 3),
        ("threat-actor", "", "name", ["keep", "hold", "drop"]),
        ("identity", "public-role", "name", ["hold", "drop", "drop"]),
        ("identity", "protected", "name", ["pseudonymise", "drop", "drop"]),
        ("incident", "", "description", ["mask", "drop", "drop"]),
        ("location", "", "street_address", ["drop"] * 3),
        ("artifact", "", "payload_bin", ["drop"] * 3),
        ("incident", "", "x_internal_ticket", ["drop"] * 3),
        ("opinion", "", "opinion", ["keep"] * 3),
        ("course-of-action", "", "description", ["keep"] * 3),
        ("relationship", "", "revoked", ["keep"] * 3),
        ("url", "attacker", "value", ["keep", "keep", "defang"]),
        ("incident", "", "modified", ["keep", "generalise", "generalise"]),
        ("marking-definition", "", "created", ["keep"] * 3),
    ],
)
def test_what_the_default_table_protects_or_grants(
    kind: str, role: str, prop: str, expected: list[str], concerned: bool
) -> None:
    assert given(kind, role, prop, concerned=concerned) == expected


def test_only_a_concerned_platform_learns_which_account_was_operated() -> None:
    for kind, prop in (("user-account", "account_login"), ("channel", "name")):
        assert given(kind, "operated", prop) == ["keep", "pseudonymise", "pseudonymise"]
        assert given(kind, "operated", prop, concerned=True) == [
            "keep", "keep", "pseudonymise",
        ]  # fmt: skip


def test_all_three_audiences_get_the_title_of_every_case() -> None:
    for kind in ("incident", "campaign", "report", "grouping"):
        assert "drop" not in given(kind, "", "name")


def test_every_type_of_the_samples_is_named() -> None:
    named = {kind for row in ROWS for kind in row["types"]}
    used = {
        one["type"]
        for path in (ADAPTERS / "cli" / "samples").glob("*.json")
        for one in json.loads(path.read_text(encoding="utf-8"))["objects"]
    }
    assert used
    assert used <= named


def test_every_property_of_the_samples_is_named() -> None:
    named = {
        (kind, prop)
        for row in ROWS
        for kind in row["types"]
        for prop in row["properties"]
    }
    missing = set()
    for path in (ADAPTERS / "cli" / "samples").glob("*.json"):
        for one in json.loads(path.read_text(encoding="utf-8"))["objects"]:
            for prop in set(one) - {"extensions"}:
                if not {(one["type"], prop), ("*", prop)} & named:
                    missing.add((one["type"], prop))
    assert missing == set()
