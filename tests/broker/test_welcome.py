"""The hub's answer to a request to join: what a member takes, and what it does not."""

import base64
import json
import tomllib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from broker.certificates import issue, load_ca, make_ca, make_request
from broker.errors import ConfigError, TrustError
from broker.join_request import make as ask
from broker.join_request import read as asked
from broker.welcome import (
    MAX_BYTES,
    Broker,
    DirectoryPlace,
    check,
    configuration,
    fingerprint,
    is_same,
    make,
    read,
)
from schemas.errors import RefusedError
from tests.support.records import CERT, NOW, member

AT = datetime.fromtimestamp(NOW, UTC)
MADE = make_ca("Tocsin hub", now=AT)
CA = load_ca(MADE.key, MADE.public)
TLS = make_request("cert-aq")
OWN = asked(ask(member(), TLS.public, CERT, now=NOW))
CERTIFICATE = issue(TLS.public, login="cert-aq", ca=CA, now=AT)
BROKER = Broker("amqps://hub.example:5671/", MADE.public.decode())
PLACE = DirectoryPlace("https://hub.example/directory", '{"signed": {}}')


def welcome(request=OWN, **changes):
    values = {
        "hub": "Tocsin Hub",
        "broker": BROKER,
        "certificate": CERTIFICATE,
        "directory": PLACE,
    }
    return make(request, **(values | changes))


FILE = welcome()


def bent(**changes):
    return json.dumps({"welcome": json.loads(FILE)["welcome"] | changes}).encode()


def refusal(data):
    with pytest.raises(RefusedError) as caught:
        read(data)
    return caught.value.reason, caught.value.where


def checked(data=FILE, *, own=OWN, key=TLS.key, at=AT):
    check(read(data), own, key, now=at)


def test_an_answer_to_our_own_request_is_taken():
    checked()
    found = read(FILE)
    assert (found.org, found.broker, found.directory) == ("cert-aq", BROKER, PLACE)


def test_the_directory_may_come_otherwise():
    data = welcome(directory=None)
    checked(data)
    assert "directory" not in tomllib.loads(configuration(read(data), key="k"))


def test_nothing_secret_is_in_an_answer():
    assert b"PRIVATE" not in FILE


def test_the_answer_to_another_request_is_not_ours():
    again = asked(ask(member(), TLS.public, CERT, now=NOW + 1))
    with pytest.raises(TrustError, match="welcome-foreign"):
        checked(own=again)
    with pytest.raises(TrustError, match="welcome-foreign"):
        checked(bent(thumbprint="A" * 43))
    with pytest.raises(TrustError, match="welcome-foreign"):
        checked(bent(org="cert-bv"))


def test_the_certificate_must_be_of_our_key_and_name_and_of_the_authority_beside_it():
    other = make_request("cert-aq")
    theirs = make_ca("Somebody else", now=AT)
    with pytest.raises(TrustError, match=r"certificate at \$.key"):
        checked(key=other.key)
    with pytest.raises(TrustError, match=r"certificate at \$.issuer"):
        checked(welcome(broker=Broker(BROKER.url, theirs.public.decode())))
    with pytest.raises(TrustError, match=r"certificate at \$.issuer"):
        checked(bent(certificate="none"))
    # Our own key, signed for by the hub under another name.
    bx = make_request("cert-bx")
    named = issue(bx.public, login="cert-bx", ca=CA, now=AT)
    with pytest.raises(TrustError, match=r"certificate at \$.subject"):
        checked(welcome(certificate=named), key=bx.key)


# cryptography announces that it will refuse some of these itself.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_a_certificate_with_another_byte_is_refused_and_raises_nothing_else():
    der = x509.load_pem_x509_certificate(CERTIFICATE).public_bytes(Encoding.DER)
    kind = "CERTIFICATE-----\n"
    for at in range(0, len(der), 3):
        bent_der = der[:at] + bytes([der[at] ^ 255]) + der[at + 1 :]
        body = base64.encodebytes(bent_der).decode()
        data = bent(certificate=f"-----BEGIN {kind}{body}-----END {kind}")
        with pytest.raises(TrustError, match="certificate"):
            checked(data)


def test_the_certificate_must_be_valid_now():
    with pytest.raises(TrustError, match=r"certificate at \$.validity"):
        checked(at=AT + timedelta(days=180))
    with pytest.raises(TrustError, match=r"certificate at \$.validity"):
        checked(at=AT - timedelta(minutes=6))
    checked(at=AT + timedelta(days=180, seconds=-1))


