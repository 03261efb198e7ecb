"""Certificates of a small authority: the hub's node, and one for each login. Pure.

A login's certificate says one thing, its common name, which RabbitMQ takes for the
login (`ssl_cert_login_from = common_name`). Of a request only the public key is
taken over. There is no revocation list: whoever loses the user in RabbitMQ has
lost the login, and a certificate lives `DAYS` days.

Profiles follow RFC 5280; keys are P-256 or P-384, which the TLS of Erlang 25 and of
OpenSSL 3 both take for clients.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from broker.errors import ConfigError, TrustError

CA_DAYS: Final = 3650
DAYS: Final = 180
MAX_DAYS: Final = 825
MAX_REQUEST_BYTES: Final = 16 * 1024

# An organisation, or a login of the hub: `gate`, `operator`, `adapter-<name>`.
_LOGIN = re.compile(r"[a-z][a-z0-9-]{1,48}")
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
_CURVES = (ec.SECP256R1, ec.SECP384R1)
# What `cryptography` raises on bytes that are not as they must be (seen by fuzzing).
_UNREADABLE = (
    ValueError,
    TypeError,
    x509.InvalidVersion,
    UnsupportedAlgorithm,
    InvalidSignature,
)
_SKEW = timedelta(minutes=5)  # whose clock is behind must not refuse what is new
_SERVER_NAME = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tocsin hub")])


@dataclass(frozen=True)
class Pair:
    """A private key and what goes with it, as PEM.

    Attributes:
        key: PKCS#8, unencrypted: write it with mode 0600.
        public: The certificate, or the request for one.
    """

    key: bytes = field(repr=False)
    public: bytes


@dataclass(frozen=True)
class Authority:
    """Who issues; made by `load_ca`."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate


@dataclass(frozen=True)
class Facts:
    """What people are told of a certificate.

    Attributes:
        name: Its common name, "" if it has none.
        fingerprint: SHA-256 of its DER, 64 hexadecimal digits.
    """

    name: str
    not_before: datetime
    not_after: datetime
    fingerprint: str


