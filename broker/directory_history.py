"""Older versions of a directory, and who signed each. Pure.

Old metadata stays where it was published. It proves nothing on its own, as it may be
expired or replaced; who signed it, it does prove.
"""

from collections.abc import Iterable, Iterator

import msgspec
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Key
from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, Targets

from broker.directory_roles import party_of
from broker.directory_state import (
    MAX_FILE_BYTES,
    MAX_METADATA_BYTES,
    Fetch,
    State,
    check_files,
    fingerprint,
    stored,
)
from broker.errors import TrustError


class Version(msgspec.Struct, frozen=True):
    """One version of the root or of the members.

    Attributes:
        signed: Parties whose signatures hold, by the keys of any root since the
            pinned one.
        expires: RFC 3339.
    """

    role: str
    number: int
    sha256: str
    signed: tuple[str, ...]
    expires: str


def history(fetch: Fetch, state: State) -> Iterator[Version]:
    """List the versions of root since the pinned one, and of all members.

    What is not there any more is left out.

    Raises:
        TrustError: `directory-untrusted`: a file is no metadata.
    """
    for root in state.roots:
        yield _version("root", root, _known(state))
    for number in range(1, state.targets.signed.version + 1):
        found = _targets(fetch, number)
        if found is not None:
            yield _version("targets", found, _known(state))


def contradictions(
    one: Iterable[Version], other: Iterable[Version]
) -> list[tuple[Version, Version]]:
    """Pair what two copies hold under one number, and is not the same.

    Whoever signed both has signed two histories, and the hub has shown each to
    somebody.
    """
    known = {(each.role, each.number): each for each in one}
    return [
        (known[each.role, each.number], each)
        for each in other
        if (each.role, each.number) in known
        and known[each.role, each.number].sha256 != each.sha256
    ]


def version_files(fetch: Fetch, state: State, number: int) -> dict[str, bytes]:
    """Give the files of an older version.

    Raises:
        TrustError: `directory-untrusted`: it is not there, was not signed by a
            threshold of groups, or a file of it is missing or another;
            `directory-entry`.
    """
    found = _targets(fetch, number)
    if found is None:
        raise TrustError("directory-untrusted")
    for root in state.roots:
        if root.signed.get_verification_result(
            Targets.type, found.signed_bytes, found.signatures
        ):
            files = {path: _file(fetch, found, path) for path in found.signed.targets}
            check_files(files)
            return files
    raise TrustError("directory-untrusted")


def _file(fetch: Fetch, targets: Metadata[Targets], path: str) -> bytes:
    target = targets.signed.targets[path]
    try:
        place = stored(path, target.hashes["sha256"])
        data = fetch(f"targets/{place}", MAX_FILE_BYTES)
        if data is None:
            raise TrustError("directory-untrusted")
        target.verify_length_and_hashes(data)
    except (exceptions.LengthOrHashMismatchError, KeyError):
        raise TrustError("directory-untrusted") from None
    return data


def _targets(fetch: Fetch, number: int) -> Metadata[Targets] | None:
    data = fetch(f"metadata/{number}.targets.json", MAX_METADATA_BYTES)
    if data is None:
        return None
    try:
        found = Metadata[Targets].from_bytes(data)
        # Nobody need have signed it, and not all that is JSON can be: no fractions.
        found.signed_bytes  # noqa: B018  raises
    except exceptions.RepositoryError:
        raise TrustError("directory-untrusted") from None
    if found.signed.type != Targets.type or found.signed.version != number:
        raise TrustError("directory-untrusted")
    return found


def _known(state: State) -> dict[str, Key]:
    return {
        keyid: key for root in state.roots for keyid, key in root.signed.keys.items()
    }


def _version(
    role: str, metadata: Metadata[Targets] | Metadata[Root], keys: dict[str, Key]
) -> Version:
    signed = set()
    for keyid, signature in metadata.signatures.items():
        key = keys.get(keyid)
        if key is None:
            continue
        try:
            key.verify_signature(signature, metadata.signed_bytes)
        except UnverifiedSignatureError:
            continue
        signed.add(party_of(key))
    return Version(
        role,
        metadata.signed.version,
        fingerprint(metadata),
        tuple(sorted(signed)),
        metadata.signed.expires.isoformat().replace("+00:00", "Z"),
    )
