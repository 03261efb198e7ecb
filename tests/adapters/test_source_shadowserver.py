"""Shadowserver's reports become observations of those who are warned, row by row."""

import csv
import io
import json
import time
from collections.abc import Iterable
from typing import Any

import pytest

from adapters.sources import formats
from adapters.sources.found import Found
from adapters.sources.source import Input
from schemas import stix
from schemas.composing import compose
from schemas.errors import SchemaError
from schemas.markings import Tlp
from tests.support.leaves import dropped_unlisted, held, one_changed
from tests.support.real_data import real_files
from tests.support.views import CIVIL, cut, projected, seen, signed

WHEN = "2026-11-05T00:00:00Z"
NAME = "2026-11-02-scan_ssl-saltmere_bank-xa"
ROW: dict[str, Any] = {
    "timestamp": "2026-11-02 08:15:00Z", "ip": "192.0.2.7", "port": 443,
    "protocol": "tcp", "hostname": "gate.saltmere.example", "tag": "ssl;vpn",
    "asn": 64500, "geo": "XA", "region": "COAST", "city": "SALTMERE", "naics": 522110,
    "sector": "Banks", "severity": "high", "device_vendor": "Penwright",
}  # fmt: skip
EVENT: dict[str, Any] = {
    "timestamp": "2026-11-02 09:00:00", "protocol": "tcp", "src_ip": "192.0.2.9",
    "src_port": 40000, "src_asn": "AS64501", "src_geo": "XA", "src_hostname": "a.example",
    "src_naics": 1, "src_sector": "Homes", "severity": "critical",
    "dst_ip": "198.51.100.1", "dst_port": 80, "dst_asn": 64510, "infection": "nightcrate",
    "family": "crate", "tag": "botnet",
}  # fmt: skip
CERTIFICATE = {
    "sha1_fingerprint": ":".join(["AB"] * 20),
    "sha256_fingerprint": "ab" * 32,
    "cert_serial_number": "0123",
    "subject_common_name": "gate.example",
    "subject_organization_name": "Saltmere, Ltd",
    "subject_email_address": "temcott@saltmere.example",
    "issuer_common_name": "A root",
    "cert_issue_date": "2026-01-01 00:00:00",
    "cert_expiration_date": "next year",
    "self_signed": "N",
    "signature_algorithm": "sha256WithECDSA",
    "key_algorithm": "ecdsa",
}


def read(data: bytes | list[Any], name: str = NAME) -> Found:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return formats.read(Input(text, name=name, when=WHEN), "shadowserver")


def table(rows: Iterable[dict[str, Any]]) -> bytes:
    """The rows as CSV."""
    rows = list(rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(n for r in rows for n in r)))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def objects(found: Found, kind: str) -> list[dict[str, Any]]:
    return [stix.encode_object(o) for o in found.objects if o.type == kind]


def only(found: Found, kind: str) -> dict[str, Any]:
    (one,) = objects(found, kind)
    return one


def lost(found: Found) -> dict[str, str]:
    return {loss.where: loss.rule for loss in found.losses}


def recognised(data: bytes) -> bool:
    return formats.SOURCES["shadowserver"].recognises(Input(data, when=WHEN))


# ------------------------------------------------------------------- recognition


def test_a_report_is_recognised_as_json_and_as_csv():
    for data in (
        json.dumps([ROW]).encode(), table([ROW]), table([EVENT]),
        b"\xef\xbb\xbf" + table([ROW]), json.dumps([EVENT]).encode(),
        b' Timestamp,"IP",ASN,Geo\r\n',
    ):  # fmt: skip
        given = Input(data, when=WHEN)
        assert formats.recognise(given).name == "shadowserver"


def test_other_tables_are_not_taken_for_reports():
    for data in (
        b"ip,port\n192.0.2.7,443\n",
        b"timestamp,ip,comment\n",
        b"timestamp,ip,port,comment\n",
        b"indicator_type,indicator_value,comment\n",
        b"timestamp,src_ip,asn,comment\n",
        b"",
        b"\n",
        b"\xff\xfe\n",
        b'timestamp,ip,asn,"geo\n' + b"x" * 200_000,
        b"timestamp,ip,port," + b"x" * 200_000,
        b"[]",
        b"[7]",
        b'{"timestamp": 1, "ip": 2, "asn": 3, "geo": 4}',
        b'[{"timestamp": 1, "ip": 2, "asn": 3}]',
    ):
        assert not recognised(data)


