"""MISP: attribute types become observables, indicators, notes and references."""

import pytest
from stix2patterns.validator import run_validator

from adapters.sources import misp_types
from tests.support.misp_events import (
    EVENT,
    WHEN,
    attribute,
    composed,
    event,
    losses,
    objects,
    only,
    read,
    uuid,
)

MD5, SHA1, SHA256 = "0" * 32, "a" * 40, "B" * 64

# type, value, pattern, (type of the observable, what it says)
MAPPED = [
    ("domain", "bad.example", "[domain-name:value = 'bad.example']", ("domain-name", {"value": "bad.example"})),
    ("hostname", "www[.]bad[.]example", "[domain-name:value = 'www.bad.example']", ("domain-name", {"value": "www.bad.example"})),
    ("onion-address", "abc.onion", "[domain-name:value = 'abc.onion']", ("domain-name", {"value": "abc.onion"})),
    ("ip-dst", "203.0.113.7", "[ipv4-addr:value = '203.0.113.7']", ("ipv4-addr", {"value": "203.0.113.7"})),
    ("ip-src", "2001:db8::1", "[ipv6-addr:value = '2001:db8::1']", ("ipv6-addr", {"value": "2001:db8::1"})),
    ("ip-src", "198.51.100.0/24", "[ipv4-addr:value ISSUBSET '198.51.100.0/24']", ("ipv4-addr", {"value": "198.51.100.0/24"})),
    ("url", "hxxps://bad[.]example/x'y", "[url:value = 'https://bad.example/x\\'y']", ("url", {"value": "https://bad.example/x'y"})),
    ("uri", "/path", "[url:value = '/path']", ("url", {"value": "/path"})),
    ("email", "a[at]bad.example", "[email-addr:value = 'a@bad.example']", ("email-addr", {"value": "a@bad.example"})),
    ("email-src", "a@bad.example", "[email-message:from_ref.value = 'a@bad.example']", ("email-addr", {"value": "a@bad.example"})),
    ("email-dst", "a@bad.example", "[email-message:to_refs[*].value = 'a@bad.example']", ("email-addr", {"value": "a@bad.example"})),
    ("email-subject", "Pay now", "[email-message:subject = 'Pay now']", ("email-message", {"subject": "Pay now", "is_multipart": False})),
    ("email-attachment", "a.pdf", "[email-message:body_multipart[*].body_raw_ref.name = 'a.pdf']", ("file", {"name": "a.pdf"})),
    ("email-reply-to", "a@bad.example", "[email-message:additional_header_fields.'Reply-To' = 'a@bad.example']", ("email-addr", {"value": "a@bad.example"})),
    ("md5", MD5, f"[file:hashes.MD5 = '{MD5}']", ("file", {"hashes": {"MD5": MD5}})),
    ("sha256", SHA256, f"[file:hashes.'SHA-256' = '{SHA256}']", ("file", {"hashes": {"SHA-256": SHA256}})),
    ("sha512/256", SHA256, f"[file:hashes.'SHA-512-256' = '{SHA256}']", ("file", {"hashes": {"SHA-512-256": SHA256}})),
    ("sha3-256", SHA256, f"[file:hashes.'SHA3-256' = '{SHA256}']", ("file", {"hashes": {"SHA3-256": SHA256}})),
    ("ssdeep", "3:a/b:c", "[file:hashes.SSDEEP = '3:a/b:c']", ("file", {"hashes": {"SSDEEP": "3:a/b:c"}})),
    ("filename", "C:\\x\\a.exe", "[file:name = 'C:\\\\x\\\\a.exe']", ("file", {"name": "C:\\x\\a.exe"})),
    ("filename|sha1", f"a|b.exe|{SHA1}", f"[file:name = 'a|b.exe' AND file:hashes.'SHA-1' = '{SHA1}']", ("file", {"name": "a|b.exe", "hashes": {"SHA-1": SHA1}})),
    ("malware-sample", f"a.exe|{MD5}", f"[file:name = 'a.exe' AND file:hashes.MD5 = '{MD5}']", ("file", {"name": "a.exe", "hashes": {"MD5": MD5}})),
    ("attachment", "shot.png", "[file:name = 'shot.png']", ("file", {"name": "shot.png"})),
    ("AS", "AS64500 Example Net", "[autonomous-system:number = 64500]", ("autonomous-system", {"number": 64500})),
    ("mac-address", "00-00-5E-00-53-01", "[mac-addr:value = '00:00:5e:00:53:01']", ("mac-addr", {"value": "00:00:5e:00:53:01"})),
    ("mutex", "Global\\x", "[mutex:name = 'Global\\\\x']", ("mutex", {"name": "Global\\x"})),
    ("regkey", "HKLM\\Software\\x", "[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\Software\\\\x']", ("windows-registry-key", {"key": "HKEY_LOCAL_MACHINE\\Software\\x"})),
    ("regkey|value", "HKCU\\x|%TEMP%\\a", "[windows-registry-key:key = 'HKEY_CURRENT_USER\\\\x' AND windows-registry-key:values[*].data = '%TEMP%\\\\a']", ("windows-registry-key", {"key": "HKEY_CURRENT_USER\\x", "values": [{"data": "%TEMP%\\a"}]})),
    ("regkey|value", "Software\\x|", "[windows-registry-key:key = 'Software\\\\x']", ("windows-registry-key", {"key": "Software\\x"})),
    ("github-username", "nobody-xa", "[user-account:account_login = 'nobody-xa']", ("user-account", {"account_login": "nobody-xa", "account_type": "github"})),
    ("twitter-id", "12345", "[user-account:user_id = '12345']", ("user-account", {"user_id": "12345", "account_type": "twitter"})),
    ("jabber-id", "x@jabber.example", "[user-account:user_id = 'x@jabber.example']", ("user-account", {"user_id": "x@jabber.example", "account_type": "jabber"})),
    ("x509-fingerprint-sha1", SHA1, f"[x509-certificate:hashes.'SHA-1' = '{SHA1}']", ("x509-certificate", {"hashes": {"SHA-1": SHA1}})),
    ("windows-service-name", "updsvc", "[process:extensions.'windows-service-ext'.service_name = 'updsvc']", ("process", {"extensions": {"windows-service-ext": {"service_name": "updsvc"}}})),
    ("cpe", "cpe:2.3:a:maker:product:1.0:*:*:*:*:*:*:*", "[software:cpe = 'cpe:2.3:a:maker:product:1.0:*:*:*:*:*:*:*']", ("software", {"cpe": "cpe:2.3:a:maker:product:1.0:*:*:*:*:*:*:*", "name": "product"})),
    ("cpe", "cpe:/a:maker:product", "[software:cpe = 'cpe:/a:maker:product']", ("software", {"cpe": "cpe:/a:maker:product", "name": "product"})),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "pattern", "_observable"), MAPPED)
