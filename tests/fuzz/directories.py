"""Fuzzed: what the directory is made of, how members come into it, and how they read it.

As in `tests.fuzz.targets`; what is signed is signed here, so that a fuzzer reaches what
stands behind a signature.
"""

import tempfile
import tomllib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from unittest import mock

import msgspec
from tuf.api.exceptions import DownloadHTTPError, RepositoryError
from tuf.api.metadata import Metadata
from tuf.ngclient._internal import trusted_metadata_set
from tuf.ngclient.fetcher import FetcherInterface

from adapters.directory_words import Files, keyring_sentences, sentences
from broker import (
    certificates,
    directory_client,
    directory_history,
    directory_proposal,
    directory_publication,
    directory_state,
    join_request,
    jws,
    suspensions,
    welcome,
)
from broker.directory import Directory
from broker.directory_change import Change
from broker.directory_client import DirectoryClient, Loaded, Remote
from broker.directory_state import MAX_METADATA_BYTES, State, check_files
from broker.errors import ConfigError, DirectoryUnavailableError, TrustError
from broker.keys import PublicKey
from broker.signers import Signer
from broker.suspending import in_force
from schemas import codec
from tests.fuzz.certified import (
    CA_KEY,
    CA_PEM,
    LEAF_PEM,
    REQUEST_PEM,
    TLS_KEY,
    TLS_PEM,
    pem,
    signed_der,
)
from tests.fuzz.properties import refusals
from tests.fuzz.standins import FOUNDED, KNOWN, PUBLISHED, SIGNERS
from tests.support import records

_MAX_JSON_BYTES: Final = 1 << 16
_NOW: Final = FOUNDED.now.timestamp()
_SHM: Final = Path("/dev/shm")  # noqa: S108  where there is one, it spares the disk
_DIGEST: Final = bytes(32)
OWN: Final = join_request.read(
    join_request.make(records.member(), REQUEST_PEM, records.CERT, now=records.NOW)
)


def directory(data: bytes) -> None:
    """By the first byte: suspensions, a change, a proposal, a service, else a member."""
    kind, rest = data[:1], data[1:]
    with refusals():
        match kind:
            case b"s":
                _check_suspensions(rest)
            case b"c":
                _check_change(rest)
            case b"p":
                proposal = directory_proposal.decode(rest)
                again = directory_proposal.encode(proposal)
                assert directory_proposal.decode(again) == proposal
                directory_proposal.checked(FOUNDED.state, proposal, now=FOUNDED.now)
            case b"v":
                files = {"services/hub.json": rest}
                assert check_files(files).services
                _check_sentences({}, files)
            case _:
                files = {"members/cert-aq.json": data}
                _check_member(check_files(files))
                _check_sentences({}, files)


def _check_member(found: Directory) -> None:
    """Whatever key passes can be verified with, or sealed to."""
    assert [*found.members] == ["cert-aq"]
    for known in found.keys.values():
        assert not known.key.verify(bytes(64), b"")
    for each in found.sealing["cert-aq"]:
        assert each.key.seal(_DIGEST, b"")
    with refusals("no-sealing-key"):
        assert found.sealing_key("cert-aq", now=_NOW).org == "cert-aq"


def _check_suspensions(data: bytes) -> None:
    found = suspensions.decode(data)
    assert suspensions.decode(suspensions.encode(found)) == found
    for each in found:
        span = in_force(each, "hub", _NOW)
        assert span.until <= _NOW + suspensions.LAPSES_AFTER.total_seconds()
    _check_sentences({}, {"suspensions/hub.json": data})


def _check_change(data: bytes) -> None:
    value = codec.decode_json(data, max_bytes=_MAX_JSON_BYTES)
    try:
        change = msgspec.convert(value, Change)
    except msgspec.ValidationError:
        return
    proposal = FOUNDED.propose(change)
    checked = FOUNDED.checked(proposal)
    # Nobody has signed it, so nobody may take it.
    assert not checked.complete
    assert {each.signed for each in checked.standing} == {()}
    _check_sentences(FOUNDED.state.files, checked.result.files)
    keyring_sentences(FOUNDED.state.keyring, checked.result.keyring)


