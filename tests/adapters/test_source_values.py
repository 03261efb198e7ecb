"""Values, dates and techniques, as people write them in lists."""

import pytest
from stix2patterns.validator import run_validator

from adapters.sources import dates, techniques
from adapters.sources.spreadsheet_words import language
from adapters.sources.values import (
    MAX_VALUE_CHARS,
    Value,
    classify,
    pattern,
    refang,
    split,
    sure,
)

MD5 = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("shop[.]example", "shop.example"),
        ("shop(.)example", "shop.example"),
        ("shop{.}example", "shop.example"),
        ("shop[dot]example", "shop.example"),
        ("shop (DOT) example", "shop.example"),
        ("shop [ . ] example", "shop.example"),
        ("shop[.example", "shop.example"),
        ("shop.]example", "shop.example"),
        ("shop\\.example", "shop.example"),
        ("shop . example", "shop.example"),
        ("shop dot example", "shop.example"),
        ("shop\u3002example", "shop.example"),
        ("hxxp://shop.example", "http://shop.example"),
        ("hXXps://shop.example", "https://shop.example"),
        ("HXXPS://shop.example", "https://shop.example"),
        ("h**p://shop.example", "http://shop.example"),
        ("meow://shop.example", "http://shop.example"),
        ("fxp://shop.example", "ftp://shop.example"),
        ("https[:]//shop[.]example", "https://shop.example"),
        ("https{:}//shop{.}example", "https://shop.example"),
        ("https[://]shop.example", "https://shop.example"),
        ("https : // shop.example", "https://shop.example"),
        ("http:\\\\shop.example", "http://shop.example"),
        ("ann[at]shop[.]example", "ann@shop.example"),
        ("ann[@]shop.example", "ann@shop.example"),
        ("ann at shop dot example", "ann@shop.example"),
        ("192[.]0[.]2[.]1", "192.0.2.1"),
        ("\u200b shop.example\ufeff\n", "shop.example"),
        ('"shop.example",', "shop.example"),
    ],
)
def test_a_value_is_refanged_however_it_was_defanged(written, meant):
    assert refang(written) == meant
    assert classify(written) is not None


def test_words_that_are_no_value_stay_as_they_are():
    assert refang("seen at the dot com (late) era") == "seen at the dot com (late) era"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Shop.Example.", "domain-name", "shop.example"),
        ("*.shop.example", "domain-name", "*.shop.example"),
        ("xn--bcher-kva.example", "domain-name", "xn--bcher-kva.example"),
        ("b\u00fccher.example", "domain-name", "b\u00fccher.example"),
        ("\u0e02\u0e48\u0e32\u0e27.\u0e44\u0e17\u0e22", "domain-name",
         "\u0e02\u0e48\u0e32\u0e27.\u0e44\u0e17\u0e22"),
        ("192.0.2.1", "ipv4-addr", "192.0.2.1"),
        ("192.0.2.0/24", "ipv4-addr", "192.0.2.0/24"),
        ("192.0.2.7/32", "ipv4-addr", "192.0.2.7"),
        ("2001:DB8::1", "ipv6-addr", "2001:db8::1"),
        ("2001:db8::/32", "ipv6-addr", "2001:db8::/32"),
        ("[2001:db8::1]", "ipv6-addr", "2001:db8::1"),
        ("HTTPS://Shop.Example/Path?Q=1", "url", "https://shop.example/Path?Q=1"),
        ("http://[2001:db8::1]:8080/", "url", "http://[2001:db8::1]:8080/"),
        ("ftp://ann:x@shop.example/", "url", "ftp://ann:x@shop.example/"),
        ("Shop.example/A", "url", "shop.example/A"),
        ("192.0.2.1/a", "url", "192.0.2.1/a"),
        ("shop.example/24", "url", "shop.example/24"),
        ("mailto:Ann@Shop.example", "email-addr", "Ann@shop.example"),
        ("AA-BB-CC-00-11-22", "mac-addr", "aa:bb:cc:00:11:22"),
        (MD5.upper(), "MD5", MD5),
        ("a" * 40, "SHA-1", "a" * 40),
        ("b" * 64, "SHA-256", "b" * 64),
        ("c" * 128, "SHA-512", "c" * 128),
        ("Invoice.exe", "file-name", "Invoice.exe"),
    ],
)  # fmt: skip
def test_a_value_is_told_by_its_form(text, kind, value):
    assert classify(text) == Value(kind, value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1:443", Value("ipv4-addr", "192.0.2.1", 443)),
        ("[2001:db8::1]:443", Value("ipv6-addr", "2001:db8::1", 443)),
        ("shop.example:8080", Value("domain-name", "shop.example", 8080)),
    ],
)
def test_a_port_is_kept_with_its_address(text, expected):
    assert classify(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "-", "37 accounts", "and/or", "3.14", "10/03/2022", "e.g", "@handle", "localhost",
        "http://", "http://localhost/", "http://a b.example/", "https://-.example/",
        "=1+1", "=cmd|'/c calc'!A1", "+shop", "a" * 33, "a" * 31, "0.0.0.300", "1.2.3.4/33",
        "shop.example:0", "shop.example:99999", "invoice.exe:80", "192.0.2.0/24:80",
        "a:b:80", "::g:", "setup.exe/a", "a@b", "a@@b.example", "a b@shop.example",
        "shop\u202e.example", "sh\u200bop.example", "shop.example\x00", "b\u00fc..example",
        "b\u00fccher", "b\u00fccher.123", "b\u00fccher.x", f"{'a' * 64}.example",
        f"{'a.' * 130}example", "x" * (MAX_VALUE_CHARS + 1), "shop._example", "-.example",
    ],
)  # fmt: skip
def test_what_detects_nothing_is_no_value(text):
    assert classify(text) is None