def test_what_is_to_be_detected_becomes_an_indicator(kind, value, pattern, _observable):
    found = read(event(attribute(kind, value, to_ids=True, comment="Seen twice")))
    indicator = only(found, "indicator")
    assert indicator["pattern"] == pattern
    assert not run_validator(pattern, stix_version="2.1")
    assert indicator["pattern_type"] == "stix"
    assert indicator["valid_from"] == "2026-11-01T08:00:00.000Z"
    assert indicator["description"] == "Seen twice"
    assert indicator["id"] == f"indicator--{uuid(1)}"
    assert indicator["labels"] == [
        f'misp:type="{kind}"',
        'misp:category="Network activity"',
    ]
    composed(found)


@pytest.mark.parametrize(("kind", "value", "_pattern", "observable"), MAPPED)
def test_what_is_not_becomes_an_observable(kind, value, _pattern, observable):
    found = read(event(attribute(kind, value)))
    assert objects(found, "indicator") == []
    seen = only(found, observable[0])
    assert {
        n: seen[n]
        for n in seen
        if n not in ("type", "id", "spec_version", "object_marking_refs")
    } == observable[1]
    data = only(found, "observed-data")
    assert data["object_refs"] == [seen["id"]] == [f"{observable[0]}--{uuid(1)}"]
    assert data["labels"] == [f'misp:type="{kind}"', 'misp:category="Network activity"']
    composed(found)


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("bad.example|203.0.113.7", "[domain-name:value = 'bad.example' AND domain-name:resolves_to_refs[*].value = '203.0.113.7']"),
        ("bad.example|2001:db8::1", "[domain-name:value = 'bad.example' AND domain-name:resolves_to_refs[*].value = '2001:db8::1']"),
    ],
)  # fmt: skip
def test_a_name_and_its_address_belong_together(value, pattern):
    assert (
        only(read(event(attribute("domain|ip", value, to_ids=True))), "indicator")[
            "pattern"
        ]
        == pattern
    )
    found = read(event(attribute("domain|ip", value)))
    name, data = only(found, "domain-name"), only(found, "observed-data")
    (address,) = [o for o in objects(found) if o["type"] in ("ipv4-addr", "ipv6-addr")]
    assert name["resolves_to_refs"] == [address["id"]]
    assert data["object_refs"] == [name["id"], address["id"]]


