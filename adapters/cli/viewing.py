"""Whose view of which token a command is asked for."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from adapters import view
from adapters.cli.load import need_known, read_file
from adapters.cli.options import TlpOption
from adapters.cli.receipt import Evidence
from adapters.view import View, kept_from, view_of
from broker import carried
from broker.directory import Audience, Directory
from broker.errors import ConfigError
from broker.trust import Verified, verify
from schemas.errors import RefusedError

_NO_EVIDENCE: Final = Evidence()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the options say of a view that is no member's.

    Attributes:
        community: Those of the token if empty.
    """

    community: Sequence[str] = ()
    jurisdiction: str = ""
    addressed: bool = False
    concerned: bool = False


def verified_token(
    token: Path,
    known: Directory,
    evidence: Evidence = _NO_EVIDENCE,
    *,
    allow_partial: bool = False,
) -> Verified:
    """Read and verify a token.

    Args:
        evidence: Of when it was there; else revocations count from now.
        allow_partial: As `trust.verify`.

    Raises:
        ConfigError: A file is unusable.
        RefusedError: It does not verify.
    """
    data = carried.decode(read_file(token).strip())
    now = time.time()
    first_seen = evidence.first_seen(data.token, known, now=now)
    verified = verify(
        data, known, now=now, first_seen=first_seen, allow_partial=allow_partial
    )
    for each in verified.signers:
        if not each.fault:
            evidence.check(known.key(each.kid), now=now)
    return verified


def audience_view(
    audience: Audience, clearance: TlpOption | None, facts: Facts, verified: Verified
) -> View:
    """Give the view of an audience, at its default clearance if none is given."""
    return view.audience_view(
        audience,
        verified.claims,
        clearance=clearance,
        communities=facts.community,
        jurisdiction=facts.jurisdiction,
        addressed=facts.addressed,
        concerned=facts.concerned,
    )


def member_view(name: str, directory: Directory | None, verified: Verified) -> View:
    """Give the view of a member.

    Args:
        directory: None where a single key is trusted.

    Raises:
        ConfigError: It is not known.
        RefusedError: `in-exercise`: it practises, the record is no exercise.
    """
    if directory is None:
        raise ConfigError("--member needs --directory")
    members = directory.members
    need_known(name, members, f"no member {name} in the directory")
    if kept := kept_from(members[name], verified.claims):
        raise RefusedError(kept)
    return view_of(members[name], verified.claims)