def test_a_hint_decides_where_the_form_leaves_it_open():
    assert classify("readme.md", "filename") == Value("file-name", "readme.md")
    assert classify("My file", "file name") == Value("file-name", "My file")
    assert classify("AS64496", "asn") == Value("autonomous-system", "64496")
    assert classify("64496", "as number") == Value("autonomous-system", "64496")
    assert classify("many", "asn") is None
    assert classify("a\u202eb", "filename") is None
    assert classify("shop.example", "url") == Value("domain-name", "shop.example")
    assert classify(MD5, "filename") == Value("MD5", MD5)


def test_a_digest_of_something_else_is_no_hash_of_a_file():
    assert classify(MD5, "imphash") is None
    assert classify("a" * 40, "x509 fingerprint sha1") is None
    assert classify("shop.example", "ssl") is not None


def test_what_may_be_a_name_is_no_sure_value():
    assert sure("first.last") is None
    assert sure("readme.txt") is None
    assert sure("first[.]last") is not None
    assert sure("shop.example") is not None
    assert sure("shop.xa") is not None
    assert sure(MD5) is not None


def test_a_cell_may_hold_several_values():
    two = (Value("domain-name", "a.example"), Value("ipv4-addr", "192.0.2.1"))
    for apart in (";", ", ", "\n", "|", " "):
        assert split(f"a.example{apart}192.0.2.1") == two
    assert split("a.example; a.example") == two[:1]
    assert split("a.example") == two[:1]
    assert split("a.example; seen twice") == ()
    assert split("37 accounts") == ()
    assert split("accounts") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop.example", "[domain-name:value = 'shop.example']"),
        ("*.shop.example", "[domain-name:value LIKE '%.shop.example']"),
        ("192.0.2.0/24", "[ipv4-addr:value ISSUBSET '192.0.2.0/24']"),
        ("2001:db8::1", "[ipv6-addr:value = '2001:db8::1']"),
        ("o'hara@shop.example", "[email-addr:value = 'o\\'hara@shop.example']"),
        ("http://shop.example/'\\", "[url:value = 'http://shop.example/\\'\\\\']"),
        (
            "shop.example/a",
            "[url:value = 'https://shop.example/a' OR url:value = 'http://shop.example/a']",
        ),
        ("a" * 64, f"[file:hashes.'SHA-256' = '{'a' * 64}']"),
        (MD5, f"[file:hashes.MD5 = '{MD5}']"),
        ("x.exe", "[file:name = 'x.exe']"),
        ("aa:bb:cc:00:11:22", "[mac-addr:value = 'aa:bb:cc:00:11:22']"),
        (
            "192.0.2.1:80",
            "[network-traffic:dst_ref.type = 'ipv4-addr' AND "
            "network-traffic:dst_ref.value = '192.0.2.1' AND "
            "network-traffic:dst_port = 80]",
        ),
    ],
)
def test_a_pattern_is_valid_and_escaped(text, expected):
    found = classify(text)
    assert found is not None
    assert pattern(found) == expected
    assert run_validator(expected, stix_version="2.1") == []


def test_a_pattern_of_a_network_number_is_valid():
    found = pattern(Value("autonomous-system", "64496"))
    assert found == "[autonomous-system:number = 64496]"
    assert run_validator(found, stix_version="2.1") == []


