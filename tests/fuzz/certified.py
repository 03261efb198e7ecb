"""Certificates and requests of which a fuzzer changes the content: signed after it did.

Whoever writes such a file has a key of its own, so a signature keeps nobody out.
"""

import base64
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

_SEQUENCE: Final = b"\x30"
_BITS: Final = b"\x03"
_ECDSA_SHA256: Final = bytes.fromhex("300a06082a8648ce3d040302")  # RFC 5758, 3.2
_FROM: Final = datetime(2026, 11, 1, tzinfo=UTC)
_UNTIL: Final = datetime(2027, 11, 1, tzinfo=UTC)


def _key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number, ec.SECP256R1())


TLS_KEY: Final = _key(7)
CA_KEY: Final = _key(8)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(name: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name("Tocsin hub"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(
            x509.BasicConstraints(ca=key is CA_KEY, path_length=None), critical=True
        )
        .sign(CA_KEY, SHA256())
    )


REQUEST_BODY: Final = (
    x509.CertificateSigningRequestBuilder()
    .subject_name(_name("cert-aq"))
    .sign(TLS_KEY, SHA256())
    .tbs_certrequest_bytes
)
LEAF_BODY: Final = _certificate("cert-aq", TLS_KEY).tbs_certificate_bytes
CA_BODY: Final = _certificate("Tocsin hub", CA_KEY).tbs_certificate_bytes


def signed_der(body: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Sign what a certificate or a request says (X.509 `SIGNED`), always in one way."""
    scheme = ec.ECDSA(SHA256(), deterministic_signing=True)
    signature = key.sign(body, scheme)
    return _der(_SEQUENCE, body + _ECDSA_SHA256 + _der(_BITS, b"\0" + signature))


def _der(tag: bytes, content: bytes) -> bytes:
    size = len(content)
    if size < 128:  # X.690, 8.1.3.4
        return tag + bytes([size]) + content
    spelled = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return tag + bytes([128 | len(spelled)]) + spelled + content


def pem(label: str, der: bytes) -> bytes:
    """RFC 7468."""
    text = base64.b64encode(der)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    named = label.encode()
    return b"\n".join(
        [
            b"-----BEGIN " + named + b"-----",
            *lines,
            b"-----END " + named + b"-----",
            b"",
        ]
    )


TLS_PEM: Final = TLS_KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)
REQUEST_PEM: Final = pem("CERTIFICATE REQUEST", signed_der(REQUEST_BODY, TLS_KEY))
LEAF_PEM: Final = pem("CERTIFICATE", signed_der(LEAF_BODY, CA_KEY))
CA_PEM: Final = pem("CERTIFICATE", signed_der(CA_BODY, CA_KEY))
