"""MISP: objects become one observable or object; what has no place in it is noted."""

import pytest
from stix2patterns.validator import run_validator

from tests.support.misp_events import (
    EVENT,
    attribute,
    composed,
    event,
    losses,
    misp_object,
    objects,
    only,
    part,
    read,
    uuid,
)

MD5, SHA1 = "0" * 32, "a" * 40
IDS = True


def of(name, *parts, **members):
    """Read one object, its attributes as (relation, type, value[, to_ids])."""
    made = [part(p[0], p[1], p[2], n, *p[3:]) for n, p in enumerate(parts, 1)]
    found = read(event(Object=[misp_object(name, *made, **members)]))
    for each in objects(found, "indicator"):
        assert not run_validator(each["pattern"], stix_version="2.1")
    composed(found)
    return found


def said(found, kind):
    one = only(found, kind)
    known = (
        "type",
        "id",
        "spec_version",
        "object_marking_refs",
        "created",
        "modified",
        "created_by_ref",
        "labels",
    )
    return {name: value for name, value in one.items() if name not in known}


def test_a_file_is_one_observable_with_all_its_properties():
    found = of(
        "file",
        ("filename", "filename", "a.exe"),
        ("md5", "md5", MD5),
        ("sha1", "sha1", SHA1),
        ("size-in-bytes", "size-in-bytes", "1024"),
        ("mimetype", "mime-type", "application/x-dosexec"),
        ("creation-time", "datetime", "2026-10-01T10:00:00.000000+0000"),
        ("path", "text", "C:\\temp"),
    )
    folder = only(found, "directory")
    assert said(found, "file") == {
        "name": "a.exe",
        "hashes": {"MD5": MD5, "SHA-1": SHA1},
        "size": 1024,
        "mime_type": "application/x-dosexec",
        "ctime": "2026-10-01T10:00:00.000Z",
        "parent_directory_ref": folder["id"],
    }
    assert only(found, "file")["id"] == f"file--{uuid(900)}"
    data = only(found, "observed-data")
    assert data["id"] == f"observed-data--{uuid(900)}"
    assert data["labels"][:2] == ['misp:name="file"', 'misp:meta-category="network"']
    assert objects(found, "note") == objects(found, "indicator") == []


def test_an_object_to_be_detected_is_an_indicator_based_on_what_was_observed():
    found = of(
        "file",
        ("filename", "filename", "a.exe"),
        ("md5", "md5", MD5, IDS),
        ("sha1", "sha1", SHA1, IDS),
    )
    indicator, data = only(found, "indicator"), only(found, "observed-data")
    assert (
        indicator["pattern"]
        == f"[file:hashes.MD5 = '{MD5}' OR file:hashes.'SHA-1' = '{SHA1}']"
    )
    link = only(found, "relationship")
    assert (link["relationship_type"], link["source_ref"], link["target_ref"]) == (
        "based-on",
        indicator["id"],
        data["id"],
    )
    assert said(found, "file")["name"] == "a.exe"


def test_an_object_of_which_all_is_to_be_detected_is_an_indicator_alone():
    found = of(
        "file",
        ("filename", "filename", "a.exe", IDS),
        ("md5", "md5", MD5, IDS),
        ("sha1", "sha1", SHA1, IDS),
    )
    assert only(found, "indicator")["pattern"] == (
        f"[file:name = 'a.exe' AND (file:hashes.MD5 = '{MD5}' OR file:hashes.'SHA-1' = '{SHA1}')]"
    )
    assert objects(found, "file") == objects(found, "relationship") == []


def test_what_has_no_place_in_an_observable_is_noted_on_it():
    found = of(
        "file",
        ("filename", "filename", "a.exe"),
        ("filename", "filename", "b.exe"),
        ("entropy", "float", "7.9"),
        ("size-in-bytes", "size-in-bytes", "many"),
        ("state", "text", "Malicious"),
    )
    first, second = objects(found, "file")
    note = only(found, "note")
    assert note["content"] == "entropy: 7.9\nsize-in-bytes: many\nstate: Malicious"
    assert note["abstract"] == "MISP object: file"
    assert first["id"] in note["object_refs"]
    # a second name is a file of its own
    assert (first["name"], second["name"]) == ("a.exe", "b.exe")