def test_a_key_that_is_none_is_the_member_s_own_fault():
    with pytest.raises(ConfigError, match="no PEM"):
        checked(key=b"none")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="an object"),
        pytest.param(bent(v=2), id="another version"),
        pytest.param(bent(x=1), id="an unknown part"),
        pytest.param(bent(org="Cert AQ"), id="a name that is none"),
        pytest.param(bent(request="short"), id="a digest that is none"),
        pytest.param(bent(hub="\x1b[2J"), id="a hub that clears the screen"),
        pytest.param(bent(certificate="x" * 20_000), id="a long certificate"),
        pytest.param(FILE[:-2] + b', "also": 1}', id="something beside it"),
    ],
)
def test_what_is_no_answer_is_refused(data):
    assert refusal(data)[0] == "welcome-invalid"


@pytest.mark.parametrize(
    "url",
    [
        "amqp://hub.example/",
        "amqps://",
        "amqps://user:secret@hub.example/",
        "amqps://hub.example:port/",
        "amqps://[::1/",
        'amqps://hub.example/"\nkey = "x',
        "amqps://hub.example/\u2028",
        "https://hub.example/",
    ],
)
def test_a_broker_is_reached_by_tls_alone_and_without_a_login(url):
    data = bent(broker={"url": url, "ca": BROKER.ca})
    assert refusal(data) == ("welcome-invalid", "$.welcome.broker.url")


@pytest.mark.parametrize("url", ["ftp://hub.example/d", "https://u:p@hub.example", "x"])
def test_a_directory_is_on_the_web_or_in_a_folder(url):
    data = bent(directory={"url": url, "root": "{}"})
    assert refusal(data) == ("welcome-invalid", "$.welcome.directory.url")
    assert read(bent(directory={"url": "file:///media/stick", "root": "{}"}))


def test_a_file_beyond_its_bound_is_not_even_parsed():
    assert refusal(b" " * (MAX_BYTES + 1)) == ("too-large", "")


def test_what_no_member_would_take_is_not_made():
    with pytest.raises(TrustError, match="welcome-invalid"):
        welcome(broker=Broker("amqp://hub.example/", MADE.public.decode()))


def test_one_other_byte_gives_another_fingerprint_and_grouping_does_not_matter():
    told = fingerprint(FILE)
    assert len(told.split(" ")) == 16
    assert not is_same(told, fingerprint(FILE + b"\n"))
    assert is_same(told.lower().replace(" ", "-"), told)
    assert is_same(f" {told.replace(' ', '')}\n", told)
    assert not is_same(told[:-1], told)
    assert not is_same("", told)


def test_the_configuration_names_the_files_that_start_writes():
    found = tomllib.loads(configuration(read(FILE), key="pkcs11:token=a;object=b"))
    assert found == {
        "org": "cert-aq",
        "key": "pkcs11:token=a;object=b",
        "state": "cert-aq.sqlite",
        "broker": {
            "url": BROKER.url,
            "user": "cert-aq",
            "ca_file": "cert-aq.ca.pem",
            "cert_file": "cert-aq.tls.pem",
            "key_file": "cert-aq.tls.key",
        },
        "directory": {
            "url": PLACE.url,
            "root": "cert-aq.root.json",
            "cache": "cert-aq.directory",
        },
    }


def test_of_a_cluster_every_node_is_named():
    others = ("amqps://b.example:5671/", "amqps://c.example:5671/")
    several = Broker(BROKER.url, BROKER.ca, others)
    found = read(welcome(broker=several))
    assert found.broker == several
    written = tomllib.loads(configuration(found, key="k"))
    assert written["broker"]["urls"] == [BROKER.url, *others]
    assert "url" not in written["broker"]
    bad = msgspec.structs.replace(found.broker, others=("amqp://b.example/",))
    data = bent(broker=msgspec.to_builtins(bad))
    assert refusal(data) == ("welcome-invalid", "$.welcome.broker.others[0]")


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40))
def test_a_name_of_a_key_cannot_end_its_line_of_the_configuration(key):
    assert tomllib.loads(configuration(read(FILE), key=key))["key"] == key


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_a_refusal(data):
    assert refusal(data)[0] == "welcome-invalid"


@given(st.data())
def test_a_bent_answer_has_another_fingerprint(data):
    at = data.draw(st.integers(0, len(FILE) - 1))
    other = bytearray(FILE)
    other[at] ^= data.draw(st.integers(1, 127))
    assert not is_same(fingerprint(FILE), fingerprint(bytes(other)))
    try:
        found = read(bytes(other))
    except RefusedError:
        return
    assert msgspec.json.encode(found)
