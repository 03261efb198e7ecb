"""proofs list, show, check: what issuers have said in two ways."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.markup import escape

from adapters.cli import show
from adapters.cli.load import load_directory, read_file, write_file
from adapters.cli.options import DirectoryPlace
from adapters.config import GateConfig, load
from broker import proofs as core
from broker.archive import KeptProof, open_archive
from broker.errors import ConfigError
from broker.proofs import Shown
from schemas import timestamps

proofs = App(
    name="proofs", help="Proofs that an issuer has said two things that cannot both be."
)


@proofs.command(name="list")
def list_proofs(*, config: Path, json: bool = False) -> int:
    """List the proofs that the gate has kept.

    Args:
        config: Gate configuration (TOML).
        json: Print one line of JSON each.
    """
    found = _kept(config)
    if json:
        for each in found:
            show.json_line({"ok": True, **_facts(each)})
    elif not found:
        show.line("no issuer has said two things")
    else:
        rows = [
            [escape(str(value)) for value in _facts(each).values()] for each in found
        ]
        show.rows(("proof", "found (UTC)", "issuer", "about"), rows)
    return 0


@proofs.command(name="show")
def show_proof(
    proof: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    config: Path,
    out: Path | None = None,
) -> int:
    """Write one proof as a file that anyone can check.

    Args:
        proof: Its name as tocsin proofs list tells it, or how that begins.
        config: Gate configuration (TOML).
        out: File; standard output if not given.
    """
    found = [each for each in _kept(config) if each.id.startswith(proof)]
    if len(found) != 1:
        raise ConfigError(
            "several proofs begin so; give more of the name"
            if found
            else "there is no such proof; see tocsin proofs list"
        )
    write_file(out, found[0].proof + b"\n")
    return 0


@proofs.command(name="check")
def check_proof(
    file: Path,
    /,
    *,
    directory: DirectoryPlace | None = None,
    jwk: Path | None = None,
    json: bool = False,
) -> int:
    """Check a proof with nothing but the issuer's public key.

    Args:
        file: As tocsin proofs show writes it.
        jwk: The issuer's public key, instead of a directory.
        json: Print JSON.
    """
    trusted = load_directory(directory, jwk)
    data = read_file(file, core.MAX_BYTES)
    shown = core.check(core.decode(data.strip()), trusted)
    if json:
        show.json_line({"ok": True, **facts(shown)})
    else:
        show.line(in_words(shown))
    return 0


def facts(shown: Shown) -> dict[str, str]:
    """Give what a proof shows, for programs."""
    return {
        "issuer": shown.issuer,
        "about": shown.about,
        "where": shown.where,
        "first": shown.first,
        "second": shown.second,
    }


def in_words(shown: Shown) -> str:
    """Say what a proof shows."""
    what = (
        f"two records for one place of its feed, {shown.where}"
        if shown.about == "place"
        else f"two histories of one line of heartbeats, {shown.where}"
    )
    return f"proven: {shown.issuer} has signed {what}: {shown.first} and {shown.second}"


def _facts(kept: KeptProof) -> dict[str, str]:
    return {
        "proof": kept.id,
        "found": timestamps.from_epoch(kept.found_at),
        "issuer": kept.issuer,
        "about": core.decode(kept.proof).about,
    }


def _kept(config: Path) -> list[KeptProof]:
    archive = load(config, GateConfig).archive
    if not archive.exists():
        raise ConfigError(f"there is no archive {archive}")
    with open_archive(archive) as opened:
        return opened.proofs()
