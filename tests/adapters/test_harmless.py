"""What has many digits and identifies nobody is left alone; what only looks so is not."""
# ruff: noqa: RUF001  signs and digits of all scripts

import hashlib

import pytest

from adapters.harmless import blanked
from adapters.personal_data import found_in, holds_any

HASHES = [
    hashlib.new(name, b"nobody").hexdigest()
    for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
]


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-14", "2026-03-14T10:00:00.000Z", "2026-03-14 10:00", "2026-03-14T10:00:00+07:00",
        "2026-03-14 10:00:00,123", "2026-03-14T10:00:00-0700", "20260314T100000Z",
        "20260314T1000", "14.03.2026", "14.3.2026", "14/03/2026", "14-03-2026",
        "03/14/2026", "2026/03/14", "2026.03.14", "2025-2026", "2025 – 2026", "2024/2025",
        "CVE-2026-12345", "cve-2026-1234567", "CVE-1999-0001", "DSA-5432-1"[:-2], "RHSA-2026:1234", "CNNVD-202601-1234", "JVNDB-2026-000123",
        "EUVD-2026-12345", "ICSA-23-005-01", "T1566.002", "T0049.001", "KB5012345",
        "6ec4f715-f538-46a9-8d65-5962195fd868", *HASHES, HASHES[0].upper(),
        "10.0.19041.3", "120.0.6099.109", "v10.0.19041.3", "version 6.1.7601.24545",
        "Version: 23.8.20470", "v2.14.1234567"[:-2], "build 10.0.22621.1", "ver. 15.1.2507.37",
        "1,200,000", "12,345,678", "1 200 000 accounts", "1.200.000 akun", "€ 1.200.000,50",
        "1.200.000 €", "Rp 1.500.000", "IDR 12.500.000", "USD 1 200 000", "$1 200 000",
        "1 200 000 บัญชี", "12 345 678 users", "RM 1 200 000.50", "1.200.000 euros",
        "๑.๒๐๐.๐๐๐ คน", "48,217", "2026", "112", "1234-5678"[:-3],
    ],
)  # fmt: skip
def test_what_identifies_nobody_is_left_alone(text):
    for shown in (
        text,
        f"Seen {text}, twice.",
        f"({text})",
        f"เมื่อ{text}แล้ว",
        f"a: {text}.",
    ):
        assert found_in([shown]) == {}, shown
        assert not holds_any(shown)


@pytest.mark.parametrize(
    "text",
    [
        "1988-03-14", "14.03.1988", "14/03/1988", "14/03/1888", "20260314", "2050-01-01",
        "2026-13-14 10", "2026-03-1412", "02-2024-2025", "+2024-2025-1", "2024-20256",
        "5 2024-2025", "2024-2025 1", "CVE-2026-123456789", "CVE-0812-345678", "v20.123456.1", "T1566.0021", "KB123456789",
        "XT1566.0022", "T0812.345.6789", "T0812.345-6789", "KB812345-6789", "ICSA-23-0050101-1", "zdi-26-123456", "e1234567", HASHES[0] + "1234567", "1" * 32, "12345678901234567890abcdef",
        "6.1.7601.24545", "10.0.1904123.3", "010.0.19041.3", "10.0.19041.3.5", "1.2.3.4.5.6.7",
        "v081.234.5678", "v 202.555.1143", "version 0812.345.678", "1200000", "1 200 000",
        "1.200.000", "601 234 567 was called", "012 345 678 users", "1 2345 678 users",
        "€ 1200000", "€ 1 200 000 1", "601 234 567 users", "2345 1 234 567 users", "501 964 843 €", "+1 234 567 users",
        "1 200 000 usersx", "9123-45-67",
    ],
)  # fmt: skip
def test_what_only_looks_harmless_is_found(text):
    assert found_in([text])
    assert holds_any(text)


def test_digits_in_a_hash_are_no_identity_number():
    # Hazard 12 of the domain reference: sixteen digits in a row, and they are valid.
    digest = "ab3171011708450001" + "c" * 46
    assert len(digest) == 64
    assert found_in([f"sha256:{digest}"]) == {}
    assert found_in([f"sha256:{digest[:-1]}"])  # no hash is so long


def test_blanks_take_as_much_room_as_what_they_cover():
    assert blanked("on 2026-03-14 at") == "on |||||||||| at"
    assert blanked("nothing") == "nothing"
    assert blanked("cve-2026-1234, kb501234") == "|" * 13 + ", " + "|" * 8


def test_a_number_beside_something_harmless_is_found_and_only_that():
    text = "2026-03-14 3171011708450001 CVE-2026-12345 10.0.19041.3, 1 200 000 accounts"
    assert found_in([text]) == {0: frozenset({"national-id"})}


@pytest.mark.parametrize(
    "text",
    [
        "€ 1.200", "€ 123.200.000.000.000", "€ 1.200,5", "€ 1.200,50", "1.200.000,5 users",
        "12.200.000,50 users", "1.0.1234.1", "123.0.12345.1234", "1.0.1234.0",
        "v1.0", "v1234.1.2.3.4", "v1.12345", "cve-2026-1234", "cve-2026-1234567",
        "1" * 127 + "a", "rhsa-26-12345-12345", "icsa-260501-01", "kb123456", "kb12345678",
        "2026-03-14 10:00:00.123456789z", "2026-03-14, 10:00", "20260314t100000z",
    ],
)  # fmt: skip
def test_the_longest_and_shortest_of_each_form_is_covered_whole(text):
    assert blanked(text) == "|" * len(text)


@pytest.mark.parametrize(
    "text",
    [
        "€ 1200", "€ 1234.200", "€ 1.200.000.000.000.000", "€ 0.200", "1.200 users",
        "123.200.000 users", "1.200.000.000 users", "1234.0.1234.1", "1.0.123.1",
        "1.0.123456.1", "1.0.1234.12345", "1.0.1234.01", "1.1.1234.1", "v12345.1",
        "v1.123456", "v1.2.3.4.5.6", "v0.1", "cve-2026-123", "cve-2026-12345678",
        "cve-1812-12345", "rhsa-2-123", "dsa-1234567-1", "kb12345", "kb123456789",
        "2026-03-14-5", "2026-00-14", "2026-03-00", "2026-03-32", "1999-03-14",
    ],
)  # fmt: skip
def test_what_is_longer_or_shorter_is_left_as_it_is(text):
    assert blanked(text) == text
