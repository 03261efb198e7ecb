"""base64url: one spelling for one value, everything else refused."""

import base64

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broker import base64url
from broker.errors import TrustError
from schemas.errors import RefusedError


def refusal(text: bytes) -> TrustError:
    with pytest.raises(TrustError) as caught:
        base64url.decode(text, "there")
    return caught.value


@settings(derandomize=True)
@given(st.binary(max_size=200))
@example(b"")
@example(bytes(range(256)))
@example(b"\xfb\xff\xfe")  # -__-
def test_what_is_encoded_decodes_again(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data)) == data


@settings(derandomize=True)
@given(st.binary(max_size=200))
def test_the_standard_library_gives_the_same_text(data: bytes) -> None:
    expected = base64.urlsafe_b64encode(data).rstrip(b"=")
    assert base64url.encode(data) == expected


@settings(derandomize=True)
@given(
    st.binary(max_size=12) | st.text("AQgwEcks048-_+/= \n", max_size=12).map(str.encode)
)
def test_a_text_that_decodes_is_the_only_spelling_of_its_value(text: bytes) -> None:
    try:
        data = base64url.decode(text)
    except RefusedError:
        return
    assert base64url.encode(data) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"QQ==", id="padding"),
        pytest.param(b"QQ=", id="half the padding"),
        pytest.param(b"QUI=", id="one padding character"),
        pytest.param(b"QUJD=", id="padding after whole groups"),
        pytest.param(b"QUJD====", id="a group of padding"),
        pytest.param(b"QR", id="spare bits in two characters"),
        pytest.param(b"QUJ", id="spare bits in three characters"),
        pytest.param(b"QUJDR", id="a single character over"),
        pytest.param(b"A", id="a single character"),
        pytest.param(b"QU JD", id="a space inside"),
        pytest.param(b" QUJD", id="a space before"),
        pytest.param(b"QUJD\n", id="a line feed after"),
        pytest.param(b"QUJD\r\nQUJD", id="a broken line"),
        pytest.param(b"QU\0D", id="a zero byte"),
        pytest.param(b"QU+D", id="plus of the other alphabet"),
        pytest.param(b"QU/D", id="slash of the other alphabet"),
        pytest.param(b"QU!D", id="an exclamation mark"),
        pytest.param(b"QU.D", id="a full stop"),
        pytest.param(b"QU~D", id="a tilde"),
        pytest.param(b"QU\xc3\xa9", id="a letter beyond ASCII"),
        pytest.param(b"\xff\xff\xff\xff", id="bytes beyond ASCII"),
    ],
)
def test_another_spelling_is_refused_at_its_place(text: bytes) -> None:
    error = refusal(text)
    assert (error.reason, error.where) == ("bad-base64", "there")


def test_of_all_last_characters_only_those_without_spare_bits_are_taken() -> None:
    alphabet = base64url.encode(
        bytes.fromhex(
            "00108310518720928b30d38f41149351559761969b71d79f8218a39259a7a29aabb2dbafc31cb3d35db7e39ebbf3dfbf"
        )
    )
    assert len(set(alphabet)) == 64

    def taken(start: bytes) -> int:
        return sum(1 for last in alphabet if not _is_refused(start + bytes([last])))

    assert (taken(b"A"), taken(b"AA"), taken(b"AAA"), taken(b"")) == (4, 16, 64, 0)


def _is_refused(text: bytes) -> bool:
    try:
        base64url.decode(text)
    except TrustError:
        return True
    return False
