"""receipt verify: whether this is what the hub says it gave, and how much it cut."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from cyclopts import App

from adapters.cli import show
from adapters.cli.load import load_directory, read_file, read_policy
from broker import receipts, sdjwt
from broker.directory import Directory, KnownKey
from broker.errors import ConfigError, TrustError
from broker.head_files import open_heads, read_path
from broker.heads import Held, held_since
from broker.receipts import Receipt
from broker.seen import Head
from schemas import timestamps

_FILES: Final = {
    "receipt": "receipt.jwt",
    "evidence": "evidence.sdjwt",
    "projection": "projection.json",
}

_NEEDS_HEADS: Final = "--path leads to a head that you keep; give --heads"

receipt = App(
    name="receipt", help="Receipts: the adapter's signed account of what it cut."
)


@receipt.command
def verify(
    receipt: Path,
    /,
    *,
    directory: Path,
    evidence: Path | None = None,
    projection: Path | None = None,
    policy: Path | None = None,
    heads: Path | None = None,
    path: Path | None = None,
    json: bool = False,
) -> None:
    """Verify a receipt, and what it is about.

    Args:
        receipt: File with a receipt, or the folder of a delivery with all three files.
        directory: Folder of the directory, with the keys of the hub.
        evidence: The cut token that came with it.
        projection: The bundle that came with it.
        policy: Policy that it should name; "shipped" for the shipped one.
        heads: File of heads that you keep: the record must stand under one.
        path: Stamps from the record's to one of these heads (tocsin heads prove); without
            it, only a head at the very place of the record shows that.
        json: Print JSON.
    """
    if receipt.is_dir():
        folder, receipt = receipt, receipt / _FILES["receipt"]
        evidence = evidence or _evidence_in(folder)
        projection = projection or folder / _FILES["projection"]
    known = load_directory(directory, None)
    text = read_file(receipt, receipts.MAX_BYTES).strip()
    found = receipts.verify(text, known, now=time.time())
    checked = [
        *_bytes_checked(found, evidence, projection),
        *_policy_checked(found, policy),
    ]
    is_signed = receipts.policy_is_signed(found, known)
    held = None
    if heads is not None:
        held = held_head(found.token, found, known, heads, path)
    elif path is not None:
        raise ConfigError(_NEEDS_HEADS)
    _tell(found, checked, held, policy_signed=is_signed, as_json=json)


def _evidence_in(folder: Path) -> Path:
    plain = folder / _FILES["evidence"]
    joint = plain.with_name(
        f"{plain.name}.json"
    )  # what several signed, or with sealed parts
    return joint if joint.exists() else plain


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What shows when a token was there already, whatever became of its key."""

    receipt: Path | None = None
    heads: Path | None = None
    path: Path | None = None

    def first_seen(self, token: bytes, known: Directory, *, now: float) -> float | None:
        """Tell by when *token* was there; None if nothing is given that shows it.

        Heads that were kept count by the clock of who kept them; a receipt alone is the
        word of the hub.

        Raises:
            ConfigError: A file cannot be read.
            RefusedError: It shows nothing of this token.
        """
        found = None
        if self.path is not None and self.heads is None:
            raise ConfigError(_NEEDS_HEADS)
        if self.receipt is not None:
            text = read_file(self.receipt, receipts.MAX_BYTES).strip()
            found = receipts.verify(text, known, now=now)
            receipts.need_match(found.token == sdjwt.token_id(token), "token")
        if self.heads is not None:
            held = held_head(sdjwt.token_id(token), found, known, self.heads, self.path)
            return held.since
        return None if found is None else found.first_seen

    def check(self, key: KnownKey, *, now: float) -> None:
        """Refuse what only the hub vouches for, where the issuer's key was stolen.

        Raises:
            TrustError: `not-under-head`.
        """
        # DESIGN.md 6: a thief of the key who also has the hub's would write any moment.
        if self.heads is None and key.is_compromised(now):
            raise TrustError("not-under-head")


def held_head(
    token: str, found: Receipt | None, known: Directory, heads: Path, path: Path | None
) -> Held:
    """Find the head, of those kept, that first fixed where a record stands.

    Args:
        found: Its receipt, verified; without it, a path is needed.

    Raises:
        ConfigError: A file cannot be read.
        TrustError: `not-under-head`.
    """
    held = open_heads(heads, known).held
    if path is not None:
        return held_since(token, held, read_path(path))
    if found is None:
        raise ConfigError("--heads needs --path, or --receipt")
    if found.token != token:
        raise TrustError("receipt-mismatch", "token")
    same = [each for each in held if _is_at(each.head, found)]
    if not same:
        raise TrustError("not-under-head")
    return min(same, key=lambda each: each.since)


def _is_at(head: Head, found: Receipt) -> bool:
    return (head.pos, head.link) == (found.chain.pos, found.chain.link)


def _bytes_checked(
    found: Receipt, evidence: Path | None, projection: Path | None
) -> Iterator[str]:
    if evidence is not None:
        receipts.held_against(found, evidence=read_file(evidence))
        yield "evidence"
    if projection is not None:
        receipts.held_against(found, projection=read_file(projection))
        yield "projection"


def _policy_checked(found: Receipt, policy: Path | None) -> Iterable[str]:
    if policy is None:
        return []
    data, _ = read_policy(policy)
    receipts.need_match(
        found.policy.sha256 == hashlib.sha256(data).hexdigest(), "policy"
    )
    return ["policy"]


def _tell(
    found: Receipt,
    checked: list[str],
    held: Held | None,
    *,
    policy_signed: bool,
    as_json: bool,
) -> None:
    facts: dict[str, Any] = {
        "ok": True,
        "by": found.iss,
        "at": timestamps.from_epoch(found.iat),
        "token": found.token,
        "audience": found.audience,
        "policy": f"{found.policy.id}/{found.policy.version}",
        "policy_signed": policy_signed,
        "withheld": found.withheld,
        "place": found.chain.pos,
        "checked": checked,
    }
    if held is not None:
        facts["held_since"] = timestamps.from_epoch(held.since)
    if as_json:
        show.json_line(facts)
        return
    cut = ", ".join(f"{count} {reason}" for reason, count in found.withheld.items())
    show.line(f"valid: {found.iss} cut {found.token} for {found.audience}")
    show.line(
        f"  {facts['at']}, policy {facts['policy']}, withheld: {cut or 'nothing'}"
    )
    if policy_signed:
        show.line("  the groups of the directory have signed that policy")
    show.line(f"  place {found.chain.pos} of the gate's chain")
    show.line(f"  held against: {', '.join(checked) or 'nothing; give --evidence'}")
    if held is not None:
        show.line(f"  under a head that you hold since {facts['held_since']}")
