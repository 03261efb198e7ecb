"""policy simulate: what another policy would show or hide of records at hand."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from adapters.cli import show
from adapters.cli.inputs import read_record
from adapters.cli.load import SHIPPED, load_directory, load_policy, read_file
from adapters.cli.options import DirectoryPlace, TlpOption, draft_options
from adapters.policy import Policy
from adapters.policy_effect import Effect, effect
from adapters.policy_totals import CHANGES, Found, Tally, Totals, Turned
from adapters.preview import tried
from adapters.projection import trial_author
from adapters.view import audience_view
from broker import wire
from broker.blinding import BlindMap
from broker.directory import DEFAULT_CLEARANCE, Audience, Directory, single_key
from broker.errors import ConfigError
from broker.signers import Signer
from broker.signing import Address, random_uuid
from broker.trust import Verified, verify
from schemas import timestamps
from schemas.errors import RefusedError
from schemas.reasons import explain

_DONE, _REFUSED = 0, 1  # exit codes, as in adapters.cli.main
_ORG: Final = "simulation"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"  # RFC 8878, 3.1.1: the magic number of a frame
_TOKEN: Final = b"eyJ"  # base64url of the '{"' that every header begins with
_JOINT: Final = b'{"pa'  # of `carried.encode`; STIX begins otherwise
_PLAIN: Final = frozenset({".csv", ".json", ".tsv"})


class _Record(msgspec.Struct, frozen=True):
    """A record of a file.

    Attributes:
        ids: What the file calls an object, where signing gave it another id.
    """

    verified: Verified
    ids: Mapping[str, str] = {}


def simulate(
    folder: Path,
    /,
    *,
    policy: Path,
    against: Path = Path(SHIPPED),
    directory: DirectoryPlace | None = None,
    jwk: Path | None = None,
    audience: tuple[Audience, ...] = (),
    jurisdiction: str = "",
    addressed: bool = False,
    concerned: bool = False,
    tlp: TlpOption | None = None,
    places: int = 20,
    json: bool = False,
) -> int:
    """Redact the records of a folder under two policies, and say what would change.

    Takes tokens, compressed or not, whose issuers the directory knows; and files as
    tocsin check takes them (.json, .csv), which are signed for the trial with a key
    of the moment. Nothing is written or sent, and no value is shown.

    Args:
        folder: Where the records lie, at any depth.
        policy: The policy to try (TOML).
        against: The policy that it would replace; the shipped one if not given.
        jwk: A single public key, instead of a directory.
        audience: Audiences to try; all that either policy knows if not given.
        jurisdiction: Jurisdiction of the members (ISO 3166-1).
        addressed: The records name the members in "to".
        concerned: The records name the members as concerned.
        tlp: Marks what is unmarked in files that are signed for the trial.
        places: How many places to list of each kind of change, and how many records.
        json: Print JSON.
    """
    old, new = load_policy(against), load_policy(policy)
    known = [a for a in DEFAULT_CLEARANCE if a in old.audiences or a in new.audiences]
    unknown = [a for a in audience if a not in known]
    if unknown:
        raise ConfigError(f"neither policy has an audience {unknown[0]}")
    audiences = [a for a in known if a in audience or not audience]
    files = _files(folder)
    now = time.time()
    issuers = _Issuers(directory, jwk)
    # Keys of the moment: pseudonyms of a trial must not equal those in use.
    author = trial_author(os.urandom)
    totals = Totals(audiences, places=places)
    refused: dict[str, RefusedError] = {}
    with show.progress("redacting", len(files)) as step:
        for file in files:
            name = show.file_name(file.relative_to(folder))
            try:
                record = _read(file, issuers, tlp, now)
            except RefusedError as error:
                refused[name] = error
            else:
                effects = [
                    effect(
                        record.verified,
                        audience_view(
                            each,
                            record.verified.claims,
                            jurisdiction=jurisdiction,
                            addressed=addressed,
                            concerned=concerned,
                        ),
                        old,
                        new,
                        author=author,
                        now=timestamps.from_epoch(now),
                    )
                    for each in audiences
                ]
                totals.add(name, _as_in_file(effects, record.ids))
            step(1)
    if json:
        show.json_line(_facts(old, new, totals, refused))
    else:
        _print(old, new, totals, most=places)
        for name, why in refused.items():
            show.refusal(why, name)
    return _REFUSED if refused else _DONE


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError(f"no folder {show.file_name(folder)}")
    inside = (each.relative_to(folder) for each in folder.rglob("*") if each.is_file())
    found = sorted(p for p in inside if not any(x.startswith(".") for x in p.parts))
    files = [folder / each for each in found]
    wanted = [each for each in files if each.suffix in _PLAIN or _is_token(each)]
    if not wanted:
        raise ConfigError(f"no token and no record in {show.file_name(folder)}")
    return wanted


def _is_token(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(4).startswith((_ZSTD, _TOKEN, _JOINT))
    except OSError as error:
        name = show.file_name(file)
        raise ConfigError(f"cannot read {name}: {error.strerror}") from None


class _Issuers:
    """The keys of those who sign, loaded when the first token is met."""

    def __init__(self, directory: Path | None, jwk: Path | None) -> None:
        self._directory, self._jwk = directory, jwk
        self._loaded: Directory | None = None

    def known(self) -> Directory:
        if self._loaded is None:
            self._loaded = load_directory(self._directory, self._jwk)
        return self._loaded


def _read(file: Path, issuers: _Issuers, tlp: TlpOption | None, now: float) -> _Record:
    """Read one record.

    Raises:
        RefusedError: It is none, or of nobody who is known.
    """
    if not _is_token(file):
        return _signed_now(file, tlp, now)
    data = read_file(file)
    if data.startswith(_ZSTD):
        data = wire.decompressed(data)
    return _Record(verify(data.strip(), issuers.known(), now=now))


def _signed_now(file: Path, tlp: TlpOption | None, now: float) -> _Record:
    """Sign a plain file with a key of the moment."""
    options = draft_options(tlp=tlp, primary=None, report=None, kind=None, coarse=())
    checked = read_record(file, options).checked
    if checked.draft is None:
        first = checked.errors[0]
        raise RefusedError(first.rule, first.where)
    signer = Signer(_ORG, Ed25519PrivateKey.generate())
    blind_map = BlindMap(lambda: random_uuid(os.urandom), {})
    verified = tried(
        checked.draft,
        blind_map,
        signer=signer,
        directory=single_key(_ORG, signer.jwk),
        address=Address(),
        now=now,
        entropy=os.urandom,
    )
    return _Record(verified, {new: own for own, new in blind_map.added.items()})


def _as_in_file(effects: Iterable[Effect], ids: Mapping[str, str]) -> list[Effect]:
    """Call objects what their file calls them."""
    if not ids:
        return list(effects)
    replace = msgspec.structs.replace
    return [
        replace(
            each,
            parts=tuple(
                replace(part, object_id=ids.get(part.object_id, part.object_id))
                for part in each.parts
            ),
        )
        for each in effects
    ]


def _facts(
    old: Policy, new: Policy, totals: Totals, refused: Mapping[str, RefusedError]
) -> dict[str, Any]:
    return {
        "ok": not refused,
        "from": old.name,
        "to": new.name,
        "records": totals.records,
        "refused": [
            {"file": name, "reason": error.reason, "where": error.where}
            for name, error in refused.items()
        ],
        "audiences": msgspec.to_builtins(totals.audiences),
        "titles": [
            {"audience": who, "title": title, **msgspec.to_builtins(tally)}
            for (who, title), tally in totals.titles.items()
        ],
        "by_record": [
            {"file": name, "audience": who, **_counts(tally)}
            for (name, who), tally in totals.by_record.items()
        ],
        "given": [_turned(t) for t in totals.turned if t.is_given],
        "withdrawn": [_turned(t) for t in totals.turned if not t.is_given],
        "places": [
            _place(found) for change in CHANGES for found in totals.places[change]
        ],
    }


def _counts(tally: Tally) -> dict[str, int]:
    return {change: getattr(tally, change) for change in CHANGES}


def _turned(turned: Turned) -> dict[str, str]:
    return {
        "file": turned.record,
        "audience": turned.audience,
        "reason": turned.reason,
    }


def _place(found: Found) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(found.part)
    return {"file": found.record, "audience": found.audience, **facts}


def _print(old: Policy, new: Policy, totals: Totals, *, most: int) -> None:
    show.line(f"from {old.name} to {new.name}: {totals.records:,} records")
    if not totals.titles and not totals.turned:
        show.line("nothing would change for any audience")
        return
    with show.output():
        console = show.console()
        console.print(_of_audiences(totals))
        for turned in totals.turned[:most]:
            sign = "[bold red]+ given" if turned.is_given else "[bold green]- refused"
            name = escape(show.printable(turned.record))
            console.print(
                f"{sign} as a whole[/] to {turned.audience}: {name} "
                f"({turned.reason}: {escape(_why(turned.reason))})",
                soft_wrap=True,
            )
        _say_rest(console, len(totals.turned) - most, "records as a whole")
        console.print(_of_titles(totals))
        console.print(_of_records(totals, most))
        _say_rest(console, len(totals.by_record) - most, "lines of records")
        for change in CHANGES:
            for found in totals.places[change]:
                console.print(_line(found), soft_wrap=True)
            whole = sum(getattr(t, change) for t in totals.audiences.values())
            rest = whole - len(totals.places[change])
            _say_rest(console, rest, f"places {change}")


def _why(reason: str) -> str:
    return explain(reason).rstrip(".")


def _of_audiences(totals: Totals) -> Table:
    table = _table("audience", "records that change")
    for who, tally in totals.audiences.items():
        table.add_row(who, *_cells(tally), str(tally.records))
    return table


def _of_titles(totals: Totals) -> Table:
    """List by row, those first of which most is shown."""
    table = _table("row", "records")
    by_title: dict[str, list[tuple[Audience, Tally]]] = {}
    for (who, title), tally in totals.titles.items():
        by_title.setdefault(title, []).append((who, tally))
    for title in sorted(by_title, key=lambda t: -sum(x.shown for _, x in by_title[t])):
        for who, tally in by_title[title]:
            label = f"{escape(show.printable(title))} [dim]({who})[/]"
            table.add_row(label, *_cells(tally), str(tally.records))
    return table


def _of_records(totals: Totals, most: int) -> Table:
    """List the records, those first of which most is shown."""
    table = _table("record", "audience")
    found = sorted(totals.by_record.items(), key=lambda each: -each[1].shown)
    for (name, audience), tally in found[:most]:
        table.add_row(escape(show.printable(name)), *_cells(tally), audience)
    return table


def _table(first: str, last: str) -> Table:
    return Table(first, *CHANGES, last, box=None, pad_edge=False)


def _cells(tally: Tally) -> Iterator[str]:
    styles = {"shown": "bold red", "hidden": "green", "changed": "yellow"}
    for change, count in _counts(tally).items():
        yield f"[{styles[change]}]{count:,}[/]" if count else "[dim]0[/]"


_SIGNS: Final = {
    "shown": "[bold red]+[/]",
    "hidden": "[green]-[/]",
    "changed": "[yellow]~[/]",
}


def _line(found: Found) -> str:
    part = found.part
    place = part.property or "the whole object"
    how = "in part" if part.is_part else f"{part.before} -> {part.after}"
    where = show.printable(f"{part.object_id} {place}")
    name = show.printable(found.record)
    return (
        f"{_SIGNS[part.change]} {escape(where)}: {how}; {found.audience}; "
        f"{escape(name)}; {escape(show.printable(part.title))}"
    )


def _say_rest(console: Console, more: int, what: str) -> None:
    if more > 0:
        console.print(f"and {more:,} more {what}")
