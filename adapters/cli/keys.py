"""keygen, keys: make signing keys, and look at what there is."""

import time
from pathlib import Path
from typing import Any, Final

from cyclopts import App
from rich.markup import escape
from rich.table import Table

from adapters.cli import show as printing
from adapters.cli.asking import PassphraseOption, ask, new_passphrase, signer_of
from adapters.cli.load import load_directory, need_known, need_org
from adapters.config import signing_config
from broker import key_dates, signers
from broker.errors import ConfigError
from broker.key_dates import KeyStatus
from broker.seal_key_files import generate_sealing_key
from broker.seal_keys import SealingKind

_DONE: Final = 0
_UNUSABLE: Final = 2  # exit codes, as in adapters.cli.main
_DAY: Final = len("2026-11-23")  # of a time in RFC 3339, UTC
_STYLES: Final = {"valid": "green", "ends-soon": "yellow", "not-yet": "dim"}

keys = App(
    name="keys", help="Keys: which there are, how long they count, which were revoked."
)


def keygen(
    *,
    org: str,
    out: Path,
    alg: signers.Alg = "EdDSA",
    passphrase: bool = False,
    passphrase_file: PassphraseOption = None,
    hsm: str | None = None,
    next: bool = False,
    sealing: bool = False,
    hybrid: bool = False,
    json: bool = False,
) -> None:
    """Make a key: to sign with, or with --sealing one that others seal to.

    Writes OUT/ORG.key (private, PKCS#8 PEM, mode 0600) and OUT/ORG.jwk (public), or
    OUT/ORG.sealing.key and OUT/ORG.sealing.jwk.

    Args:
        org: Organisation name: lower case letters, digits, hyphens.
        out: Folder for both files.
        alg: EdDSA, or ES256 where a key store knows P-256 only.
        passphrase: Ask for a passphrase, and put the private key under it.
        passphrase_file: The same, with the passphrase of this file (mode 0600).
        hsm: Make the key in a token instead, under this name:
            pkcs11:token=...;object=...?module-path=/...&pin-source=/...; the private
            key never leaves it, so OUT/ORG.jwk alone is written.
        next: Where there are keys of this name already, make ORG.2.key, ORG.3.key
            beside them, to go over from one to the other.
        sealing: Make a key to open what is sealed to the organisation: X25519.
        hybrid: Of a sealing key: ML-KEM-768 and X25519, against quantum computers.
        json: Print JSON.
    """
    need_org(org)
    if sealing:
        if passphrase or passphrase_file is not None or hsm is not None:
            raise ConfigError("a sealing key is a file without a passphrase, for now")
        kind: SealingKind = "MLKEM768-X25519" if hybrid else "X25519"
        _told_sealing(generate_sealing_key(org, out, kind).kid, org, out, as_json=json)
        return
    if hybrid:
        raise ConfigError("--hybrid goes with --sealing")
    name = signers.free_name(org, out) if next else org
    private, public = str(out / f"{name}.key"), out / f"{name}.jwk"
    if hsm is None:
        secret = new_passphrase(passphrase_file, wanted=passphrase)
        signer = signers.generate(org, out, alg, passphrase=secret, name=name)
    elif passphrase or passphrase_file is not None:
        raise ConfigError("a key in a token has a PIN (pin-source=), no passphrase")
    else:
        private = hsm
        signer = signers.generate_in_token(org, hsm, public, alg, ask=ask)
    if json:
        printing.json_line(
            {"ok": True, "kid": signer.kid, "private": private, "public": str(public)}
        )
    elif hsm is None:
        printing.line(f"key {signer.kid}: keep {private} secret, share {public}")
    else:
        printing.line(f"key {signer.kid}: it stays in the token, share {public}")


def _told_sealing(kid: str, org: str, out: Path, *, as_json: bool) -> None:
    private, public = (str(out / f"{org}.sealing.{end}") for end in ("key", "jwk"))
    if as_json:
        printing.json_line(
            {"ok": True, "kid": kid, "private": private, "public": public}
        )
    else:
        printing.line(f"sealing key {kid}: keep {private} secret, share {public}")


@keys.command
def show(*, directory: Path, org: str | None = None, json: bool = False) -> None:
    """List the keys of the directory: what they are for, how long, what became of them.

    Args:
        directory: Folder of the directory.
        org: Of this organisation alone.
        json: Print JSON, one line a key.
    """
    found = key_dates.statuses(load_directory(directory, None), time.time())
    if org is not None:
        need_known(org, {each.org for each in found}, f"no keys of {org}")
        found = [each for each in found if each.org == org]
    if json:
        for each in found:
            printing.json_line(_facts(each))
        return
    table = Table(
        "organisation", "key", "use", "state", "from", "until", "days left",
        box=None,
        pad_edge=False,
    )  # fmt: skip
    for each in found:
        table.add_row(*_cells(each))
    with printing.output():
        printing.console().print(table)


@keys.command
def check(*, config: Path, directory: Path | None = None, json: bool = False) -> int:
    """Open the key that a configuration names, and look it up in the directory.

    Exit code 2 if it cannot be used: not to be opened, not listed, ended, revoked.

    Args:
        config: Configuration of a publisher, a gate or an adapter (TOML).
        directory: Folder of the directory, where the configuration names none.
        json: Print JSON.
    """
    settings = signing_config(config)
    signer = signer_of(settings.org, settings.key, settings.key_passphrase_file or None)
    place = directory or settings.directory or None
    if place is None:
        raise ConfigError("the configuration names no directory; give --directory")
    status = key_dates.status_of(load_directory(place, None), signer.kid, time.time())
    signs_now = status is not None and status.state in ("valid", "ends-soon")
    if json:
        facts = {"key": signer.kid} if status is None else _facts(status)
        printing.json_line({"ok": signs_now, "listed": status is not None, **facts})
    elif status is None:
        printing.line(f"key {signer.kid} opens, and is not in the directory")
    else:
        printing.line(key_dates.said(status))
    return _DONE if signs_now else _UNUSABLE


def _facts(status: KeyStatus) -> dict[str, Any]:
    facts = {
        "org": status.org,
        "key": status.kid,
        "uses": list(status.uses),
        "state": status.state,
        "not_before": status.not_before,
        "not_after": status.not_after,
        "days_left": status.days_left,
        "successor": status.is_succeeded,
    }
    if status.revoked_at is not None:
        facts |= {"revoked_at": status.revoked_at, "reason": status.reason}
    return facts


def _cells(status: KeyStatus) -> list[str]:
    is_revoked = status.state == "revoked"
    why = f": {status.reason}" if is_revoked and status.reason else ""
    word = f"{status.state}{why}"
    until = status.revoked_at or status.not_after
    return [
        escape(status.org),
        escape(status.kid),
        ", ".join(status.uses),
        f"[{_STYLES.get(status.state, 'red')}]{word}[/]",
        status.not_before[:_DAY],
        until[:_DAY],
        str(status.days_left) if status.days_left else "",
    ]