def _check_sentences(before: Files, after: Files) -> None:
    """No file differs without a sentence."""
    try:
        found = sentences(before, after, now=FOUNDED.now)
    except ConfigError:
        return  # a policy that is none
    differ = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    quiet = {path for path in differ if path.startswith("suspensions/")}
    assert len(found) >= len(differ - quiet)


# ------------------------------------------------------------- what a server may send


def metadata(data: bytes) -> None:
    """Files of a repository in place of good ones, as `_overlaid` reads them."""
    files = _overlaid(data)
    with refusals("directory-untrusted", "directory-roles", "directory-entry"):
        state = directory_state.read(_fetch(files), PUBLISHED.pinned)
        _check_state(files, state)
    with refusals("directory-untrusted"):
        assert list(directory_history.history(_fetch(files), KNOWN))
    for number in range(1, KNOWN.targets.signed.version + 1):
        if (
            files.get(path := f"metadata/{number}.targets.json")
            == PUBLISHED.files[path]
        ):
            continue
        with refusals("directory-untrusted", "directory-entry"):
            assert directory_history.version_files(_fetch(files), KNOWN, number)


def _overlaid(data: bytes) -> dict[str, bytes]:
    """Read lines of path, tab and content: content of metadata is signed by everybody.

    Behind `=` it is as it stands, as a server without keys would send it.
    """
    files = dict(PUBLISHED.files)
    for line in data.split(b"\n")[:8]:
        name, _, content = line.partition(b"\t")
        path = name.decode("latin-1")
        if path.startswith("="):
            files[path[1:]] = content
        else:
            files[path] = _signed(content) if path.startswith("metadata/") else content
    return files


def _signed(content: bytes) -> bytes:
    """Sign what can be signed, by everybody who holds a key."""
    bare = b'{"signatures":[],"signed":' + content + b"}"
    try:
        covered = Metadata.from_bytes(bare).signed_bytes
    except RepositoryError:
        return bare
    made = [{"keyid": k, "sig": s.sign(covered).hex()} for k, s in SIGNERS.items()]
    return (
        b'{"signatures":' + msgspec.json.encode(made) + b',"signed":' + content + b"}"
    )


def _fetch(files: Files) -> directory_state.Fetch:
    def fetch(path: str, most: int) -> bytes | None:
        assert most <= MAX_METADATA_BYTES
        found = files.get(path)
        if found is not None and len(found) > most:
            raise TrustError("directory-untrusted")
        return found

    return fetch


def _check_state(files: dict[str, bytes], state: State) -> None:
    """What is taken was signed by two groups, can be told, and goes on."""
    for role in (state.root, state.targets):
        keys = [PublicKey(jwk) for jwk in state.keyring.groups.values()]
        covered = role.signed_bytes
        signed = [bytes.fromhex(each.signature) for each in role.signatures.values()]
        hold = [key for key in keys if any(key.verify(s, covered) for s in signed)]
        assert len(hold) >= state.keyring.threshold >= 2
    assert state.expired(FOUNDED.now) == [
        n for n, e in state.lives() if e <= FOUNDED.now
    ]
    keyring_sentences(KNOWN.keyring, state.keyring)
    _check_sentences(KNOWN.files, state.files)
    online = PUBLISHED.keys["online"]
    if state.keyring.online != KNOWN.keyring.online:
        return
    with refusals("directory-untrusted"):  # versions have an end, as numbers do
        made = directory_publication.refreshed(state, online, now=FOUNDED.now)
        after = {**files, **{each.path: each.data for each in made}}
        again = directory_state.read(_fetch(after), PUBLISHED.pinned)
        assert again.files == state.files


def client(data: bytes) -> None:
    """What a member's client makes of the same files: first of all, and after good ones."""
    files = _overlaid(data)
    with tempfile.TemporaryDirectory(dir=_SHM if _SHM.is_dir() else None) as name:
        folder = Path(name)
        (folder / "root.json").write_bytes(files.get("pinned", PUBLISHED.pinned))
        _load(folder / "new", files)
        (folder / "root.json").write_bytes(PUBLISHED.pinned)
        before = _load(folder / "old", PUBLISHED.files)
        assert before is not None
        after = _load(folder / "old", files)
        # Whatever came, it goes on with what it had, or with what is newer.
        assert after is not None
        assert after.version >= before.version