@pytest.mark.parametrize(
    ("kind", "value", "pattern", "protocols"),
    [
        ("ip-dst|port", "203.0.113.7|443", "[network-traffic:dst_port = 443 AND network-traffic:dst_ref.value = '203.0.113.7']", ["ipv4"]),
        ("ip-src|port", "2001:db8::1|53", "[network-traffic:src_port = 53 AND network-traffic:src_ref.value = '2001:db8::1']", ["ipv6"]),
        ("hostname|port", "c2.example|8443", "[network-traffic:dst_port = 8443 AND network-traffic:dst_ref.value = 'c2.example']", ["ip"]),
    ],
)  # fmt: skip
def test_an_end_of_a_connection_keeps_its_side(kind, value, pattern, protocols):
    indicator = only(read(event(attribute(kind, value, to_ids=True))), "indicator")
    assert indicator["pattern"] == pattern
    assert not run_validator(pattern, stix_version="2.1")
    assert (
        only(read(event(attribute(kind, value))), "network-traffic")["protocols"]
        == protocols
    )


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("AS", "AS"), ("AS", "4294967296"), ("AS", "AS¹"), ("AS", "9" * 30),
        ("ip-dst", "203.0.113.777"), ("ip-dst", "203.0.113.0/99"), ("ip-src", "fe80::1%eth0"),
        ("domain", "two words"), ("domain", " "), ("hostname", "a.example:80"),
        ("url", " "), ("email", "nobody"), ("email", "a b@c.example"),
        ("mac-address", "00:00"), ("mac-address", "zz:00:00:00:00:00"),
        ("md5", "0" * 31), ("md5", "g" * 32), ("ssdeep", " "), ("tlsh", "a b"),
        ("filename|md5", MD5), ("filename|md5", f"|{MD5}"), ("filename|md5", "a|b"),
        ("domain|ip", "bad.example"), ("domain|ip", "a b|203.0.113.7"), ("regkey|value", "HKLM"), ("regkey|value", "|x"),
        ("ip-dst|port", "203.0.113.7"), ("ip-dst|port", "203.0.113.7|70000"), ("ip-dst|port", "a b|80"),
        ("cpe", "cpe:2.3:a"), ("cpe", "x:2.3:a:b:c"), ("cpe", "cpe:2.3:a:b:"),
        ("link", " "), ("port", "http"), ("size-in-bytes", "9" * 16),
    ],
)  # fmt: skip
def test_a_value_that_is_not_what_its_type_says_is_listed(kind, value):
    found = read(event(attribute(kind, value, to_ids=True), attribute("text", "x", 2)))
    assert losses(found, "bad-value") == ["$.Event.Attribute[0]"]
    assert objects(found, "indicator") == []