def test_a_file_with_neither_name_nor_hash_is_taken_apart():
    found = of("file", ("path", "text", "C:\\x"), ("entropy", "float", "7"))
    assert objects(found, "file") == []
    assert only(found, "note")["content"] == "path: C:\\x\nentropy: 7"
    assert only(found, "note")["object_refs"] == [f"report--{EVENT}"]


@pytest.mark.parametrize(
    ("sample", "notes"),
    [(f"a.exe|{MD5}", 0), (f"b.exe|{MD5}", 1), (f"a.exe|{'1' * 32}", 1)],
)
def test_a_sample_agrees_with_the_file_or_stands_beside_it(sample, notes):
    found = of(
        "file",
        ("filename", "filename", "a.exe"),
        ("md5", "md5", MD5),
        ("malware-sample", "malware-sample", sample),
    )
    assert len(objects(found, "file")) == 1 + notes


def test_a_broken_sample_in_a_file_is_listed():
    found = of(
        "file",
        ("filename", "filename", "a.exe"),
        ("malware-sample", "malware-sample", "a.exe"),
    )
    assert losses(found, "bad-value") == ["$.Event.Object[0].Attribute[1]"]


def test_a_program_is_a_file_and_its_sections_are_noted():
    found = read(
        event(
            Object=[
                misp_object(
                    "pe",
                    part("imphash", "imphash", MD5, 1),
                    part("authentihash", "authentihash", SHA1, 2),
                    number=900,
                ),
                misp_object(
                    "pe-section",
                    part("md5", "md5", MD5, 3, True),
                    part("name", "text", ".text", 4),
                    number=901,
                ),
            ]
        )
    )
    assert only(found, "file")["hashes"] == {"IMPHASH": MD5, "AUTHENTIHASH": SHA1}
    assert objects(found, "indicator") == []
    assert only(found, "note")["content"] == f"md5: {MD5}\nname: .text"


def test_names_and_addresses_belong_together():
    found = of(
        "domain-ip",
        ("domain", "domain", "a.example", IDS),
        ("hostname", "hostname", "b.example"),
        ("ip", "ip-dst", "203.0.113.7", IDS),
        ("ip", "ip-dst", "203.0.113.8"),
        ("text", "text", "shared host"),
    )
    names, addresses = objects(found, "domain-name"), objects(found, "ipv4-addr")
    assert [n["value"] for n in names] == ["a.example", "b.example"]
    assert len(addresses) == 2
    assert all(n["resolves_to_refs"] == [a["id"] for a in addresses] for n in names)
    assert only(found, "indicator")["pattern"] == (
        "[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '203.0.113.7']"
    )
    assert only(found, "note")["content"] == "text: shared host"


def test_several_names_and_addresses_to_be_detected_are_alternatives():
    found = of(
        "domain-ip",
        ("domain", "domain", "a.example", IDS),
        ("domain", "domain", "b.example", IDS),
        ("ip", "ip-dst", "203.0.113.7", IDS),
        ("ip", "ip-dst", "203.0.113.8", IDS),
    )
    addresses = "(domain-name:resolves_to_refs[*].value = '203.0.113.7' OR domain-name:resolves_to_refs[*].value = '203.0.113.8')"
    assert only(found, "indicator")["pattern"] == (
        f"[domain-name:value = 'a.example' AND {addresses} OR domain-name:value = 'b.example' AND {addresses}]"
    )


def test_addresses_without_a_name_are_observables():
    found = of(
        "domain-ip",
        ("ip", "ip-dst", "203.0.113.7", IDS),
        ("ip", "ip-dst", "203.0.113.8", IDS),
    )
    assert (
        only(found, "indicator")["pattern"]
        == "[ipv4-addr:value = '203.0.113.7' OR ipv4-addr:value = '203.0.113.8']"
    )


def test_very_many_names_and_addresses_are_not_written_in_pairs():
    names = [("domain", "domain", f"n{n}.example") for n in range(200)]
    addresses = [("ip", "ip-dst", f"2001:db8::{n:x}") for n in range(200)]
    found = of("domain-ip", *names, *addresses)
    assert len(only(found, "observed-data")["object_refs"]) == 400
    assert not any("resolves_to_refs" in o for o in objects(found, "domain-name"))


