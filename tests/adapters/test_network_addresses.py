"""Mail addresses, logins in URLs, addresses in networks: in all their spellings."""

import pytest

from adapters.network_addresses import ipv4, ipv6, logins, mails
from adapters.personal_data import found_in, holds_any


@pytest.mark.parametrize(
    "text",
    [
        "ilvara.temcott@mail.example", "ILVARA+x@Mail.Co.Example", "o'brien@mail.example",
        "ilvara\uff20mail\uff0eexample", "ilvara[at]mail[.]example",
        "ilvara (at) mail (dot) example", "ilvara at mail dot example", "i@b.example",
        "ilvara%40mail.example", "ilvara&#64;mail.example", "ilvara@mail。example",
        "ilvara{at}mail{dot}example", "ilvara <at> mail.example", "ilvara@mail\\.example", "ilvara[at]mail dot example",
        "ผู้ใช้@ตัวอย่าง.ไทย", "用户@例子.广告", "संपर्क@उदाहरण.भारत", "josé@españa.example",
        "Пётр@пример.рф", '"ilvara temcott"@mail.example', "ilvara@[192.0.2.1]",
        "ilvara@[IPv6:2001:db8::1]", "mailto:ilvara@mail.example", "x=ilvara@mail.example",
        "@ilvara@social.example", "ilvara@ mail.example", "a_b-c@d-e.example",
        "ilvara\u200b@mail.exam\u00adple", "ilvara (  AT  ) mail(DOT)example",
    ],
)  # fmt: skip
def test_a_mail_address_is_found_however_it_is_spelled(text):
    for shown in (text, f"Write to {text}."):
        assert "e-mail" in found_in([shown])[0]
        assert holds_any(shown)


@pytest.mark.parametrize(
    "text",
    [
        "@lantern_relay_01 wrote", "we wrote @lantern.example", "look at this page",
        "a@b", "a@", "@", "@@", "x @ y", "at the dot", "user@localhost only", "a@.b",
        "(at) home", "<at>", "ilvara at mail",
    ],
)  # fmt: skip
def test_what_is_no_mail_address_is_not_found(text):
    assert found_in([text]) == {}
    assert not holds_any(text)


def test_exactly_the_address_is_found_up_to_its_longest_name():
    text = f"see {'x' * 70}@mail.example, or a@b.example"
    found = [text[start:end] for start, end in mails(text)]
    assert found == ["x" * 64 + "@mail.example", "a@b.example"]


@pytest.mark.parametrize(
    "text",
    [
        "ftp://user:secret@host/", "https://user@host/x", "hxxps://user:secret@host",
        "https://x.example/?token=abc", "/login?user=a&password=b", "?access_token=1",
        "?accesstoken=x", "&amp;api_key=x", "#id_token=ey", "?x-amz-signature=f",
        "?PASSWD=x", "?sid=x;pin=y", "?sessionid=x", "?otp=x", "?apikey=x", "?key=x",
        "?x_secret=y", "?client_secret=x", "?auth=x", "?jwt=x",
    ],
)  # fmt: skip
def test_credentials_in_an_address_are_found(text):
    assert "url-login" in found_in([text])[0]
    assert holds_any(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://host.example/a?page=2", "?token=", "?token=&x=y", "token=abc",
        "?monkey=x", "?author=x", "?tokens=x", "https://host/@name", "://@host",
    ],
)  # fmt: skip
def test_other_addresses_hold_no_credentials(text):
    assert "url-login" not in found_in([text]).get(0, ())


def test_credentials_have_an_end():
    assert [*logins("://" + "a" * 512 + "@")]
    assert not [*logins("://" + "a" * 513 + "@")]
    assert [*logins("?" + "a" * 23 + "-token=b")] == [(31, 32)]
    assert not [*logins("?" + "a" * 25 + "-token=b")]


def test_exactly_the_credentials_are_found():
    text = "https://user:secret@host/?a=b&token=abc#pin=1 then"
    found = [text[start:end] for start, end in logins(text)]
    assert found == ["user:secret", "abc", "1"]


@pytest.mark.parametrize(
    "text",
    [
        "198.51.100.23", "10.0.0.1", "1.1.1.1", "198[.]51[.]100[.]23", "255.255.255.255",
        "198.51.100.23:8080", "198.51.100.0/24", "at 198.51.100.23.", "010.001.002.003",
        "๑๙๘.๕๑.๑๐๐.๒๓", "::ffff:198.51.100.23", "2001:db8::1", "fe80::1%eth0",
        "[2001:db8::1]:443", "2001:db8::/32", "2001:db8:0:0:0:0:0:1", "ip:fe80::1",
        "2001[:]db8::1", "2001:0db8:0000:0000:0000:ffff:192.168.100.200",
        "2001:0db8:0000:0000:0000:ffff:0000:0001", "1:2:3:4:5:6:7::",
        "2001:DB8::A", "at 2001:db8::1.", "version 10.0.0.1",
    ],
)  # fmt: skip
def test_an_address_in_a_network_is_found(text):
    assert "ip-address" in found_in([text])[0]
    assert holds_any(text)


@pytest.mark.parametrize(
    "text",
    [
        "10.0.19041.3", "256.1.1.1", "1.2.3", "1.2.3.4.5", "1.3.6.1.4", "10:20:30",
        "aa:bb:cc:dd:ee:ff", "00:11:22:33:44:55", "std::vector", "face::cafe", "::",
        "a::b::1", "1::2::3", "::x1", "12345::1", "1.2.3.456",
    ],
)  # fmt: skip
def test_versions_times_and_names_in_programs_are_no_addresses(text):
    assert found_in([text]) == {}
    assert not holds_any(text)


def test_exactly_the_address_in_a_network_is_found():
    text = "from 198.51.100.23, and 2001:db8::1."
    assert [text[a:b] for a, b in ipv4(text)] == ["198.51.100.23"]
    assert [text[a:b] for a, b in ipv6(text)] == ["2001:db8::1"]