def test_an_attribute_without_a_value_is_listed():
    found = read(
        event(
            attribute("domain", ""),
            attribute("text", ["x"], 2),
            attribute("text", "x", 3),
        )
    )
    assert losses(found, "bad-value") == ["$.Event.Attribute[0]"]
    assert losses(found, "wrong-type") == ["$.Event.Attribute[1].value"]
    assert [each.count for each in found.losses if each.rule == "bad-value"] == [2]


@pytest.mark.parametrize("kind", sorted(misp_types.LANGUAGES))
def test_a_rule_is_an_indicator_in_its_own_language(kind):
    for to_ids in (True, False):
        found = read(
            event(attribute(kind, "rule x { condition: true }", to_ids=to_ids))
        )
        indicator = only(found, "indicator")
        assert indicator["pattern"] == "rule x { condition: true }"
        assert indicator["pattern_type"] == misp_types.LANGUAGES[kind]
        composed(found)


@pytest.mark.parametrize(
    ("kind", "value", "pattern"),
    [
        ("port", "8443", "[network-traffic:dst_port = 8443]"),
        ("size-in-bytes", "1024", "[file:size = 1024]"),
        ("mime-type", "text/x", "[file:mime_type = 'text/x']"),
        ("http-method", "PUT", "[network-traffic:extensions.'http-request-ext'.request_method = 'PUT']"),
        ("user-agent", "x/1", "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'x/1']"),
    ],
)  # fmt: skip
def test_a_detail_is_a_pattern_or_a_note(kind, value, pattern):
    assert (
        only(read(event(attribute(kind, value, to_ids=True))), "indicator")["pattern"]
        == pattern
    )
    assert not run_validator(pattern, stix_version="2.1")
    note = only(read(event(attribute(kind, value))), "note")
    assert (note["content"], note["object_refs"]) == (value, [f"report--{EVENT}"])


@pytest.mark.parametrize("kind", sorted(misp_types.NOTES))
def test_what_stix_has_no_place_for_is_a_note(kind):
    found = read(event(attribute(kind, "some value", to_ids=True, comment="About it")))
    note = only(found, "note")
    assert note["content"] == "some value"
    assert note["abstract"] == "About it"
    assert note["labels"][0] == f'misp:type="{kind}"'


@pytest.mark.parametrize("kind", sorted(misp_types.PERSONS))
def test_data_of_persons_is_left_out(kind):
    found = read(event(attribute(kind, "canary-value"), attribute("text", "x", 2)))
    assert losses(found, "person-left-out") == ["$.Event.Attribute[0]"]
    assert "canary-value" not in str(objects(found))


@pytest.mark.parametrize("kind", sorted(misp_types.SECRETS))
def test_secrets_are_left_out(kind):
    found = read(event(attribute(kind, "canary-value"), attribute("text", "x", 2)))
    assert losses(found, "secret-left-out") == ["$.Event.Attribute[0]"]
    assert "canary-value" not in str(objects(found))


def test_categories_of_persons_and_of_the_senders_system_are_left_out():
    found = read(
        event(
            attribute("text", "canary-one", category="Person"),
            attribute("link", "canary-two", 2, category="Internal reference"),
            attribute("text", "x", 3),
        )
    )
    assert losses(found, "person-left-out") == ["$.Event.Attribute[0]"]
    assert "$.Event.Attribute[1]" in losses(found, "local-only")
    assert "canary" not in str(objects(found))


def test_a_type_that_misp_does_not_have_is_left_out():
    found = read(event(attribute("shoe-size", "42"), attribute("text", "x", 2)))
    assert losses(found, "unknown-attribute") == ["$.Event.Attribute[0]"]


def test_the_content_of_files_never_travels():
    sample = attribute("malware-sample", f"a.exe|{MD5}", to_ids=True, data="Y2FuYXJ5")
    found = read(event(sample))
    assert losses(found, "payload-left-out") == ["$.Event.Attribute[0].data"]
    assert "Y2FuYXJ5" not in str(objects(found))


