"""open, reseal, and the options that seal: parts for members by name."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from adapters import sealing
from adapters.cli import show, show_explained
from adapters.cli.load import (
    load_directory,
    load_policy,
    need_known,
    need_org,
    read_file,
    write_file,
    write_private,
)
from adapters.cli.options import TlpOption
from adapters.config import PublisherConfig, load
from adapters.explaining import refused
from adapters.policy import Policy
from adapters.projection import trial_author
from adapters.redaction import NotGivenError, Redacted, redact
from broker import carried, sdjwt, seal, trust
from broker.carried import Carried
from broker.directory import Directory, Member
from broker.errors import ConfigError, TrustError
from broker.opening import open_sealed
from broker.publisher_state import kept_sealed
from broker.seal_key_files import load_sealing_key
from broker.seal_signing import Kept, Sealer
from broker.trust import Verified
from schemas import timestamps
from schemas.errors import RefusedError
from schemas.markings import Tlp

SealToOption = Annotated[tuple[str, ...], Parameter(name="--seal-to")]
SealAboveOption = Annotated[TlpOption, Parameter(name="--seal-above")]


def sealer_of(
    seal_to: Sequence[str],
    above: TlpOption,
    directory: Path | None,
    policy: Path | None,
) -> Sealer | None:
    """Give what seals to these members; None if nobody is named.

    Raises:
        ConfigError: No directory, no such member.
        TrustError: `no-sealing-key`.
    """
    if not seal_to:
        return None
    if directory is None:
        raise ConfigError("--seal-to needs --directory, where members' keys are")
    known = load_directory(directory, None)
    return sealing.sealer(
        [_addressee(org, known) for org in dict.fromkeys(seal_to)],
        load_policy(policy, known),
        above=Tlp.parse(above),
        entropy=os.urandom,
    )


def addressed(to: Sequence[str], seal_to: Sequence[str]) -> tuple[str, ...]:
    """Name those that a record is addressed to; whom it is sealed to among them."""
    return tuple(dict.fromkeys((*to, *seal_to)))


def _addressee(org: str, known: Directory) -> sealing.Addressee:
    member = _member(org, known)
    key = known.sealing_key(org, now=time.time())
    return sealing.Addressee(member, seal.Recipient(key.kid, key.key))


def _member(org: str, known: Directory) -> Member:
    need_org(org)
    need_known(org, known.members, f"no member {org} in the directory")
    return known.members[org]


def open(
    token: Path,
    /,
    *,
    key: tuple[Path, ...],
    member: str,
    directory: Path,
    policy: Path | None = None,
    explain: bool = False,
    evidence: Path | None = None,
    projection: Path | None = None,
    json: bool = False,
) -> None:
    """Open what is sealed to a member, verify it with the rest, and show it.

    What is written holds what was sealed, in the clear: nobody else can read the
    files, and nobody takes the evidence for a record any more (needs-sealing).

    Args:
        token: File with evidence that came with sealed parts; - reads standard input.
        key: The member's sealing key; old ones too, for what was sealed to them.
        member: Whose keys these are.
        directory: Folder of the directory.
        policy: Redaction policy (TOML); if not given the directory's, else the shipped one.
        explain: List every cut: where, by what in the policy, why, what stands instead.
        evidence: Write the token with what was sealed here.
        projection: Write the plain bundle here.
        json: Print JSON.
    """
    known = load_directory(directory, None)
    owner = _member(member, known)
    keys = [load_sealing_key(member, each) for each in key]
    record = carried.decode(read_file(token).strip())
    verified = open_sealed(record, known, keys, now=time.time())
    rules = load_policy(policy, known)
    redacted = _redacted(verified, owner, rules, explain, json)
    if evidence is not None:
        write_private(evidence, redacted.evidence)
    if projection is not None:
        write_private(projection, redacted.projection)
    show_explained.redacted(
        redacted, rules, explain=explain, receipt=False, as_json=json
    )


def _redacted(
    verified: Verified, member: Member, rules: Policy, explain: bool, as_json: bool
) -> Redacted:
    view = sealing.sealed_view(member, verified)
    try:
        return redact(
            verified,
            view,
            rules,
            author=trial_author(os.urandom),
            now=timestamps.from_epoch(time.time()),
        )
    except NotGivenError as error:
        refusal = refused(verified, view, rules, error)
        show_explained.refused(refusal, explain=explain, as_json=as_json)
        raise RefusedError(error.reason) from None


def reseal(
    token: Path,
    /,
    *,
    to: str,
    directory: Path,
    full: Path | None = None,
    config: Path | None = None,
    policy: Path | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    json: bool = False,
) -> None:
    """Seal what is sealed in a record of one's own to one more member.

    The record keeps its token id. The new member gets the largest compartment that
    lies whole within its view; what is written goes to it by any means, since the
    hub took the record already.

    Args:
        token: The record, as it was signed or as it came back; - reads standard input.
        to: The member.
        directory: Folder of the directory.
        full: What tocsin sign --full wrote.
        config: Or: publisher configuration (TOML) that published it.
        policy: Redaction policy (TOML); if not given the directory's, else the shipped one.
        output: Where the record for the member goes; standard output if not given.
        json: Print JSON.
    """
    known = load_directory(directory, None)
    addressee, rules = _addressee(to, known), load_policy(policy, known)
    token_id = carried.decode(read_file(token).strip()).token_id
    kept = _kept(full, config, token_id)
    if sdjwt.token_id(kept.token) != token_id:
        raise ConfigError(f"{full} is of another record than {token}")
    now = time.time()
    verified = trust.verify(kept.token, known, now=now, opened=kept.compartments)
    texts = sealing.for_later(
        verified,
        kept.compartments,
        addressee.member,
        rules,
        entropy=os.urandom,
        now=now,
    )
    part = seal.make(texts, token_id, [addressee.recipient], entropy=os.urandom)
    shown = sealing.open_for(verified, addressee.member, rules, os.urandom, now)
    made = carried.encode(Carried(shown, (), (part,)))
    write_file(output, made + b"\n" if output is None else made)
    if output is not None:
        if json:
            show.json_line({"ok": True, "token": token_id, "to": to})
        else:
            show.line(f"sealed to {to}: {output}")


def _kept(full: Path | None, config: Path | None, token_id: str) -> Kept:
    if (full is None) == (config is None):
        raise ConfigError("give either --full or --config")
    if full is not None:
        try:
            return Kept.decode(read_file(full))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise ConfigError(f"{full} is nothing that --full has written") from None
    assert config is not None  # noqa: S101  checked above
    settings = load(config, PublisherConfig)
    found = kept_sealed(settings.state, token_id)
    if found is None:
        raise TrustError("not-sealed-here")
    return Kept.decode(found)
