"""`pkcs11:` URIs: what names one key in one token, and nothing that is not understood."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import key_uri
from broker.errors import ConfigError
from broker.key_uri import KeyUri, parse

WHOLE = "pkcs11:token=hub;object=gate?module-path=/usr/lib/x.so&pin-source=/etc/pin"


def test_a_uri_names_module_token_key_and_pin() -> None:
    assert parse(WHOLE) == KeyUri(
        module=Path("/usr/lib/x.so"),
        token="hub",
        serial="",
        label="gate",
        id=b"",
        pin_file=Path("/etc/pin"),
    )


def test_values_may_be_percent_encoded_and_an_id_is_bytes() -> None:
    found = parse(
        "PKCS11:serial=00%20f;id=%00%FF;type=private?module-path=%2Fopt%2fx.so"
    )
    assert (found.serial, found.id, found.token) == ("00 f", b"\0\xff", "")
    assert (found.module, found.pin_file) == (Path("/opt/x.so"), None)


def test_values_hold_what_rfc_7512_lets_them() -> None:
    odd = "AZaz09-._~:[]@!$'()*+,=&"
    found = parse(WHOLE.replace("hub", odd).replace("/etc/pin", "/etc/(p)?|$,=~:pin"))
    assert found.token == odd
    assert found.pin_file == Path("/etc/(p)?|$,=~:pin")


def test_a_uri_has_at_most_2048_characters() -> None:
    longest = WHOLE.replace("hub", "h" * (2048 - len(WHOLE) + len("hub")))
    assert len(longest) == 2048
    assert parse(longest)
    with pytest.raises(ConfigError):
        parse(longest + "x")


@pytest.mark.parametrize("source", ["file:/etc/pin", "file:///etc/pin", "/etc/pin"])
def test_a_pin_file_may_be_a_file_uri(source: str) -> None:
    assert parse(WHOLE.replace("/etc/pin", source)).pin_file == Path("/etc/pin")


@pytest.mark.parametrize("source", ["%7Cprogram", "pin", "file:pin", "/etc/%00pin"])
def test_a_pin_comes_from_no_program_and_no_relative_path(source: str) -> None:
    with pytest.raises(ConfigError, match="absolute path"):
        parse(WHOLE.replace("/etc/pin", source))


def test_a_pin_in_the_uri_is_refused_and_not_quoted() -> None:
    with pytest.raises(ConfigError, match="must not stand") as caught:
        parse(WHOLE + "&pin-value=s3cret")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("/etc/tocsin/hub.key", "pkcs11:..."),
        (WHOLE + "x" * 2048, "pkcs11:..."),
        (WHOLE.replace("token=hub;", ""), "name the token"),
        (WHOLE.replace("token=hub", "token="), "name the token"),
        (WHOLE.replace(";object=gate", ""), "name the key"),
        (WHOLE.replace("?module-path=/usr/lib/x.so&", "?"), "library"),
        (WHOLE.replace("/usr/lib/x.so", "x.so"), "absolute path"),
        (WHOLE.replace("hub", "hub;type=cert"), "type=private"),
        (WHOLE.replace("hub", "hub;token=hub"), "stands twice"),
        (WHOLE.replace("hub", "h%2"), "spells it"),
        (WHOLE.replace("hub", "h b"), "spells it"),
        (WHOLE.replace("hub", "%FF"), "not UTF-8"),
        (WHOLE.replace("token=hub", "token=hub;slot-id=3"), "something else"),
        (WHOLE.replace("token=hub", "token=hub;pin-source=/etc/pin"), "something else"),
        (WHOLE + "&module-name=x", "something else"),
    ],
)
def test_what_is_not_understood_is_refused(uri: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(uri)


@given(st.text(st.sampled_from("pkcs1:;?&=%/0Ftokenbjcidmul-ahs."), max_size=60))
def test_any_text_is_a_uri_or_refused(text: str) -> None:
    for each in (text, f"pkcs11:{text}", f"pkcs11:token=a;object=b?{text}"):
        try:
            found = parse(each)
        except ConfigError:
            continue
        assert found.module.is_absolute()
        assert found.token or found.serial
        assert found.label or found.id


def test_paths_are_no_uris() -> None:
    assert not key_uri.is_uri("keys/pkcs11:token=a")
    assert key_uri.is_uri("pkcs11:")