def make_ca(name: str, *, now: datetime, days: int = CA_DAYS) -> Pair:
    """Make an authority that issues to logins and nodes, to no other authority.

    Args:
        name: For people, 1 to 64 characters.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named(name)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        _builder(subject, subject, key.public_key(), now, now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(key, made)


def load_ca(key: bytes, certificate: bytes) -> Authority:
    """Read what `make_ca` made, from PEM.

    Raises:
        ConfigError: One of both is unusable, or they do not belong together.
    """
    try:
        private = serialization.load_pem_private_key(key, password=None)
        public = x509.load_pem_x509_certificate(certificate)
    except _UNREADABLE:
        raise ConfigError("the authority's key or certificate is no PEM") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or (
        private.public_key() != public.public_key()
    ):
        raise ConfigError("the authority's key and certificate are no pair")
    return Authority(private, public)


def make_request(login: str) -> Pair:
    """Make a P-256 key and the request (PKCS#10, RFC 2986) for *login*.

    Raises:
        ConfigError: *login* cannot be one.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(
        _named(_login(login))
    )
    made = request.sign(key, hashes.SHA256())
    return Pair(_private(key), made.public_bytes(serialization.Encoding.PEM))


def check_request(request: bytes, *, login: str) -> None:
    """Check that `issue` would take *request*.

    Raises:
        TrustError: `request-invalid`, as `issue` says.
        ConfigError: *login* cannot be one.
    """
    _public_key(request, _login(login))


def issue(
    request: bytes, *, login: str, ca: Authority, now: datetime, days: int = DAYS
) -> bytes:
    """Return the certificate (PEM) of a login, for TLS clients alone.

    It ends with that of *ca* at the latest.

    Raises:
        TrustError: `request-invalid`: no PKCS#10 request in PEM below 16 KiB, not
            signed by its own key, another subject than the common name *login*, or
            neither P-256 nor P-384.
        ConfigError: *login* cannot be one, *days* is not 1 to `MAX_DAYS`, or *ca*
            has ended.
    """
    public = _public_key(request, _login(login))
    made = _leaf(ca, _named(login), public, now, days)
    return _signed(ca, made, ExtendedKeyUsageOID.CLIENT_AUTH)


def issue_server(
    names: Iterable[str], *, ca: Authority, now: datetime, days: int = MAX_DAYS
) -> Pair:
    """Make key and certificate of a node that clients reach by *names*.

    Its subject has no common name, so that no node is a login.

    Args:
        names: Host names in lower case, or addresses; at least one.

    Raises:
        ConfigError: As `issue`, or a name is neither.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives = [_alternative(name) for name in names]
    if not alternatives:
        raise ConfigError("a node needs a name or an address")
    made = _leaf(ca, _SERVER_NAME, key.public_key(), now, days).add_extension(
        x509.SubjectAlternativeName(alternatives), critical=False
    )
    return Pair(_private(key), _signed(ca, made, ExtendedKeyUsageOID.SERVER_AUTH))


def check_issued(
    certificate: bytes, *, ca: bytes, key: bytes, login: str, now: datetime
) -> None:
    """Check that *certificate* (PEM) is of *login* and *key*, by *ca*, valid now.

    Raises:
        TrustError: `certificate`, and which of it is not so.
        ConfigError: *key* is no unencrypted private key in PEM.
    """
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except _UNREADABLE:
        raise ConfigError("the key of the certificate is no PEM") from None
    try:
        found = x509.load_pem_x509_certificate(certificate)
        by = x509.load_pem_x509_certificate(ca)
        found.verify_directly_issued_by(by)
        is_ours = found.public_key() == private.public_key()
        name = _common_name(found.subject)
        is_valid = found.not_valid_before_utc <= now < found.not_valid_after_utc
    except _UNREADABLE:
        raise TrustError("certificate", "$.issuer") from None
    for holds, what in ((is_ours, "key"), (name == login, "subject")):
        if not holds:
            raise TrustError("certificate", f"$.{what}")
    if not is_valid:
        raise TrustError("certificate", "$.validity")


def facts(certificate: bytes) -> Facts:
    """Read the first certificate of a PEM.

    Raises:
        ConfigError: There is none.
    """
    try:
        found = x509.load_pem_x509_certificate(certificate)
        return Facts(
            _common_name(found.subject) or "",
            found.not_valid_before_utc,
            found.not_valid_after_utc,
            found.fingerprint(hashes.SHA256()).hex(),
        )
    except _UNREADABLE:
        raise ConfigError("this is no certificate in PEM") from None


def _public_key(request: bytes, login: str) -> ec.EllipticCurvePublicKey:
    if len(request) > MAX_REQUEST_BYTES:
        raise TrustError("request-invalid")
    try:
        found = x509.load_pem_x509_csr(request)
        key = found.public_key()
        whole = found.is_signature_valid and len(found.subject) == 1
        name = _common_name(found.subject)
    except _UNREADABLE:
        raise TrustError("request-invalid") from None
    if not whole or name != login:
        raise TrustError("request-invalid", "$.subject")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(
        key.curve, _CURVES
    ):
        raise TrustError("request-invalid", "$.key")
    return key


def _common_name(subject: x509.Name) -> str | None:
    found = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    # One alone: of several, two readers may take different ones.
    value = found[0].value if len(found) == 1 else None
    return value if isinstance(value, str) else None


def _login(name: str) -> str:
    if not _LOGIN.fullmatch(name):
        raise ConfigError("a login is not [a-z][a-z0-9-]{1,48}")
    if name == "guest":  # RabbitMQ's own first user, its administrator
        raise ConfigError("guest is RabbitMQ's own, and gets no certificate")
    return name


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if not _HOST.fullmatch(name):
            raise ConfigError(
                "a node's name is a host in lower case, or an address"
            ) from None
        return x509.DNSName(name)


def _leaf(
    ca: Authority,
    subject: x509.Name,
    public: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    if not 1 <= days <= MAX_DAYS:
        raise ConfigError(f"a certificate lives 1 to {MAX_DAYS} days")
    ends = ca.certificate.not_valid_after_utc
    if now.astimezone(UTC) >= ends:
        raise ConfigError("the authority's certificate has ended; make a new authority")
    until = min(now + timedelta(days=days), ends)
    made = _builder(subject, ca.certificate.subject, public, now, until)
    return made.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    ).add_extension(_usage(authority=False), critical=True)


def _signed(
    ca: Authority, made: x509.CertificateBuilder, purpose: x509.ObjectIdentifier
) -> bytes:
    # RFC 5280, 4.2.1.1: names the key that signed, whatever the authority's age.
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    return (
        made.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(ca.key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    now: datetime,
    until: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(until)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _pair(key: ec.EllipticCurvePrivateKey, made: x509.Certificate) -> Pair:
    return Pair(_private(key), made.public_bytes(serialization.Encoding.PEM))