def test_a_connection_has_both_ends():
    found = of(
        "network-connection",
        ("ip-src", "ip-src", "198.51.100.3"), ("ip-dst", "ip-dst", "203.0.113.7"),
        ("hostname-dst", "hostname", "c2.example"),
        ("dst-port", "port", "443"), ("layer4-protocol", "text", "TCP"), ("layer7-protocol", "text", "HTTPS"),
        ("first-packet-seen", "datetime", "2026-10-01T10:00:00"),
    )  # fmt: skip
    addresses = {each["value"]: each["id"] for each in objects(found, "ipv4-addr")}
    assert said(found, "network-traffic") == {
        "src_ref": addresses["198.51.100.3"],
        "dst_ref": addresses["203.0.113.7"],
        "dst_port": 443,
        "protocols": ["tcp", "https"],
        "start": "2026-10-01T10:00:00.000Z",
    }
    assert only(found, "domain-name")["value"] == "c2.example"


def test_a_port_to_be_detected_at_an_address_that_is_not_stands_alone():
    found = of(
        "ip-port", ("ip", "ip-dst", "203.0.113.7"), ("dst-port", "port", "4444", IDS)
    )
    assert only(found, "indicator")["pattern"] == "[network-traffic:dst_port = 4444]"
    assert said(found, "network-traffic")["dst_port"] == 4444


def test_a_connection_without_an_end_is_taken_apart():
    found = of(
        "ip-port",
        ("dst-port", "port", "4444"),
        ("first-seen", "datetime", "2026-10-01"),
    )
    assert only(found, "note")["content"] == "dst-port: 4444\nfirst-seen: 2026-10-01"


def test_a_mail_names_sender_and_recipients():
    found = of(
        "email",
        ("from", "email-src", "a@bad.example", IDS), ("to", "email-dst", "v1@victim.example"),
        ("to", "email-dst", "v2@victim.example"), ("subject", "email-subject", "Pay"),
        ("send-date", "datetime", "2026-10-01"), ("header", "email-header", "Received: x"),
        ("x-mailer", "email-x-mailer", "mailer/1"), ("from-display-name", "email-src-display-name", "canary"),
        ("attachment", "attachment", "bill.pdf"),
    )  # fmt: skip
    mail = said(found, "email-message")
    assert len(mail["to_refs"]) == 2
    assert (mail["subject"], mail["received_lines"]) == ("Pay", ["Received: x"])
    assert (
        only(found, "indicator")["pattern"]
        == "[email-message:from_ref.value = 'a@bad.example']"
    )
    assert only(found, "note")["content"] == "x-mailer: mailer/1"
    assert only(found, "file")["name"] == "bill.pdf"
    assert losses(found, "person-left-out") == ["$.Event.Object[0].Attribute[7]"]
    assert "canary" not in str(objects(found))


def test_recipients_to_be_detected_are_alternatives():
    found = of(
        "email",
        ("to", "email-dst", "a@x.example", IDS),
        ("to", "email-dst", "b@x.example", IDS),
    )
    assert only(found, "indicator")["pattern"] == (
        "[email-message:to_refs[*].value = 'a@x.example' OR email-message:to_refs[*].value = 'b@x.example']"
    )


def test_an_object_that_gives_nothing_but_constants_is_taken_apart():
    assert (
        only(of("email", ("x-mailer", "email-x-mailer", "m/1")), "note")["content"]
        == "x-mailer: m/1"
    )
    assert (
        only(of("twitter-account", ("bio", "text", "b")), "note")["content"] == "bio: b"
    )


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((("key", "regkey", "HKLM\\x"), ("name", "text", "Run"), ("data", "text", "a.exe"), ("data-type", "text", "REG_SZ")),
         {"key": "HKEY_LOCAL_MACHINE\\x", "values": [{"name": "Run", "data": "a.exe", "data_type": "REG_SZ"}]}),
        ((("hive", "text", "HKCU"), ("key", "regkey", "x\\y"), ("last-modified", "datetime", "2026-10-01")),
         {"key": "HKEY_CURRENT_USER\\x\\y", "modified_time": "2026-10-01T00:00:00.000Z"}),
        ((("hive", "text", "HKCU"), ("key", "regkey", "HKLM\\x")), {"key": "HKEY_LOCAL_MACHINE\\x"}),
        ((("hive", "text", "HKCU"),), {"key": "HKEY_CURRENT_USER"}),
        ((("data", "text", "a.exe"),), {"values": [{"data": "a.exe"}]}),
    ],
)  # fmt: skip
def test_a_registry_key_is_written_in_full(parts, expected):
    assert said(of("registry-key", *parts), "windows-registry-key") == expected


