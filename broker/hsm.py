"""Private keys in tokens that do not give them out (PKCS#11; the extra `hsm`). Edge.

`python-pkcs11` starts a module without asking for locks (`C_Initialize(NULL)`), so no
two threads may be inside one (PKCS#11 2.40, 5.4): each module has one lock here, and
each token one session. A token that was gone for a moment is opened once more, with
its PIN read anew; none is kept in memory.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

from broker.errors import ConfigError, TrustError
from broker.key_uri import KeyUri
from broker.keys import Jwk, PublicKey, jwk_of

Alg = Literal["EdDSA", "ES256"]
# Gives the PIN of the token with this label.
AskPin = Callable[[str], str]

_CURVES: Final = {"EdDSA": "1.3.101.112", "ES256": "1.2.840.10045.3.1.7"}
# CKA_EC_POINT: a DER octet string (PKCS#11 2.40, 2.3.3), or bare, as some give it.
_POINTS: Final = {34: b"\x04\x20", 67: b"\x04\x41", 32: b"", 65: b""}
_PROBE: Final = b"tocsin: is this the private key of that public key?"
_SIGNATURE_BYTES: Final = 64


class TokenKey(NamedTuple):
    """A key in a token.

    Attributes:
        sign: Gives 64 bytes; for ES256 r and s (RFC 7518, 3.4). Raises ConfigError
            when the token does not.
    """

    alg: Alg
    jwk: Jwk
    sign: Callable[[bytes], bytes]


def open_key(uri: KeyUri, ask: AskPin) -> TokenKey:
    """Open a private key, and try it on its public key.

    Raises:
        ConfigError: No such module, token or key, a wrong PIN, or the extra `hsm` is
            not installed.
    """
    place = _Place(uri, ask)
    with place.used() as session:
        alg, point = _public(session, uri)
    key = TokenKey(alg, jwk_of(point), place.signing(alg))
    try:
        is_own = PublicKey(key.jwk).verify(key.sign(_PROBE), _PROBE)
    except TrustError:
        is_own = False
    if not is_own:
        raise ConfigError(
            f"{_said(uri)}: its public key does not belong to its private key"
        )
    return key


def make_key(uri: KeyUri, alg: Alg, ask: AskPin) -> TokenKey:
    """Make a key pair in a token, whose private key never leaves it.

    Raises:
        ConfigError: As `open_key`; or there is a key of that name, or the token makes
            none of this kind, or makes one that it would give out.
    """
    if not uri.label:
        raise ConfigError("name the new key by object= in its pkcs11 URI")
    place = _Place(uri, ask)
    with place.used(rw=True) as session:
        if _found(session, uri, "PRIVATE_KEY") or _found(session, uri, "PUBLIC_KEY"):
            raise ConfigError(f"{_said(uri)} exists already; keys are not overwritten")
        _generate(session, uri, alg)
    return open_key(uri, ask)


class _Place:
    """Where a key is, and how to get there again."""

    __slots__ = ("_ask", "_module", "_uri")

    def __init__(self, uri: KeyUri, ask: AskPin) -> None:
        self._uri = uri
        self._ask = ask
        self._module = _module(uri)

    def signing(self, alg: Alg) -> Callable[[bytes], bytes]:
        """Give what signs with the key; callable from any thread."""

        def sign(data: bytes) -> bytes:
            try:
                return self._sign(alg, data)
            except _LostError:  # perhaps it was pulled out and is back
                return self._sign(alg, data)

        return sign

    def _sign(self, alg: Alg, data: bytes) -> bytes:
        with self.used() as session:
            [key] = _one(session, self._uri, "PRIVATE_KEY")
            mechanism = _pkcs11().Mechanism
            signature: bytes = (
                key.sign(data, mechanism=mechanism.EDDSA)
                if alg == "EdDSA"
                # What P-256 signs is a digest; not every token hashes by itself.
                else key.sign(sha256(data).digest(), mechanism=mechanism.ECDSA)
            )
        if len(signature) != _SIGNATURE_BYTES:
            raise ConfigError(f"{_said(self._uri)}: no signature of 64 bytes")
        return signature

    @contextmanager
    def used(self, *, rw: bool = False) -> Iterator[Any]:
        """Give the session, to one thread at a time.

        Raises:
            _LostError, a ConfigError: The token does not do it.
        """
        with self._module.lock, _translated(self._module, self._uri):
            yield self._module.session(self._uri, self._ask, rw=rw)


class _Module:
    """A loaded library, with one session a token."""

    def __init__(self, library: Any) -> None:
        self.lock = threading.RLock()
        self._library = library
        self._sessions: dict[tuple[str, str], Any] = {}

    def session(self, uri: KeyUri, ask: AskPin, *, rw: bool) -> Any:
        at = (uri.token, uri.serial)
        if at not in self._sessions or (rw and not self._sessions[at].rw):
            if at in self._sessions:
                self._sessions.pop(at).close()
            token = self._library.get_token(
                token_label=uri.token or None,
                token_serial=uri.serial.encode() or None,
            )
            self._sessions[at] = token.open(rw=rw, user_pin=ask(token.label))
        return self._sessions[at]

    def forget(self, uri: KeyUri) -> None:
        """Let the next use open a session anew: this one has gone, or may have."""
        session = self._sessions.pop((uri.token, uri.serial), None)
        if session is not None:
            try:
                session.close()
            except _pkcs11().PKCS11Error:
                return  # it went with its token


_modules: dict[str, _Module] = {}
_loading = threading.Lock()


def _module(uri: KeyUri) -> _Module:
    """Load a module, once a process: it has one state, whoever asks."""
    pkcs11 = _pkcs11()
    name = str(uri.module)
    with _loading:
        if name not in _modules:
            try:
                _modules[name] = _Module(pkcs11.lib(name))
            except pkcs11.PKCS11Error:
                raise ConfigError(f"{name} is no PKCS#11 library that loads") from None
        return _modules[name]


def _pkcs11() -> Any:
    try:
        import pkcs11  # noqa: PLC0415  an extra, and a native library
    except ImportError:
        raise ConfigError(
            "keys in tokens need one package more; type: pip install 'tocsin[hsm]'"
        ) from None
    return pkcs11


class _LostError(ConfigError):
    """The session or its token has gone; another attempt may find it again."""


@contextmanager
def _translated(module: _Module, uri: KeyUri) -> Iterator[None]:
    pkcs11 = _pkcs11()
    try:
        yield
    except pkcs11.PKCS11Error as error:
        module.forget(uri)
        name = type(error).__name__
        said = _FAULTS.get(name, f"the token refuses ({name})")
        kind = ConfigError if name in _FINAL else _LostError
        raise kind(f"{_said(uri)}: {said}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{_said(uri)}: its PIN is not UTF-8") from None


_FAULTS: Final = {
    "NoSuchToken": "no such token; is it plugged in, and its name spelled right?",
    "MultipleTokensReturned": "several tokens have that name; add serial=",
    "TokenNotPresent": "the token is not there; plug it in",
    "DeviceRemoved": "the token is not there; plug it in",
    "PinIncorrect": "the PIN is wrong; each attempt more may lock the token",
    "PinInvalid": "the PIN is wrong; each attempt more may lock the token",
    "PinLenRange": "the PIN is wrong; each attempt more may lock the token",
    "PinLocked": "the PIN is locked; the token's security officer unlocks it",
    "UserPinNotInitialized": "the token has no PIN yet; set one with its own tool",
    "MechanismInvalid": "the token does not sign so; ES256 is the more common one",
}
# Once more would find the same, or bring a token nearer to being locked.
_FINAL: Final = frozenset(_FAULTS) - {"TokenNotPresent", "DeviceRemoved"}


def _said(uri: KeyUri) -> str:
    return f"key {uri.label or uri.id.hex()} in token {uri.token or uri.serial}"


def _found(session: Any, uri: KeyUri, kind: str, id_: bytes = b"") -> list[Any]:
    pkcs11 = _pkcs11()
    wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass[kind]}
    if uri.label:
        wanted[pkcs11.Attribute.LABEL] = uri.label
    if id_ or uri.id:
        wanted[pkcs11.Attribute.ID] = id_ or uri.id
    return list(session.get_objects(wanted))


def _one(session: Any, uri: KeyUri, kind: str, id_: bytes = b"") -> list[Any]:
    found = _found(session, uri, kind, id_)
    if len(found) != 1:
        what = kind.lower().replace("_", " ")
        raise ConfigError(
            f"{_said(uri)}: {'no' if not found else 'more than one'} {what} of that name"
        )
    return found


def _public(session: Any, uri: KeyUri) -> tuple[Alg, bytes]:
    pkcs11 = _pkcs11()
    [private] = _one(session, uri, "PRIVATE_KEY")
    [public] = _one(session, uri, "PUBLIC_KEY", private[pkcs11.Attribute.ID])
    kind = private.key_type
    algs: dict[Any, Alg] = {
        pkcs11.KeyType.EC_EDWARDS: "EdDSA",
        pkcs11.KeyType.EC: "ES256",
    }
    point = bytes(public[pkcs11.Attribute.EC_POINT])
    prefix = _POINTS.get(len(point))
    if prefix is None or kind not in algs or not point.startswith(prefix):
        raise ConfigError(f"{_said(uri)} is neither an Ed25519 nor a P-256 key")
    bare = point[len(prefix) :]
    if len(bare) != (32 if algs[kind] == "EdDSA" else 65):
        raise ConfigError(f"{_said(uri)} is neither an Ed25519 nor a P-256 key")
    return algs[kind], bare


def _generate(session: Any, uri: KeyUri, alg: Alg) -> None:
    pkcs11 = _pkcs11()
    attribute = pkcs11.Attribute
    kind = pkcs11.KeyType.EC_EDWARDS if alg == "EdDSA" else pkcs11.KeyType.EC
    parameters = session.create_domain_parameters(
        kind,
        {
            attribute.EC_PARAMS: pkcs11.util.ec.encode_named_curve_parameters(
                _CURVES[alg]
            )
        },
        local=True,
    )
    public, private = parameters.generate_keypair(
        id=uri.id or sha256(uri.label.encode()).digest()[:8],
        label=uri.label,
        store=True,
        capabilities=pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
        private_template={
            attribute.SENSITIVE: True,
            attribute.EXTRACTABLE: False,
            attribute.PRIVATE: True,
        },
    )
    # What the token did, not what it was asked.
    if private[attribute.EXTRACTABLE] or not private[attribute.SENSITIVE]:
        private.destroy()
        public.destroy()
        raise ConfigError(f"{_said(uri)}: the token would give the private key out")