def test_no_type_stands_in_two_tables():
    tables = [
        set(misp_types.OBSERVABLES), set(misp_types.WITH_PAYLOAD), set(misp_types.PATTERNS),
        set(misp_types.LANGUAGES), set(misp_types.OBJECTS), misp_types.REFERENCES,
        misp_types.NOTES, misp_types.PERSONS, misp_types.SECRETS,
    ]  # fmt: skip
    assert sum(map(len, tables)) == len(set().union(*tables))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("vulnerability", "cve-2026-12345", {"type": "vulnerability", "name": "CVE-2026-12345", "external_references": [{"source_name": "cve", "external_id": "CVE-2026-12345"}]}),
        ("vulnerability", "GHSA-x", {"type": "vulnerability", "name": "GHSA-x"}),
        ("threat-actor", "Paper Wasp", {"type": "threat-actor", "name": "Paper Wasp"}),
        ("campaign-name", "Wet Ink", {"type": "campaign", "name": "Wet Ink"}),
        ("malware-type", "Trojan", {"type": "malware", "name": "Trojan", "is_family": False, "malware_types": ["trojan"]}),
        ("target-org", "Ministry of XA", {"type": "identity", "name": "Ministry of XA", "identity_class": "organization"}),
        ("target-machine", "PC-17", {"type": "identity", "name": "PC-17", "identity_class": "system"}),
    ],
)  # fmt: skip
def test_a_name_becomes_the_object_that_it_names(kind, value, expected):
    found = read(
        event(
            attribute(
                kind, value, comment="why", first_seen="2026-10-01T00:00:00+02:00"
            )
        )
    )
    (made,) = [o for o in objects(found, expected["type"]) if o["id"].endswith(uuid(1))]
    assert {name: made.get(name) for name in expected} == expected
    assert made["description"] == "why"
    has_time = expected["type"] in ("threat-actor", "campaign")
    assert made.get("first_seen") == ("2026-09-30T22:00:00.000Z" if has_time else None)
    assert losses(found, "no-equivalent") == (
        [] if has_time else ["$.Event.Attribute[0].first_seen"]
    )
    assert composed(found).objects[composed(found).primary].type == "report"


def test_an_object_that_is_not_valid_is_listed():
    found = read(
        event(
            attribute("threat-actor", "x", first_seen="2026-10-01"),
            attribute("threat-actor", "y", 2),
        )
    )
    assert len(objects(found, "threat-actor")) == 2


def test_links_and_weaknesses_are_references_of_the_report():
    found = read(
        event(
            attribute(
                "link",
                "https://news.example/1",
                comment="An article",
                first_seen="2026-10-01",
            ),
            attribute("weakness", "CWE-79", 2),
        )
    )
    assert only(found, "report")["external_references"] == [
        {
            "source_name": "misp:link",
            "url": "https://news.example/1",
            "description": "An article",
        },
        {"source_name": "cwe", "external_id": "CWE-79"},
    ]
    assert losses(found, "no-equivalent") == [
        "$.Event.Attribute[0].first_seen",
        "$.Event.Attribute[0].category",
    ]


def test_a_link_with_tags_is_a_note_that_keeps_them():
    link = attribute(
        "link",
        "https://news.example/1",
        Tag=[{"name": 'osint:source-type="blog-post"'}],
    )
    found = read(event(link))
    assert only(found, "note")["labels"][-1] == 'osint:source-type="blog-post"'


def test_a_link_to_be_detected_is_an_indicator():
    found = read(event(attribute("link", "hxxp://bad.example/", to_ids=True)))
    assert only(found, "indicator")["pattern"] == "[url:value = 'http://bad.example/']"


