"""`tocsin compare`: what several audiences get of one record, side by side."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from adapters import comparing
from adapters.cli import show, show_comparison, viewing
from adapters.cli.load import load_directory, load_policy, write_private
from adapters.cli.options import DirectoryPlace, TlpOption
from adapters.compare_page import page
from adapters.comparison import Comparison
from adapters.projection import trial_author
from adapters.view import View
from broker.directory import Audience
from broker.errors import ConfigError
from broker.trust import Verified
from schemas import timestamps

_DEFAULT: tuple[Audience, ...] = ("peer-cert", "civil-society")


def compare(
    token: Path,
    /,
    *,
    audience: tuple[Audience, ...] = (),
    member: tuple[str, ...] = (),
    clearance: tuple[TlpOption, ...] = (),
    community: tuple[str, ...] = (),
    jurisdiction: str = "",
    addressed: bool = False,
    concerned: bool = False,
    directory: DirectoryPlace | None = None,
    jwk: Path | None = None,
    policy: Path | None = None,
    html: Path | None = None,
    json: bool = False,
) -> None:
    """Show side by side what several audiences get of one record, and why not more.

    What it shows is for those who may see the whole record. Community, jurisdiction,
    addressed and concerned hold for every --audience, not for a --member.

    Args:
        token: File with a token; - reads standard input.
        audience: An audience; up to five, with the members. peer-cert and civil-society
            if none is given.
        member: A member whose view to take; needs --directory.
        clearance: Highest TLP: one for all audiences, or one for each, in their order.
        community: Communities of the views; those of the token if not given.
        jurisdiction: Jurisdiction of the views.
        addressed: The record names the views' members in "to".
        concerned: The record names them in "concerns".
        jwk: A single public key, instead of a directory.
        policy: Redaction policy (TOML); if not given the directory's, else the shipped one.
        html: Write one page that needs no network here, readable by you alone.
        json: Print JSON.
    """
    known = load_directory(directory, jwk)
    verified = viewing.verified_token(token, known)
    audiences = audience or (() if member else _DEFAULT)
    facts = viewing.Facts(
        community=community,
        jurisdiction=jurisdiction,
        addressed=addressed,
        concerned=concerned,
    )
    listed = None if directory is None else known
    views = [
        *_of_audiences(audiences, clearance, facts, verified),
        *((each, viewing.member_view(each, listed, verified)) for each in member),
    ]
    if len(views) > comparing.MAX_VIEWS:
        raise ConfigError(f"no more than {comparing.MAX_VIEWS} stand side by side")
    if len({name for name, _ in views}) < len(views):
        raise ConfigError("name each audience and member once")
    rules, now = load_policy(policy, listed), timestamps.from_epoch(time.time())
    # Keys of the moment: pseudonyms of a trial must not equal those in use.
    author = trial_author(os.urandom)
    given = [
        comparing.give(verified, view, rules, author=author, now=now, name=name)
        for name, view in views
    ]
    found = comparing.compare(verified, rules, given)
    if html is not None:
        write_private(html, page(found, made_at=now).encode())
    if json:
        show.json_line(_document(found))
    elif html is None:
        show_comparison.comparison(found)
    else:
        show_comparison.summary(found)
        show.line(f"{html}: for those who may see the whole record")


def _of_audiences(
    audiences: Sequence[Audience],
    clearances: Sequence[TlpOption],
    facts: viewing.Facts,
    verified: Verified,
) -> list[tuple[str, View]]:
    if len(clearances) not in (0, 1, len(audiences)):
        raise ConfigError("give one --clearance for all, or one for each --audience")
    each_one: list[TlpOption | None] = [*clearances] * (
        len(audiences) if len(clearances) == 1 else 1
    ) or [None] * len(audiences)
    return [
        (who, viewing.audience_view(who, clearance, facts, verified))
        for who, clearance in zip(audiences, each_one, strict=True)
    ]


def _document(found: Comparison) -> dict[str, Any]:
    return {"ok": True, **msgspec.to_builtins(found)}