# ------------------------------------------------------------------------ dates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-02", "2026-11-02T00:00:00.000Z"),
        ("2026/1/2", "2026-01-02T00:00:00.000Z"),
        ("2026-11-02 08:15", "2026-11-02T08:15:00.000Z"),
        ("2026-11-02T08:15:30Z", "2026-11-02T08:15:30.000Z"),
        ("2026-11-02T08:15:30.123456Z", "2026-11-02T08:15:30.123456Z"),
        ("2026-11-02 08:15:30 UTC", "2026-11-02T08:15:30.000Z"),
        ("2026-11-02T08:15:30+07:00", "2026-11-02T01:15:30.000Z"),
        ("2.11.2026", "2026-11-02T00:00:00.000Z"),
        ("2 Nov 2026", "2026-11-02T00:00:00.000Z"),
        ("2nd November 2026", "2026-11-02T00:00:00.000Z"),
        ("Nov 2, 2026", "2026-11-02T00:00:00.000Z"),
    ],
)
def test_a_date_that_cannot_be_read_two_ways_is_read(text, expected):
    assert dates.read(text, "") == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "2026-02-30", "2026-11-02T25:00", "0001-01-01T00:00+07:00", "31.13.2026",
        "Nov 2026", "2 Nov 2, 2026", "2 Foo 2026", "44630", "1/2/26", "2026-11-02" * 9,
    ],
)  # fmt: skip
def test_what_is_no_date_is_none(text):
    assert dates.read(text, "day") is None
    assert not dates.is_open(text, "")


def test_the_order_of_day_and_month_follows_from_the_column():
    assert dates.order_of(["10/03/2022", "23/02/2023"]) == "day"
    assert dates.order_of(["10/03/2022", "02/23/2023", "x" * 50]) == "month"
    assert dates.order_of(["10/03/2022", "13.4.2022"]) == ""
    assert dates.order_of(["23/02/2023", "02/23/2023"]) == ""
    assert dates.read("10/03/2022", "day") == "2022-03-10T00:00:00.000Z"
    assert dates.read("10-03-2022", "month") == "2022-10-03T00:00:00.000Z"
    assert dates.read("10/03/2022", "") is None
    assert dates.is_open("10/03/2022", "")
    assert not dates.is_open("10/03/2022", "day")


# ------------------------------------------------------------------- techniques


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T0049", [("DISARM", "T0049", "T0049")]),
        ("t0086.002", [("DISARM", "T0086.002", "T0086.002")]),
        ("T0049: Flood the space", [("DISARM", "T0049", "Flood the space")]),
        ("Flood the space (T0049)", [("DISARM", "T0049", "Flood the space")]),
        (
            "T0049, T0007; T0086.002",
            [("DISARM", i, i) for i in ("T0049", "T0007", "T0086.002")],
        ),
        (
            "T0049 Flood, T0007 Fake accounts",
            [("DISARM", "T0049", "Flood"), ("DISARM", "T0007", "Fake accounts")],
        ),
        ("T0049; T0049", [("DISARM", "T0049", "T0049")]),
        ("T1566.001 Phishing", [("mitre-attack", "T1566.001", "Phishing")]),
        ("T0883", [("mitre-ics-attack", "T0883", "T0883")]),
        (
            "0.6.2 Acquiring  domains\n",
            [("Online Operations Kill Chain", "0.6.2", "Acquiring domains")],
        ),
        ("Fake accounts", [("", "", "Fake accounts")]),
        ("3 fake accounts", [("", "", "3 fake accounts")]),
        ("TA15", []),
        ("TA15: Establish assets", []),
        ("no", []),
        ("", []),
    ],
)
def test_techniques_are_read_with_their_framework(text, expected):
    assert techniques.read(text) == [techniques.Technique(*each) for each in expected]


def test_a_technique_becomes_an_attack_pattern():
    one = techniques.Technique(techniques.KILL_CHAIN, "0.6.2", "Acquiring domains")
    made = techniques.attack_pattern(one, "0. Acquiring assets ")
    assert made["external_references"] == [
        {"source_name": "Online Operations Kill Chain", "external_id": "0.6.2"}
    ]
    assert made["kill_chain_phases"] == [
        {
            "kill_chain_name": "online-operations-kill-chain",
            "phase_name": "acquiring-assets",
        }
    ]
    bare = techniques.attack_pattern(techniques.Technique("", "", "Fake accounts"))
    assert not bare["external_references"]
    assert not bare["kill_chain_phases"]


def test_languages_are_read_as_people_write_them():
    assert language("English") == "en"
    assert language("bahasa  Indonesia") == "id"
    assert language("pt_BR") == "pt-BR"
    assert language("tet") == "tet"
    assert language("Elvish, mostly") is None
    assert language("x" * 100) is None
