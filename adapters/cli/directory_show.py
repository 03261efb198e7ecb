"""directory show, verify: what a directory says, who signed it, and how long it holds."""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
from msgspec import UNSET
from rich.markup import escape

from adapters.cli import show
from adapters.cli.directory_reading import held, now
from adapters.cli.load import write_new
from broker import directory_folder, suspensions
from broker.directory import KeyEntry, Member, Service, decode_member, decode_service
from broker.directory_client import DirectoryClient, Remote
from broker.directory_history import contradictions, history
from broker.directory_roles import suspending_party
from broker.directory_state import State, fingerprint
from broker.errors import TrustError
from broker.keys import key_id, thumbprint
from schemas import timestamps

_DONE, _REFUSED = 0, 1  # exit codes, as in adapters.cli.main
# How long before the end people are warned: by when they must have met and signed,
# or by when a machine that signs daily has failed for some days.
_WARN: Final = {
    "root": timedelta(days=60),
    "targets": timedelta(days=30),
    "snapshot": timedelta(days=5),
    "timestamp": timedelta(days=5),
}
_KEY_SOON: Final = timedelta(days=30)


def show_directory(
    *,
    directory: Path,
    root: Path,
    unpack: Path | None = None,
    json: bool = False,
) -> int:
    """Show who is in the directory, who decides, and what expires when.

    Args:
        directory: Folder of the directory.
        root: The root that you pinned.
        unpack: Folder to write members/, services/, policies/ into, to edit them for
            directory propose --from.
        json: Print JSON.
    """
    state = held(directory, root)
    assert state is not None  # noqa: S101  both are given
    moment = now()
    if unpack is not None:
        for path, data in state.files.items():
            if not path.startswith("suspensions/"):
                write_new(unpack / path, data)
    facts = _facts(state, moment)
    if json:
        show.json_line({"ok": True, **facts})
        return _DONE
    _print(facts)
    return _DONE


def verify(
    directory: Path,
    /,
    *,
    root: Path,
    against: Path | None = None,
    json: bool = False,
) -> int:
    """Verify a directory as a new client would, from a pinned root, and say who signed.

    Args:
        directory: Folder of the directory: a copy, a web server's, a memory stick.
        root: The root that you pinned.
        against: Another group's copy: no version may be another one there.
        json: Print JSON.
    """
    state = held(directory, root)
    assert state is not None  # noqa: S101  both are given
    moment = now()
    if against is not None:
        _compare(directory, against, root)
    expired = state.expired(moment)
    if not expired:
        _load_as_client(directory, root)
    versions = [*history(directory_folder.fetcher(directory), state)]
    warnings = [*_warnings(state, moment)]
    if json:
        show.json_line(
            {
                "ok": not expired,
                "version": state.targets.signed.version,
                "root": _root(state),
                "history": msgspec.to_builtins(versions),
                "suspensions": [*_suspensions(state)],
                "expired": expired,
                "warnings": warnings,
            }
        )
        return _REFUSED if expired else _DONE
    for each in versions:
        show.line(
            f"{each.role} {each.number}: signed by {', '.join(each.signed)}; "
            f"{each.sha256[:16]}"
        )
    _print_suspensions([*_suspensions(state)])
    for warning in warnings:
        show.complaint(warning)
    if expired:
        raise TrustError("directory-expired", ", ".join(expired))
    count = _members(state)
    members = "1 member" if count == 1 else f"{count} members"
    show.line(f"valid: version {state.targets.signed.version}, {members}")
    return _DONE


def _compare(directory: Path, against: Path, root: Path) -> None:
    """Look whether two copies tell one history, be one of them older.

    Raises:
        TrustError: `directory-forked`.
    """
    histories = []
    for folder in (directory, against):
        state = held(folder, root)
        assert state is not None  # noqa: S101  both are given
        histories.append([*history(directory_folder.fetcher(folder), state)])
    found = contradictions(*histories)
    for one, other in found:
        both = ", ".join(sorted({*one.signed} & {*other.signed})) or "nobody"
        show.complaint(
            f"{one.role} {one.number} is {one.sha256[:16]} here and "
            f"{other.sha256[:16]} there; signed both: {both}"
        )
    if found:
        raise TrustError("directory-forked")


def _load_as_client(directory: Path, root: Path) -> None:
    """Let the client that gates and adapters use read it as well.

    Raises:
        TrustError: It refuses what we took.
    """
    with TemporaryDirectory() as cache:
        url = directory.absolute().as_uri()
        remote = Remote(url=url, root=root, cache=Path(cache))
        DirectoryClient(remote, clock=time.time).refresh()


def _members(state: State) -> int:
    return sum(path.startswith("members/") for path in state.files)


def _root(state: State) -> dict[str, Any]:
    return {"version": state.root.signed.version, "sha256": fingerprint(state.root)}