@pytest.mark.parametrize("path", real_files("meta_cib_csv/*.csv", "stalkerware/*.csv"))
def test_real_lists_of_indicators_are_not_taken_for_reports(path):
    assert not recognised(path.read_bytes())


# ------------------------------------------------------------------------ one row


def test_a_row_is_an_observation_of_a_host():
    found = read([ROW])
    one = only(found, "observed-data")
    assert one["first_observed"] == one["last_observed"] == "2026-11-02T08:15:00Z"
    assert one["number_observed"] == 1
    kinds = [ref.partition("--")[0] for ref in one["object_refs"]]
    assert kinds == ["ipv4-addr", "domain-name", "autonomous-system", "network-traffic"]
    assert one["labels"] == [
        'shadowserver:severity="high"', 'shadowserver:tag="ssl"',
        'shadowserver:tag="vpn"',
    ]  # fmt: skip
    assert one["x_shadowserver"] == {
        "naics": 522110, "sector": "Banks", "device_vendor": "Penwright",
    }  # fmt: skip


def test_a_scanned_host_is_the_one_called():
    found = read([ROW])
    assert only(found, "network-traffic").items() >= {
        "dst_ref": only(found, "ipv4-addr")["id"], "dst_port": 443, "protocols": ["tcp"],
    }.items()  # fmt: skip


@pytest.mark.parametrize("more", [{"infection": "crate"}, {"dst_port": "80"}])
def test_a_host_that_called_is_the_source(more):
    traffic = only(read([ROW | more]), "network-traffic")
    assert traffic["src_port"] == 443
    assert "dst_ref" not in traffic


def test_an_event_has_two_ends():
    found = read([EVENT], "2026-11-02-event4_sinkhole-list-xa")
    addresses = {o["value"]: o["id"] for o in objects(found, "ipv4-addr")}
    assert only(found, "network-traffic").items() >= {
        "src_ref": addresses["192.0.2.9"], "src_port": 40000,
        "dst_ref": addresses["198.51.100.1"], "dst_port": 80,
    }.items()  # fmt: skip
    assert only(found, "autonomous-system")["number"] == 64501
    one = only(found, "observed-data")
    assert 'shadowserver:infection="nightcrate"' in one["labels"]
    assert one["x_shadowserver"]["dst_asn"] == 64510
    assert only(found, "report")["labels"] == ['shadowserver:report="event4_sinkhole"']


def test_a_host_is_related_to_its_place():
    found = read([ROW])
    place = only(found, "location")
    assert place.items() >= {
        "country": "XA", "administrative_area": "COAST", "city": "SALTMERE",
    }.items()  # fmt: skip
    relation = only(found, "relationship")
    assert relation["relationship_type"] == "located-at"
    assert relation["source_ref"] == only(found, "ipv4-addr")["id"]
    assert relation["target_ref"] == place["id"]


def test_a_country_is_written_as_iso_does():
    found = read([ROW | {"geo": "UK"}])
    assert only(found, "location")["country"] == "GB"
    assert only(found, "observed-data")["x_shadowserver"]["geo"] == "UK"
    assert only(read([ROW | {"geo": "xa"}]), "location")["country"] == "XA"


def test_a_host_of_no_place_has_none():
    row = {n: v for n, v in ROW.items() if n not in ("geo", "region", "city")}
    assert objects(read([row]), "location") == []


def test_a_certificate_is_one():
    found = read([ROW | CERTIFICATE])
    one = only(found, "x509-certificate")
    assert one["hashes"] == {"SHA-1": "ab" * 20, "SHA-256": "ab" * 32}
    assert one["subject"] == r"CN=gate.example, O=Saltmere\, Ltd"
    assert one["issuer"] == "CN=A root"
    assert one["validity_not_before"] == "2026-01-01T00:00:00Z"
    assert "validity_not_after" not in one
    assert one["is_self_signed"] is False
    rest = only(found, "observed-data")["x_shadowserver"]
    assert rest["cert_expiration_date"] == "next year"
    assert rest["subject_email_address"] == "temcott@saltmere.example"


