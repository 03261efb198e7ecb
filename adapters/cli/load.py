"""Files that commands read and write, with errors that say what to do."""

import difflib
import os
import secrets
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import msgspec

from adapters.cli import show
from adapters.config import AdapterConfig
from adapters.config_parts import MemberConfig
from adapters.policy import Policy
from adapters.policy_choice import Rulebook, choose, only_policy
from broker.directory import Directory, single_key
from broker.directory_alarms import alarms
from broker.directory_client import open_directory
from broker.errors import ConfigError
from broker.keys import Jwk
from schemas import record
from schemas.errors import RefusedError, SchemaError

MAX_FILE_BYTES = 32 << 20
SHIPPED = "shipped"  # what to type for the shipped policy; ./shipped is a file


def read_file(path: Path, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Read a file, or standard input for "-".

    Raises:
        ConfigError: It cannot be read.
        SchemaError: `too-large`.
    """
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(max_bytes + 1)
        else:
            with path.open("rb") as file:
                data = file.read(max_bytes + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > max_bytes:
        raise SchemaError("too-large")
    return data


def write_file(path: Path | None, data: bytes) -> None:
    """Write a file, or standard output for None.

    Raises:
        ConfigError: It cannot be written.
    """
    try:
        if path is None:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            path.write_bytes(data)
    except OSError as error:
        place = "standard output" if path is None else path
        raise ConfigError(f"cannot write {place}: {error.strerror}") from None


def write_new(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file that is not there yet, and its folder.

    Args:
        private: Its owner alone can read it.

    Raises:
        ConfigError: It exists already, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        mode = 0o600 if private else 0o644
        with open(os.open(path, flags, mode), "wb") as file:
            file.write(data)
    except OSError as error:
        if os.path.lexists(path):
            raise ConfigError(f"{path} exists already and is not overwritten") from None
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None


def write_private(path: Path, data: bytes) -> None:
    """Write a file that its owner alone can read, in place of what was there.

    Raises:
        ConfigError: It cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"cannot write {path}: it is no file")
        # Made anew: of a file that others have open already, the mode says nothing.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            with open(os.open(unfinished, flags, 0o600), "wb") as file:
                file.write(data)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None


def _loaded(place: Path) -> Directory:
    """Load a directory; warn on standard error of what ends."""
    now = time.time()
    loaded, _ = open_directory(place, clock=lambda: now)
    if loaded.is_kept:
        show.complaint("warning: no newer directory can be had; this is the last one")
    for alarm in alarms(loaded.freshness, now):
        show.complaint(f"warning: {alarm.said}")
    return loaded.directory


def load_directory(directory: Path | None, jwk: Path | None) -> Directory:
    """Load the directory, or trust a single key file `<org>.jwk`.

    Args:
        directory: A folder, or a file that says where the signed directory is.

    Raises:
        ConfigError: Neither or both given, or unusable.
        TrustError: `directory-expired`, `directory-untrusted`.
        DirectoryUnavailableError: Not reachable, and nothing was kept.
    """
    if (directory is None) == (jwk is None):
        raise ConfigError("give either --directory or --jwk")
    if directory is not None:
        return _loaded(directory)
    assert jwk is not None  # noqa: S101  checked above
    try:
        key = msgspec.json.decode(read_file(jwk), type=Jwk)
        if not isinstance(key.kid, str) or "/" not in key.kid:
            raise ConfigError(
                f"{jwk} has no kid <org>/<thumbprint>; make it with keygen"
            )
        trusted = single_key(key.kid.partition("/")[0], key)
    except (msgspec.MsgspecError, UnicodeDecodeError, RefusedError):
        raise ConfigError(
            f"{jwk} is no public Ed25519 or P-256 key in JWK form"
        ) from None
    if key.kid not in trusted.keys:
        raise ConfigError(f"the kid of {jwk} is that of another key than its point")
    return trusted


def need_gate(directory: Directory) -> None:
    """Check that an adapter can tell the gate's stamps from others'.

    Raises:
        ConfigError: The directory names no gate. An adapter would refuse every
            record; what waits in its queues is better left there.
    """
    if not directory.runs("gate"):
        raise ConfigError(
            "the directory names no gate, so every record would be refused; put the "
            "gate's public key into directory/services/<org>.json"
        )


def need_org(org: str) -> None:
    """Check that *org* may be a name of an organisation.

    Raises:
        ConfigError: It is none.
    """
    if not record.is_org(org):
        raise ConfigError(
            "an organisation name is 2 to 41 lower case letters, digits and hyphens, "
            "beginning with a letter"
        )


def served_member(settings: AdapterConfig, member: str, config: Path) -> MemberConfig:
    """Find a member in the configuration of an adapter.

    Raises:
        ConfigError: The adapter does not serve it.
    """
    served = {each.org: each for each in settings.members}
    need_known(member, served, f"{config} serves no member {member}")
    return served[member]


def need_known(name: str, known: Collection[str], fault: str) -> None:
    """Check that *name* is among those known.

    Raises:
        ConfigError: *fault*, and which one may be meant.
    """
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        raise ConfigError(fault + (f"; did you mean {near[0]}?" if near else ""))


def load_rules(settings: AdapterConfig, directory: Directory) -> Rulebook:
    """Choose the policy of an adapter.

    Raises:
        ConfigError: As `policy_choice.choose`, and where both ways to name one are
            used.
    """
    file = None
    if isinstance(settings.policy, Path):
        if isinstance(settings.policy_id, str):
            raise ConfigError(
                "give policy_id (the directory's) or policy (a file), not both"
            )
        file = read_policy(settings.policy)
    name = settings.policy_id if isinstance(settings.policy_id, str) else ""
    with _one_problem():
        return choose(directory, name=name, file=file, shipped=read_policy(None))


def load_policy(path: Path | None, directory: Directory | None = None) -> Policy:
    """Load the policy of a file; else the only one of *directory*, else the shipped one.

    Raises:
        ConfigError: It is none; the first of several problems, and how to see the rest.
            No file is given, and the directory has several.
    """
    if path is None and directory is not None and directory.policies:
        with _one_problem():
            return only_policy(directory)
    data, where = read_policy(path)
    with _one_problem(where):
        return Policy(data, where)


@contextmanager
def _one_problem(where: str = "FILE") -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        first, *others = str(error).splitlines()
        if not others:
            raise
        raise ConfigError(
            f"{first} (and {len(others)} more; type: tocsin policy check {where})"
        ) from None


def read_policy(path: Path | None) -> tuple[bytes, str]:
    """Read a policy, by default the shipped one, and say what to call it.

    Raises:
        ConfigError: It cannot be read.
    """
    if path is not None and str(path) != SHIPPED:
        return read_file(path), str(path)
    shipped = resources.files("adapters") / "policies" / "default.toml"
    return shipped.read_bytes(), "default.toml"