def _facts(state: State, moment: datetime) -> dict[str, Any]:
    keyring = state.keyring
    return {
        "version": state.targets.signed.version,
        "root": _root(state),
        "threshold": keyring.threshold,
        "groups": {name: thumbprint(jwk) for name, jwk in keyring.groups.items()},
        "online": thumbprint(keyring.online),
        "suspending": {n: thumbprint(jwk) for n, jwk in keyring.suspending.items()},
        "expires": {name: _time(expires) for name, expires in state.lives()},
        "members": [_entry(each, moment) for each in _entries(state, "members")],
        "services": [_entry(each, moment) for each in _entries(state, "services")],
        "policies": sorted(p for p in state.files if p.startswith("policies/")),
        "suspensions": [*_suspensions(state)],
        "warnings": [*_warnings(state, moment)],
    }


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _entries(state: State, folder: str) -> Iterator[Member | Service]:
    decode = decode_member if folder == "members" else decode_service
    for path, data in state.files.items():
        if path.startswith(f"{folder}/"):
            yield decode(data, path)


def _entry(entry: Member | Service, moment: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = {"org": entry.org, "name": entry.name}
    if isinstance(entry, Member):
        facts |= {
            "audience": entry.audience,
            "clearance": entry.highest_tlp.label,
            "kinds": list(entry.kinds),
        }
    else:
        facts["services"] = list(entry.services)
    keys = [_key(entry.org, each, moment) for each in entry.keys]
    return {**facts, "keys": keys}


def _key(org: str, entry: KeyEntry, moment: datetime) -> dict[str, Any]:
    left = timestamps.epoch(entry.not_after) - moment.timestamp()
    return {
        "kid": key_id(org, entry.jwk),
        "not_before": entry.not_before,
        "not_after": entry.not_after,
        "days_left": int(left // 86_400),
        "revoked_at": None if entry.revoked_at is UNSET else entry.revoked_at,
    }


def _suspensions(state: State) -> Iterator[dict[str, Any]]:
    for role, metadata in state.suspensions.items():
        for path in metadata.signed.targets:
            with suppress(TrustError):  # `_warnings` tells; to clients it is empty
                for each in suspensions.decode(state.files[path]):
                    facts = msgspec.to_builtins(each)
                    yield {"party": suspending_party(role), **facts}


def _warnings(state: State, moment: datetime) -> Iterator[str]:
    for name, expires in state.lives():
        left = expires - moment
        if left <= timedelta(0):
            yield f"{name} has expired on {_time(expires)}"
        elif left <= _WARN.get(name, _KEY_SOON):
            yield f"{name} expires in {left.days} days, on {_time(expires)}: {_to_do(name)}"
    for role, metadata in state.suspensions.items():
        for path in metadata.signed.targets:
            try:
                suspensions.decode(state.files[path])
            except TrustError as error:
                party = suspending_party(role)
                yield f"what {party} suspends counts for nothing: {error.reason}"
    for folder in ("members", "services"):
        for entry in _entries(state, folder):
            for each in entry.keys:
                facts = _key(entry.org, each, moment)
                if facts["revoked_at"] is None and 0 <= facts["days_left"] <= 30:
                    yield f"key {facts['kid']} expires in {facts['days_left']} days"


def _to_do(role: str) -> str:
    if role in {"snapshot", "timestamp"}:
        return "the hub is to type tocsin directory publish --refresh daily"
    return "type tocsin directory propose --renew"


def _print(facts: dict[str, Any]) -> None:
    show.line(
        f"version {facts['version']}, root {facts['root']['version']} "
        f"({facts['root']['sha256']})"
    )
    groups = ", ".join(facts["groups"])
    show.line(f"{facts['threshold']} of these groups decide: {groups}")
    show.line(f"who may suspend: {', '.join(facts['suspending'])}")
    show.rows(("part", "expires"), [(n, at) for n, at in facts["expires"].items()])
    show.rows(
        ("organisation", "audience", "clearance", "key", "valid to"),
        [_row(e, key) for e in facts["members"] for key in e["keys"] or [None]],
    )
    for each in facts["services"]:
        show.line(f"service {each['org']}: {', '.join(each['services'])}")
    for path in facts["policies"]:
        show.line(path)
    _print_suspensions(facts["suspensions"])
    for warning in facts["warnings"]:
        show.complaint(warning)


def _print_suspensions(suspended: list[dict[str, Any]]) -> None:
    """Say who suspends whom; each stands under that party's own signature."""
    for each in suspended:
        subject = each.get("kid") or each["org"]
        show.line(
            f"{each['party']} suspends {subject} since {each['since']}: {each['reason']}"
        )


def _row(entry: dict[str, Any], key: dict[str, Any] | None) -> tuple[str, ...]:
    kid, end = "-", "-"
    if key is not None:
        kid, end = key["kid"], key["not_after"][:10]
        if key["revoked_at"] is not None:
            end = f"revoked {key['revoked_at'][:10]}"
    return (
        escape(f"{entry['org']} ({show.printable(entry['name'])})"),
        entry["audience"],
        entry["clearance"],
        escape(kid),
        end,
    )