def test_what_a_certificate_does_not_say_stays_with_the_row():
    more = {"sha1_fingerprint": "ab" * 20, "self_signed": "perhaps"}
    found = read([ROW | more])
    assert "is_self_signed" not in only(found, "x509-certificate")
    assert only(found, "observed-data")["x_shadowserver"]["self_signed"] == "perhaps"
    alone = read([ROW | {"self_signed": "Y"}])
    assert objects(alone, "x509-certificate") == []
    assert only(alone, "observed-data")["x_shadowserver"]["self_signed"] == "Y"


def test_other_addresses_are_read():
    found = read([ROW | {"ip": "2001:DB8::7", "mac_address": "00-00-5E-00-53-01"}])
    assert only(found, "ipv6-addr")["value"] == "2001:db8::7"
    assert only(found, "mac-addr")["value"] == "00:00:5e:00:53:01"


def test_traffic_needs_a_protocol_and_a_host():
    without = {n: v for n, v in ROW.items() if n != "protocol"}
    found = read([without])
    assert objects(found, "network-traffic") == []
    assert only(found, "observed-data")["x_shadowserver"]["port"] == 443
    nobody = {n: v for n, v in ROW.items() if n not in ("ip", "hostname")}
    found = read([ROW, nobody | {"ip": ""}])
    assert len(objects(found, "network-traffic")) == 1
    assert len(objects(found, "relationship")) == 1


# --------------------------------------------------------------------- odd values


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ip", "123.456.789.0"), ("ip", "fe80::1%eth0"), ("ip", "192.0.2.7/24"),
        ("hostname", "two words"), ("hostname", "x" * 254), ("hostname", "a@b.example"),
        ("asn", "many"), ("asn", "4294967296"), ("asn", "99999999999"), ("asn", "٣"),
        ("port", 65536), ("port", -70_000), ("geo", "Avalonia"), ("geo", "X1"),
        ("mac_address", "00:00"), ("sha1_fingerprint", "abc"),
        ("md5_fingerprint", "g" * 32),
    ],
)  # fmt: skip
def test_a_bad_value_is_left_out_and_the_row_goes_on(column, value):
    found = read([ROW | {column: value}])
    assert lost(found) == {f"$[0].{column}": "bad-value"}
    assert str(value) not in held(found)
    assert len(objects(found, "observed-data")) == 1


def test_a_row_without_an_address_goes_on_with_its_name():
    found = read([ROW | {"ip": "123.456.789.0"}])
    assert only(found, "network-traffic")["dst_ref"] == only(found, "domain-name")["id"]


@pytest.mark.parametrize(
    "row",
    [
        ROW | {"timestamp": "today"},
        ROW | {"timestamp": ""},
        {"timestamp": ROW["timestamp"], "ip": "no", "severity": "low", "geo": "XA"},
    ],
)
def test_a_row_without_a_time_or_a_host_is_left_out(row):
    found = read([ROW, row])
    assert len(objects(found, "observed-data")) == 1
    assert lost(found)["$[1]"] == "unusable"


def test_a_row_that_is_repeated_counts_once():
    found = read([ROW, ROW, ROW | {"severity": "low"}])
    assert len(objects(found, "observed-data")) == 2
    assert lost(found) == {"$[1]": "repeated"}


def test_a_row_that_holds_too_much_is_left_out():
    found = read(
        [ROW, ROW | {"banner": {"deep": {"_sd": 1}}}, ROW | {"tag": "x" * 2**21}]
    )
    assert lost(found) == {
        "$[1][...]": "unusable",
        "$[2]": "unusable",
        "$[1]": "repeated",
    }


def test_what_is_no_row_is_listed():
    found = read([ROW, 7, None, [ROW]])
    assert lost(found) == {"$[1]": "wrong-type"}
    assert found.losses[0].count == 3


