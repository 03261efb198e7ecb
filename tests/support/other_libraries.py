"""Three SD-JWT libraries that know nothing of ours, and what to give them.

In Python the reference library (PyPI `sd-jwt`); in JavaScript and Rust those of
`tests.support.node`. All are laxer than we are; only good tokens go in, but for the
check that they check at all.
"""

from collections.abc import Callable, Iterator
from typing import Any

from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from broker import sdjwt
from broker.concealing import Decoy, Hidden
from broker.keys import Jwk, PublicKey
from tests.support.node import NPM, RUST, Libraries, public_jwk
from tests.support.records import HEADER

PYPI = "sd-jwt"
ALL = (PYPI, NPM, RUST)
BY_NODE = (NPM, RUST)

# Library, token, key -> payload.
Read = Callable[[str, bytes, Jwk], Any]


def reader(node: Libraries, *, now: int) -> Read:
    """Give a function that reads by any of the libraries.

    Args:
        now: Seconds since 1970.
    """

    def read(library: str, token: bytes, jwk: Jwk) -> Any:
        if library == PYPI:
            return read_by_python(token, jwk)
        return node.verify(library, token, jwk, now=now)

    return read


def read_by_python(token: bytes, jwk: Jwk) -> Any:
    key = JWK(**public_jwk(jwk))
    read = SDJWTVerifier(token.decode(), lambda _issuer, _header: key)
    return read.get_verified_payload()


def made_by_python(claims: Any, key: JWK) -> bytes:
    maker = SDJWTIssuer(claims, key, sign_alg="EdDSA", extra_header_parameters=HEADER)
    return maker.sd_jwt_issuance.encode()


# ------------------------------------------------------------------------ our tokens


def opened(token: bytes, jwk: Jwk) -> sdjwt.Opened:
    return sdjwt.verify(token, lambda _: PublicKey(jwk))


def cuttings(token: bytes, jwk: Jwk) -> Iterator[bytes]:
    """Cut a token in several ways, all disclosures gone in the last.

    What is within a withheld part goes with it.
    """
    whole = opened(token, jwk)
    count = len(sdjwt.split(token)[1])
    for step in (1, 2, 3, 5):
        yield sdjwt.withhold(whole, set(range(0, count, step)) - {count // 2})
    yield sdjwt.withhold(whole, ())


# -------------------------------------------------------------------------- of theirs


def for_python(value: Any) -> Any:
    """The same tree with the reference library's marks for what is hidden.

    It cannot put decoys into arrays.
    """
    if isinstance(value, Hidden):
        return SDObj(for_python(value.value))
    if isinstance(value, dict):
        return {
            SDObj(name) if isinstance(each, Hidden) else name: for_python(
                each.value if isinstance(each, Hidden) else each
            )
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [for_python(each) for each in value if not isinstance(each, Decoy)]
    return value


def for_npm(value: Any) -> tuple[Any, dict[str, Any]]:
    """Give plain claims, and the frame that says which of them are hidden."""
    if isinstance(value, Hidden):
        return for_npm(value.value)
    if isinstance(value, list):
        kept = [each for each in value if not isinstance(each, Decoy)]
        plain, frame = for_npm({str(i): each for i, each in enumerate(kept)})
        frame["_sd"] = [int(index) for index in frame.get("_sd", ())]
        if decoys := len(value) - len(kept):
            frame["_sd_decoy"] = decoys
        return list(plain.values()), frame
    if not isinstance(value, dict):
        return value, {}
    parts = {name: for_npm(each) for name, each in value.items()}
    frame = {name: inner for name, (_, inner) in parts.items() if inner}
    frame["_sd"] = [n for n, each in value.items() if isinstance(each, Hidden)]
    return {name: plain for name, (plain, _) in parts.items()}, frame
