"""Certificates: what an authority issues to whom, and which requests it refuses."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import (
    ClientVerifier,
    PolicyBuilder,
    Store,
    VerificationError,
)
from hypothesis import given
from hypothesis import strategies as st

from broker.certificates import (
    MAX_REQUEST_BYTES,
    Authority,
    facts,
    issue,
    issue_server,
    load_ca,
    make_ca,
    make_request,
)
from broker.errors import ConfigError, TrustError

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MADE = make_ca("Tocsin hub", now=NOW)
CA = load_ca(MADE.key, MADE.public)
OTHER = make_ca("Somebody else", now=NOW)


def parsed(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def extension(pem: bytes, kind: type[x509.ExtensionType]) -> x509.ExtensionType:
    return parsed(pem).extensions.get_extension_for_class(kind).value


def request_of(
    *names: tuple[x509.ObjectIdentifier, str],
    key: object = None,
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> bytes:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject)
    for each in extensions:
        made = made.add_extension(each, critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return made.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)


def issued(
    request: bytes | None = None, *, ca: Authority = CA, **more: object
) -> bytes:
    request = make_request("cert-aq").public if request is None else request
    return issue(request, **{"login": "cert-aq", "ca": ca, "now": NOW} | more)


def as_client(at: datetime, ca: bytes = MADE.public) -> ClientVerifier:
    store = Store([parsed(ca)])
    return PolicyBuilder().store(store).time(at).build_client_verifier()


def test_a_login_gets_a_certificate_of_its_name_alone_for_clients_alone():
    made = issued()
    assert facts(made).name == "cert-aq"
    assert len(parsed(made).subject) == 1
    assert list(extension(made, x509.ExtendedKeyUsage)) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    assert extension(made, x509.BasicConstraints).ca is False
    with pytest.raises(x509.ExtensionNotFound):
        extension(made, x509.SubjectAlternativeName)


def test_it_holds_from_now_for_the_days_asked_and_no_longer_than_the_authority():
    found = facts(issued(days=30))
    assert found.not_before == NOW - timedelta(minutes=5)
    assert found.not_after == NOW + timedelta(days=30)
    short = make_ca("Tocsin hub", now=NOW, days=10)
    ends = facts(issued(ca=load_ca(short.key, short.public), days=30)).not_after
    assert ends == NOW + timedelta(days=10)


def test_a_node_is_known_by_its_alternative_names_and_is_no_login():
    made = issue_server(["rabbit.example", "127.0.0.1"], ca=CA, now=NOW)
    assert facts(made.public).name == ""
    names = extension(made.public, x509.SubjectAlternativeName)
    assert names.get_values_for_type(x509.DNSName) == ["rabbit.example"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == [
        "127.0.0.1"
    ]
    verifier = PolicyBuilder().store(Store([parsed(MADE.public)])).time(NOW)
    server = verifier.build_server_verifier(x509.DNSName("rabbit.example"))
    assert len(server.verify(parsed(made.public), [])) == 2
    with pytest.raises(VerificationError):
        as_client(NOW).verify(parsed(made.public), [])


def test_an_authority_vouches_for_no_other_authority():
    assert extension(MADE.public, x509.BasicConstraints).path_length == 0


def test_a_pair_does_not_show_its_key():
    made = make_request("cert-aq")
    assert b"PRIVATE KEY" in made.key
    assert "PRIVATE" not in repr(made)
    assert "key" not in repr(CA).split("certificate")[0]


def test_nothing_but_the_key_is_taken_from_a_request():
    asked = request_of(
        (NameOID.COMMON_NAME, "cert-aq"),
        extensions=(
            x509.BasicConstraints(ca=True, path_length=None),
            x509.SubjectAlternativeName([x509.DNSName("gate")]),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        ),
    )
    made = issued(asked)
    assert extension(made, x509.BasicConstraints).ca is False
    assert ExtendedKeyUsageOID.SERVER_AUTH not in list(
        extension(made, x509.ExtendedKeyUsage)
    )
    with pytest.raises(x509.ExtensionNotFound):
        extension(made, x509.SubjectAlternativeName)


def test_a_p384_key_is_taken():
    key = ec.generate_private_key(ec.SECP384R1())
    assert facts(issued(request_of((NameOID.COMMON_NAME, "cert-aq"), key=key))).name


@pytest.mark.parametrize(
    ("names", "where"),
    [
        ([(NameOID.COMMON_NAME, "cert-bx")], "$.subject"),
        ([(NameOID.COMMON_NAME, "gate")], "$.subject"),
        ([(NameOID.COMMON_NAME, "cert-aq\n")], "$.subject"),
        ([(NameOID.COMMON_NAME, "CERT-AQ")], "$.subject"),
        ([(NameOID.COMMON_NAME, "cert-.*")], "$.subject"),
        (
            [(NameOID.COMMON_NAME, "cert-aq"), (NameOID.COMMON_NAME, "gate")],
            "$.subject",
        ),
        (
            [(NameOID.COMMON_NAME, "cert-aq"), (NameOID.ORGANIZATION_NAME, "Q")],
            "$.subject",
        ),
        ([(NameOID.ORGANIZATION_NAME, "cert-aq")], "$.subject"),
        ([], "$.subject"),
    ],
)
def test_a_request_of_another_subject_is_refused(names, where):
    with pytest.raises(TrustError) as caught:
        issued(request_of(*names))
    assert (caught.value.reason, caught.value.where) == ("request-invalid", where)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(ed25519.Ed25519PrivateKey.generate(), id="Ed25519"),
        pytest.param(ec.generate_private_key(ec.SECP521R1()), id="P-521"),
        pytest.param(ec.generate_private_key(ec.SECP256K1()), id="secp256k1"),
    ],
)
def test_a_key_of_another_kind_is_refused(key):
    with pytest.raises(TrustError, match=r"request-invalid at \$.key"):
        issued(request_of((NameOID.COMMON_NAME, "cert-aq"), key=key))


def test_a_request_that_its_key_did_not_sign_is_refused():
    der = bytearray(
        x509.load_pem_x509_csr(make_request("cert-aq").public).public_bytes(
            serialization.Encoding.DER
        )
    )
    der[-1] ^= 1
    try:
        bent = x509.load_der_x509_csr(bytes(der))
    except ValueError:
        pytest.fail("the bent request should still be one")
    with pytest.raises(TrustError, match="request-invalid"):
        issued(bent.public_bytes(serialization.Encoding.PEM))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        MADE.public,
        make_request("cert-aq").public + b"\n" * MAX_REQUEST_BYTES,
    ],
)
def test_what_is_no_request_is_refused(data):
    with pytest.raises(TrustError, match="request-invalid"):
        issued(data)


ASKED = x509.load_pem_x509_csr(make_request("cert-aq").public).public_bytes(
    serialization.Encoding.DER
)


def bent(at: int, value: int) -> bytes:
    der = bytearray(ASKED)
    der[at] = value
    return pem_of(bytes(der))


def pem_of(der: bytes) -> bytes:
    kind = b"CERTIFICATE REQUEST-----\n"
    return b"-----BEGIN " + kind + base64.encodebytes(der) + b"-----END " + kind


def test_one_byte_of_another_value_anywhere_never_does_more_than_refuse():
    signature = x509.load_der_x509_csr(ASKED).signature
    # How many of its last bits do not count (X.690, 8.6.2.2): more may be no other one.
    unused = len(ASKED) - len(signature) - 1
    for at in range(len(ASKED)):
        for value in (0, 3, 255, ASKED[at] ^ 1):
            if value != ASKED[at] and at != unused:
                with pytest.raises(TrustError, match="request-invalid"):
                    issued(bent(at, value))


@given(
    st.lists(
        st.tuples(st.integers(0, len(ASKED) - 1), st.integers(0, 255)), max_size=4
    ),
    st.integers(0, len(ASKED)),
)
def test_whatever_is_sent_as_a_request_is_refused_or_gets_the_one_name(changes, end):
    der = bytearray(ASKED)
    for at, value in changes:
        der[at] = value
    pem = pem_of(bytes(der[: end or None]))
    try:
        made = issued(pem)
    except TrustError:
        pass
    else:
        assert facts(made).name == "cert-aq"
        assert len(parsed(made).subject) == 1


@pytest.mark.parametrize(
    "name", ["", "a", "A1", "9cert", "a.b", "cert-.*", "a" * 50, "ab\n"]
)
def test_what_cannot_be_a_login_gets_nothing(name):
    with pytest.raises(ConfigError, match="a login is not"):
        make_request(name)
    with pytest.raises(ConfigError, match="a login is not"):
        issued(login=name)


def test_the_administrator_of_a_new_rabbitmq_gets_no_certificate():
    with pytest.raises(ConfigError, match="guest"):
        make_request("guest")
    with pytest.raises(ConfigError, match="guest"):
        issued(login="guest")


@pytest.mark.parametrize("days", [0, -1, 826])
def test_a_life_out_of_bounds_is_a_mistake_of_the_operator(days):
    with pytest.raises(ConfigError, match="days"):
        issued(days=days)


def test_an_authority_that_has_ended_issues_nothing():
    with pytest.raises(ConfigError, match="has ended"):
        issued(now=NOW + timedelta(days=3650))


@pytest.mark.parametrize(
    "names", [[], ["Rabbit.example"], ["*.example"], ["a b"], [""]]
)
def test_a_node_needs_names_that_are_hosts_or_addresses(names):
    with pytest.raises(ConfigError, match="node"):
        issue_server(names, ca=CA, now=NOW)


@pytest.mark.parametrize(
    ("key", "certificate"),
    [
        (MADE.key, OTHER.public),
        (MADE.public, MADE.key),
        (b"", MADE.public),
        (
            ed25519.Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            MADE.public,
        ),
    ],
)
def test_an_authority_is_a_key_and_its_own_certificate(key, certificate):
    with pytest.raises(ConfigError, match="authority"):
        load_ca(key, certificate)


def test_what_is_no_certificate_has_no_facts():
    with pytest.raises(ConfigError, match="no certificate"):
        facts(b"hello")


# cryptography announces that it will refuse a serial number of 0 itself.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_a_certificate_with_one_other_byte_has_facts_or_is_none():
    der = parsed(MADE.public).public_bytes(serialization.Encoding.DER)
    kind = b"CERTIFICATE-----\n"
    refused = 0
    for at in range(len(der)):
        for value in (3, 255):
            bent_der = der[:at] + bytes([value]) + der[at + 1 :]
            body = base64.encodebytes(bent_der)
            try:
                facts(b"-----BEGIN " + kind + body + b"-----END " + kind)
            except ConfigError:
                refused += 1
    assert refused > 100