def test_a_value_of_another_kind_is_listed():
    found = read([ROW | {"ip": ["192.0.2.7"], "port": "https", "tag": {"a": 1}}])
    assert lost(found) == {
        "$[0].ip": "wrong-type", "$[0].port": "wrong-type", "$[0].tag": "wrong-type",
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_one_value_changed_at_random_hurts_no_other_row(seed):
    rows = [ROW, EVENT, ROW | CERTIFICATE]
    for value in one_changed(rows, seed=seed, times=100):
        found = read([ROW | {"severity": "first"}, *value])
        assert len(objects(found, "observed-data")) >= 3


# ----------------------------------------------------------------------- the table


def test_csv_and_json_say_the_same():
    rows = [ROW, ROW | CERTIFICATE, ROW | {"ip": "2001:db8::1", "severity": "low"}]
    given = read(table(rows))
    asked = read([{n: str(v) for n, v in row.items()} for row in rows])
    assert given.objects == asked.objects
    assert given.losses == asked.losses == ()


def test_places_in_a_table_are_rows_and_columns():
    data = table([ROW, ROW | {"ip": "x", "asn": "y", "hostname": "b.example"}])
    assert lost(read(data)) == {
        'row 3, column "ip"': "bad-value", 'row 3, column "asn"': "bad-value",
    }  # fmt: skip


def test_odd_tables_are_listed():
    data = (
        b"timestamp,ip,asn,geo,_sd,,ip\n"
        b"2026-11-02 08:15:00,192.0.2.7,64500,XA,secret,left,right,beyond\n"
        b",,,,,,\n"
        b"\n"
        b"2026-11-02 08:15:00,192.0.2.8,,,,,,,\n"
    )
    found = read(data)
    assert lost(found) == {
        "row 2, column 8": "no-equivalent", "row 2, column 5": "unusable",
    }  # fmt: skip
    first, second = objects(found, "observed-data")
    assert first["x_shadowserver"] == {"column 6": "left", "ip 7": "right"}
    assert "x_shadowserver" not in second


def test_no_text_of_the_input_stands_in_what_is_listed():
    data = table([ROW | {"Secret": "x", "ip": "Secret", "_sd": "Secret"}])
    assert "Secret" not in str(read(data).losses)
    odd = [ROW | {"Secret": {"_sd": "Secret"}, "ip": "Secret"}]
    assert "Secret" not in str(read(odd).losses)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[]", "not-shadowserver"),
        (b"a,b\n1,2\n", "not-shadowserver"),
        (b"timestamp,ip,asn,geo\n", "no-objects"),
        (b"timestamp,ip,asn,geo\n\xff\n", "not-utf8 at byte 21"),
        (b"timestamp,ip,asn,geo\n" + b"x" * 200_000, "not-csv at line 2"),
        (b'timestamp,ip,asn,geo\n"a"b\n', "not-csv at line 2"),
        (b'[{"timestamp": "x", "ip": "y", "asn": 1, "geo": "XA"}]', "no-objects"),
        (b"[" * 100_000, "not-json at line 1 column 100001"),
        (b'[{"ip": 1, "ip": 2}]', "duplicate-key at $[0]"),
        (b'[{"ip": "\\ud800"}]', "surrogate at $"),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(data, reason):
    with pytest.raises(SchemaError) as refused:
        read(data)
    assert str(refused.value) in (reason, "too-deep at $")


@pytest.mark.parametrize("data", [
    b"timestamp,ip,asn,geo\n" + b"x\n" * 1_000_000,
    b"[" + b",".join([json.dumps(ROW).encode()] + [b"7"] * 1_000_000) + b"]",
    json.dumps([ROW | {"ip": f"192.0.2.{i % 250}", "hostname": f"h{i}.example"}
                for i in range(12_000)]).encode(),
])  # fmt: skip
def test_more_rows_than_a_record_holds_are_refused_quickly(data):
    start = time.process_time()
    with pytest.raises(SchemaError, match="too-many-objects"):
        read(data)
    assert time.process_time() - start < 10


# ---------------------------------------------------------------------- the report


def test_the_report_holds_all_and_is_primary():
    found = read([ROW, ROW | {"timestamp": "2026-11-02 10:00:00.5Z"}])
    report = only(found, "report")
    assert report["id"] == found.primary
    assert set(report["object_refs"]) == {o.id for o in found.objects} - {report["id"]}
    assert report["published"] == report["modified"] == "2026-11-02T10:00:00.5Z"
    assert report["report_types"] == ["observed-data"]
    draft = compose(found.objects, now=WHEN, primary=found.primary, tlp=Tlp.AMBER)
    assert (draft.kind, draft.facts.countries) == ("advisory", ("XA",))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (NAME, "scan_ssl"),
        ("report_type_device_id", "device_id"),
        ("scan_http", "scan_http"),
        ("2026-11-02-population_http_proxy-x", "population_http_proxy"),
        ("customers of saltmere", ""),
        ("saltmere_bank", ""),
        ("", ""),
    ],
)
def test_the_type_stands_in_the_name_of_the_file_and_nothing_else_of_it(name, kind):
    report = only(read([ROW], name), "report")
    assert report["name"] == " ".join(
        ["Shadowserver report", *kind.split(), "2026-11-02"]
    )
    assert report.get("labels", []) == (
        [f'shadowserver:report="{kind}"'] if kind else []
    )