def test_a_second_value_of_a_registry_key_is_noted_and_an_empty_one_taken_apart():
    found = of(
        "registry-key",
        ("key", "regkey", "HKLM\\x"),
        ("data", "text", "a"),
        ("data", "text", "b"),
    )
    assert only(found, "note")["content"] == "data: b"
    assert (
        only(of("registry-key", ("root-keys", "text", "x")), "note")["content"]
        == "root-keys: x"
    )


def test_the_parts_of_a_url_are_not_repeated():
    found = of(
        "url",
        ("url", "url", "https://bad.example/login?x=1", IDS), ("domain", "domain", "bad.example"),
        ("port", "port", "443"), ("scheme", "text", "https"), ("resource_path", "text", "/other"),
        ("text", "text", "kit page"),
    )  # fmt: skip
    assert (
        only(found, "indicator")["pattern"]
        == "[url:value = 'https://bad.example/login?x=1']"
    )
    assert objects(found, "domain-name") == []
    assert only(found, "note")["content"] == "resource_path: /other\ntext: kit page"


def test_a_url_object_without_a_url_is_taken_apart():
    found = of(
        "url", ("domain", "domain", "bad.example", IDS), ("port", "port", "8080")
    )
    indicator = only(found, "indicator")
    assert indicator["pattern"] == "[domain-name:value = 'bad.example']"
    assert 'misp:name="url"' in indicator["labels"]
    assert 'misp:object-relation="domain"' in indicator["labels"]
    assert only(found, "note")["object_refs"] == [indicator["id"]]


@pytest.mark.parametrize(
    ("name", "parts", "kind", "expected"),
    [
        ("twitter-account", (("id", "text", "1"), ("name", "text", "x"), ("displayed-name", "text", "X")), "user-account", {"account_type": "twitter", "user_id": "1", "account_login": "x", "display_name": "X"}),
        ("github-user", (("username", "text", "x"), ("user-fullname", "text", "X Y")), "user-account", {"account_type": "github", "account_login": "x", "display_name": "X Y"}),
        ("user-account", (("username", "text", "x"), ("privileged", "boolean", "1"), ("disabled", "boolean", "no")), "user-account", {"account_login": "x", "is_privileged": True}),
        ("process", (("pid", "text", "12"), ("command-line", "text", "a -b"), ("hidden", "boolean", "true")), "process", {"pid": 12, "command_line": "a -b", "is_hidden": True}),
        ("asn", (("asn", "AS", "64500"), ("description", "text", "Example Net")), "autonomous-system", {"number": 64500, "name": "Example Net"}),
        ("x509", (("x509-fingerprint-sha1", "x509-fingerprint-sha1", SHA1), ("issuer", "text", "CN=x"), ("self_signed", "boolean", "false")), "x509-certificate", {"hashes": {"SHA-1": SHA1}, "issuer": "CN=x", "is_self_signed": False}),
        ("directory", (("path", "text", "/srv/x"),), "directory", {"path": "/srv/x"}),
        ("vulnerability", (("id", "vulnerability", "CVE-2026-1"), ("summary", "text", "s"), ("references", "link", "https://x.example")), "vulnerability", {"name": "CVE-2026-1", "description": "s", "external_references": [{"source_name": "cve", "external_id": "CVE-2026-1"}, {"source_name": "misp:vulnerability", "url": "https://x.example"}]}),
        ("attack-pattern", (("name", "text", "n"), ("id", "text", "66")), "attack-pattern", {"name": "n", "external_references": [{"source_name": "capec", "external_id": "CAPEC-66"}]}),
        ("course-of-action", (("name", "text", "n"), ("description", "text", "d")), "course-of-action", {"name": "n", "description": "d"}),
        ("malware", (("name", "text", "n"), ("alias", "text", "a"), ("alias", "text", "b")), "malware", {"name": "n", "aliases": ["a", "b"], "is_family": False}),
        ("geolocation", (("latitude", "float", "1.5"), ("longitude", "float", "-2"), ("countrycode", "text", "XA")), "location", {"latitude": 1.5, "longitude": -2.0, "country": "XA"}),
        ("geolocation", (("latitude", "float", "nan"), ("longitude", "float", "x"), ("city", "text", "Town")), "location", {"city": "Town"}),
        ("geolocation", (("latitude", "float", "1" * 40), ("latitude", "float", "2"), ("latitude", "float", "3"), ("city", "text", "Town")), "location", {"latitude": 2.0}),
        ("organization", (("name", "text", "Org"), ("role", "text", "host")), "identity", {"name": "Org", "identity_class": "organization", "roles": ["host"]}),
    ],
)  # fmt: skip
def test_templates_become_what_they_describe(name, parts, kind, expected):
    found = of(name, *parts)
    ones = [o for o in objects(found, kind) if o["id"].endswith(uuid(900))]
    assert len(ones) == 1
    assert {n: ones[0].get(n) for n in expected} == expected