def _load(cache: Path, files: Files) -> Loaded | None:
    remote = Remote(
        url="http://hub.example", root=cache.parent / "root.json", cache=cache
    )
    found = None
    with (
        _served(files),
        refusals("directory-untrusted", "directory-expired"),
        suppress(ConfigError, DirectoryUnavailableError),
    ):
        found = DirectoryClient(remote, clock=lambda: _NOW).load()
    if found is None:
        return None
    found.freshness  # noqa: B018  computed
    assert found.directory.expires > _NOW
    return found


class _Served(FetcherInterface):
    def __init__(self, files: Files) -> None:
        self._files = files

    def _fetch(self, url: str) -> Iterator[bytes]:
        data = self._files.get(url.removeprefix("http://hub.example/"))
        if data is None:
            raise DownloadHTTPError("no such file", 404)
        yield data


@contextmanager
def _served(files: Files) -> Iterator[None]:
    """Fetch from *files*, at the moment at which they were made."""
    moment = mock.Mock(wraps=trusted_metadata_set.datetime)
    moment.datetime.now.return_value = FOUNDED.now
    with (
        mock.patch.object(directory_client, "fetcher_for", return_value=_Served(files)),
        mock.patch.object(trusted_metadata_set, "datetime", moment),
    ):
        yield


# ------------------------------------------------------------- how members come in


def joining(data: bytes) -> None:
    """Any bytes as a request to join.

    After a line feed they are claims, line feed and what a certificate request says;
    both are signed here, and the request is put in for `@csr`.
    """
    file = _asked(data[1:]) if data[:1] == b"\n" else data
    with (
        _unwarned(),
        refusals(
            "join-invalid", "request-invalid", "bad-key", "signature", "too-large"
        ),
    ):
        found = join_request.read(file)
        files = {f"members/{found.member.org}.json": msgspec.json.encode(found.member)}
        assert [*check_files(files).keys] == [found.kid]
        _check_sentences({}, files)
        answer = welcome.make(
            found,
            hub="Hub",
            broker=welcome.Broker("amqps://hub.example/", CA_PEM.decode()),
            certificate=LEAF_PEM,
            directory=None,
        )
        assert welcome.read(answer).request == found.digest


@contextmanager
def _unwarned() -> Iterator[None]:
    """Of certificates that RFC 5280 forbids, `cryptography` takes some with a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _asked(data: bytes) -> bytes:
    claims, _, body = data.partition(b"\n")
    request = pem("CERTIFICATE REQUEST", signed_der(body, TLS_KEY))
    claims = claims.replace(b"@csr", request.replace(b"\n", b"\\n"))
    signer = Signer(_org(claims), records.private_key("cert-aq"))
    token = jws.compact(join_request.TYP, claims, signer)
    return b'{"join":"' + token + b'"}'


def _org(claims: bytes) -> str:
    try:
        said: Any = msgspec.json.decode(claims)
        return str(said["member"]["org"])[:100]
    except (msgspec.DecodeError, ValueError, LookupError, TypeError, RecursionError):
        return "cert-aq"


def welcoming(data: bytes) -> None:
    """Any bytes as the hub's answer.

    After a line feed or a tab they are JSON, line feed and what a certificate says: that
    of the login, or of the authority; put in for `@leaf` and `@ca`, signed here.
    """
    file = _welcomed(data) if data[:1] in (b"\n", b"\t") else data
    with _unwarned(), refusals("welcome-invalid", "too-large"):
        found = welcome.read(file)
        written = tomllib.loads(welcome.configuration(found, key="cert-aq.key"))
        assert written["broker"]["url"] == found.broker.url
        assert written["org"] == written["broker"]["user"] == found.org
        with refusals("welcome-foreign", "certificate"):
            welcome.check(found, OWN, TLS_PEM, now=FOUNDED.now)
            assert certificates.facts(found.certificate.encode()).name == "cert-aq"


def _welcomed(data: bytes) -> bytes:
    text, _, body = data[1:].partition(b"\n")
    made = pem("CERTIFICATE", signed_der(body, CA_KEY))
    leaf, ca = (made, CA_PEM) if data[:1] == b"\n" else (LEAF_PEM, made)
    for name, value in ((b"@leaf", leaf), (b"@ca", ca)):
        text = text.replace(name, value.replace(b"\n", b"\\n"))
    return text