def test_the_same_report_is_the_same_version_at_any_time():
    data = table([ROW, EVENT | {"ip": "192.0.2.9"}])
    first = formats.read(Input(data, name=NAME, when=WHEN))
    again = formats.read(Input(data, name=NAME, when="2027-01-01T00:00:00Z"))
    assert first == again
    assert read([ROW]).primary != read([ROW | {"severity": "low"}]).primary


def test_nothing_says_that_the_hosts_attack():
    found = read([ROW | CERTIFICATE])
    bundle = [stix.encode_object(o) for o in found.objects]
    redacted = cut(signed(*bundle, primary=found.primary), CIVIL)
    assert projected(redacted, "ipv4-addr") == []
    for text in ("192.0.2.7", "gate.saltmere.example", "SALTMERE", "temcott"):
        assert text not in seen(redacted)


# ------------------------------------------------------------ nothing gets lost


def spell(text: str) -> str:
    """Times as STIX writes them."""
    is_time = len(text) >= 19 and text[4] == text[7] == "-" and text[10] == " "
    return text.replace(" ", "T") if is_time else text


def parts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, with each tag by itself, as labels have them."""
    return [
        {n: v.split(";") if n == "tag" else v for n, v in row.items()} for row in rows
    ]


def test_nothing_is_dropped_without_being_listed():
    rows = [
        ROW, EVENT | {"ip": "192.0.2.9"}, ROW | {"geo": "UK", "ip": "x"},
        ROW | {n: v for n, v in CERTIFICATE.items() if n != "subject_organization_name"},
    ]  # fmt: skip
    written = r".*\.(sha1_fingerprint|src_asn)"  # as STIX has them: no colons, no AS
    left = dropped_unlisted(parts(rows), read(rows), spell=spell, beside=written)
    assert left == []


@pytest.mark.parametrize("path", real_files("shadowserver_reports/*.json"))
def test_real_reports_come_along_whole(path):
    found = formats.read(Input(path.read_bytes(), name=path.stem, when=WHEN))
    assert compose(found.objects, now=WHEN, primary=found.primary, tlp=Tlp.GREEN)
    rows = json.loads(path.read_bytes())
    assert len(objects(found, "observed-data")) == len(rows)
    assert dropped_unlisted(parts(rows), found, spell=spell) == []
    invalid = [0, 4][path.stem.endswith("scan_http")]
    assert sum(loss.count for loss in found.losses) == invalid


@pytest.mark.parametrize("path", real_files("shadowserver_reports/*.json"))
def test_real_reports_say_the_same_as_csv(path):
    rows = json.loads(path.read_bytes())
    found = formats.read(Input(table(rows), name=path.stem, when=WHEN))
    as_json = formats.read(Input(path.read_bytes(), name=path.stem, when=WHEN))
    kinds = [[o.type for o in each.objects] for each in (found, as_json)]
    assert kinds[0] == kinds[1]