def test_observables_of_which_the_same_is_said_share_it():
    same = [
        attribute(
            "domain",
            f"{n}.example",
            n,
            comment="Same import",
            timestamp=str(1793520000 + n),
        )
        for n in (1, 2)
    ]
    other = attribute("domain", "3.example", 3, comment="By hand")
    found = read(event(*same, other))
    first, second = objects(found, "observed-data")
    assert len(first["object_refs"]) == 2
    assert first["first_observed"] == "2026-11-01T08:00:01.000Z"
    assert first["last_observed"] == first["modified"] == "2026-11-01T08:00:02.000Z"
    notes = {each["content"]: each["object_refs"] for each in objects(found, "note")}
    assert notes == {"Same import": [first["id"]], "By hand": [second["id"]]}


def test_when_an_observable_was_seen_is_kept_for_it_alone():
    seen = attribute(
        "domain",
        "1.example",
        first_seen="2026-10-01T00:00:00.123456+00:00",
        last_seen="2026-10-02T00:00:00Z",
    )
    found = read(event(seen, attribute("domain", "2.example", 2)))
    alone = objects(found, "observed-data")[0]
    assert alone["id"] == f"observed-data--{uuid(1)}"
    assert alone["first_observed"] == "2026-10-01T00:00:00.123456Z"
    assert alone["last_observed"] == "2026-10-02T00:00:00.000Z"
    assert len(alone["object_refs"]) == 1


def test_when_an_indicator_was_seen_is_validity_and_a_sighting():
    found = read(
        event(
            attribute(
                "domain",
                "1.example",
                to_ids=True,
                first_seen="2026-10-01",
                last_seen="2026-10-02",
            )
        )
    )
    indicator, sighting = only(found, "indicator"), only(found, "sighting")
    assert (
        indicator["valid_from"] == sighting["first_seen"] == "2026-10-01T00:00:00.000Z"
    )
    assert sighting["last_seen"] == "2026-10-02T00:00:00.000Z"
    assert "count" not in sighting
    assert sighting["sighting_of_ref"] == indicator["id"]


@pytest.mark.parametrize(
    "odd", ["yesterday", "0001-01-01T00:00:00+14:00", "9" * 12, "2026-02-30", "x" * 99]
)
def test_a_time_that_is_none_is_listed(odd):
    found = read(event(attribute("domain", "1.example", to_ids=True, timestamp=odd)))
    assert losses(found, "bad-value") == ["$.Event.Attribute[0].timestamp"]
    assert only(found, "indicator")["created"] == "2026-11-01T08:00:00.000Z"


def test_an_attribute_without_anything_but_type_and_value_is_read():
    found = read({"Attribute": [{"type": "domain", "value": "bad.example"}]})
    assert only(found, "domain-name")["value"] == "bad.example"
    assert only(found, "observed-data")["modified"] == WHEN


def test_hashes_that_look_like_identity_numbers_stay_hashes():
    # Digits enough for a national id: no name and no text may repeat them.
    digits = "12345678901234567890123456789012"
    found = read(event(attribute("md5", digits, to_ids=True)))
    (one,) = [each for each in objects(found) if digits in str(each)]
    assert [name for name, value in one.items() if digits in str(value)] == ["pattern"]


@pytest.mark.parametrize(
    "text", ["\u202egnp.exe", "a\x00b", "e\u0301", "\ufeff", "\U0001d518"]
)
def test_strange_characters_stay_as_they_are(text):
    assert only(read(event(attribute("filename", text))), "file")["name"] == text


@pytest.mark.parametrize("kind", ["text", "filename", "threat-actor", "yara"])
@pytest.mark.parametrize("to_ids", [True, False])
def test_a_very_long_text_is_listed_not_carried(kind, to_ids):
    long = "x" * 2**20 + "y"
    found = read(event(attribute(kind, long, to_ids=to_ids), attribute("text", "z", 2)))
    assert losses(found, "unusable") == ["$.Event.Attribute[0]"]
    assert [each["content"] for each in objects(found, "note")] == ["z"]


def test_a_link_without_a_category_loses_nothing():
    link = {"type": "link", "value": "https://news.example", "sharing_group_id": "0"}
    found = read(event(link))
    assert losses(found, "no-equivalent") == []
    assert not any("sharing_group_id" in each.where for each in found.losses)