def test_passwords_are_left_out():
    found = of("credential", ("username", "text", "x"), ("password", "text", "canary"))
    assert losses(found, "secret-left-out") == ["$.Event.Object[0].Attribute[1]"]
    assert "canary" not in str(objects(found))


@pytest.mark.parametrize("name", ["person", "employee", "passport", "bank-account"])
def test_objects_of_persons_are_left_out_whole(name):
    found = read(
        event(
            attribute("text", "x"),
            Object=[misp_object(name, part("text", "text", "canary", 2))],
        )
    )
    assert losses(found, "person-left-out") == ["$.Event.Object[0]"]
    assert "canary" not in str(objects(found))


@pytest.mark.parametrize("name", ["victim", "identity"])
@pytest.mark.parametrize("kind", ["individual", "unknown", ""])
def test_a_victim_that_may_be_a_person_is_left_out(name, kind):
    relation = "classification" if name == "victim" else "identity_class"
    found = of(
        name,
        ("name", "text", "canary"),
        (relation, "text", kind),
        ("text", "text", "x"),
    )
    assert "canary" not in str(objects(found))
    assert "$.Event.Object[0]" in losses(found, "person-left-out")


def test_a_victim_that_is_an_organisation_is_kept():
    found = of(
        "victim",
        ("name", "text", "Ministry"),
        ("classification", "text", "Organization"),
        ("sectors", "text", "Government"),
    )
    (victim,) = [o for o in objects(found, "identity") if o["name"] == "Ministry"]
    assert (victim["identity_class"], victim["sectors"]) == (
        "organization",
        ["government"],
    )


def test_an_object_of_an_unknown_template_is_taken_apart_and_held_together():
    found = of(
        "strange-thing",
        ("one", "domain", "a.example"),
        ("two", "ip-dst", "203.0.113.7"),
        comment="Both at once",
    )
    seen = [
        o["id"] for o in objects(found) if o["type"] in ("domain-name", "ipv4-addr")
    ]
    note = only(found, "note")
    assert note["object_refs"] == seen
    assert note["content"] == "MISP object: strange-thing"


def test_the_comments_of_an_object_and_its_attributes_are_kept():
    one = part("filename", "filename", "a.exe", 1, True, comment="dropped first")
    found = read(event(Object=[misp_object("file", one, comment="From a mail")]))
    assert (
        only(found, "indicator")["description"]
        == "From a mail\nfilename: dropped first"
    )
    coa = misp_object("course-of-action", part("name", "text", "n", 1), comment="Do it")
    assert only(read(event(Object=[coa])), "course-of-action")["description"] == "Do it"
    odd = misp_object("odd", part("x", "text", "y", 1), comment="About it")
    assert only(read(event(Object=[odd])), "note")["abstract"] == "About it"


def test_a_domain_object_that_is_not_valid_is_noted():
    found = of("attack-pattern", ("summary", "text", "no name"))
    assert losses(found, "unusable") == ["$.Event.Object[0]"]
    assert only(found, "note")["content"] == "summary: no name"


def test_an_object_without_attributes_gives_nothing():
    found = read(
        event(
            attribute("text", "x"),
            Object=[
                misp_object("file"),
                misp_object("", number=901),
                misp_object("file", number=902, deleted=True),
            ],
        )
    )
    assert len(objects(found, "note")) == 1
    assert losses(found, "deleted") == ["$.Event.Object[2]"]


def refer(target, word="drops", **more):
    return {"uuid": uuid(700), "object_uuid": uuid(900), "referenced_uuid": target, "relationship_type": word, "timestamp": "1793520001", "Object": {"name": "x"}, **more}  # fmt: skip


def test_references_become_relationships():
    first = misp_object(
        "mutex",
        part("name", "mutex", "a", 1),
        ObjectReference=[
            refer(uuid(901), "Connected-To", comment="at start"),
            refer(uuid(3).upper(), ""),
            refer(uuid(2), "seen at the Ministry", comment="c"),
        ],
    )
    second = misp_object("mutex", part("name", "mutex", "b", 2), number=901)
    found = read(
        event(attribute("domain", "c.example", 3, to_ids=True), Object=[first, second])
    )
    one, other, third = objects(found, "relationship")
    assert one["relationship_type"] == "connected-to"
    assert one["description"] == "at start"
    assert one["created"] == "2026-11-01T08:00:01.000Z"
    assert (one["source_ref"], one["target_ref"]) == (
        f"mutex--{uuid(900)}",
        f"mutex--{uuid(901)}",
    )
    assert (other["relationship_type"], other["target_ref"]) == (
        "related-to",
        f"indicator--{uuid(3)}",
    )
    assert third["relationship_type"] == "related-to"
    assert third["description"] == "seen at the Ministry\nc"
    assert composed(found)


def test_references_to_what_is_not_there_are_listed():
    bad = [refer(uuid(99)), refer(uuid(900)), refer(uuid(901), deleted=True)]
    thing = misp_object("mutex", part("name", "mutex", "a", 1), ObjectReference=bad)
    empty = misp_object("file", number=901, ObjectReference=[refer(uuid(900))])
    found = read(event(Object=[thing, empty]))
    assert objects(found, "relationship") == []
    assert losses(found, "dangling") == ["$.Event.Object[0].ObjectReference[0]"]
    assert [each.count for each in found.losses if each.rule == "dangling"] == [3]
    assert losses(found, "deleted") == ["$.Event.Object[0].ObjectReference[2]"]


def test_a_reference_to_a_link_is_one_to_the_report():
    thing = misp_object(
        "mutex", part("name", "mutex", "a", 1), ObjectReference=[refer(uuid(3))]
    )
    found = read(event(attribute("link", "https://news.example", 3), Object=[thing]))
    assert only(found, "relationship")["target_ref"] == f"report--{EVENT}"


def test_words_of_the_template_are_not_repeated():
    assert "words of the template" not in str(
        objects(of("mutex", ("name", "mutex", "a")))
    )


def test_objects_and_attributes_without_ids_are_read():
    thing = misp_object(
        "mutex", {"type": "mutex", "object_relation": "name", "value": "a"}, uuid=""
    )
    assert only(read(event(Object=[thing])), "mutex")["name"] == "a"


TOO_LONG = "x" * (2**20 + 1)


def test_what_is_too_long_is_listed_and_the_rest_kept():
    found = read(
        event(
            Object=[
                misp_object(
                    "file",
                    part("path", "text", TOO_LONG, 1),
                    part("filename", "filename", "a.exe", 2),
                ),
                misp_object("odd", part("x", "text", TOO_LONG, 3), number=901),
                misp_object(
                    "mutex", part("name", "mutex", TOO_LONG, 4, True), number=902
                ),
            ]
        )
    )
    assert "parent_directory_ref" not in only(found, "file")
    assert losses(found, "unusable") == ["$.Event.Object[0]"]
    assert [each.count for each in found.losses if each.rule == "unusable"] == [3]
    assert len(objects(found)) == 4
