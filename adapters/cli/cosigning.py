"""cosign: further signatures on a joint record, by whatever medium its file travels."""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from adapters.cli import show
from adapters.cli.asking import PassphraseOption, agreed, signer_of
from adapters.cli.ends import warn_of_key
from adapters.cli.load import load_directory, need_org, read_file, write_file
from broker import carried, cosigning
from broker.carried import Carried
from broker.directory import Directory
from broker.errors import ConfigError, TrustError
from broker.trust import Verified
from broker.trust import verify as verify_token
from schemas import codec, record
from schemas.record import MAX_SIGNERS, Need

_DONE = 0
_TITLE_CHARS = 200
NeedOption = Annotated[int | None, Parameter(name="--need")]
OutputOption = Annotated[Path | None, Parameter(name=["--output", "-o"])]
WithOption = Annotated[tuple[str, ...], Parameter(name="--with")]


def need_of(lead: str, threshold: int | None, others: tuple[str, ...]) -> Need | None:
    """Give the claim `need` that options ask for; all must sign if none says how many.

    Raises:
        ConfigError: They contradict each other.
    """
    if not others:
        if threshold is not None:
            raise ConfigError("--need goes with --with: name who else may sign")
        return None
    for org in others:
        need_org(org)
    named = dict.fromkeys((lead, *others))
    wanted = len(named) if threshold is None else threshold
    if not 2 <= wanted <= len(named) <= MAX_SIGNERS:
        raise ConfigError(
            "--need is at least 2, and no more than the issuer and those named "
            f"with --with, {MAX_SIGNERS} in all"
        )
    return Need(wanted, tuple(map(record.org_urn, named)))


def cosign(
    *tokens: Path,
    directory: Path,
    key: str | None = None,
    issuer: str | None = None,
    passphrase_file: PassphraseOption = None,
    merge: bool = False,
    content: Path | None = None,
    yes: bool = False,
    json: bool = False,
    output: OutputOption = None,
) -> int:
    """Sign a joint record that somebody else leads.

    Verifies it, shows what is signed, asks at a terminal, and adds a signature. Without
    --key it only shows. Several may sign at once: --merge brings their files together.

    Args:
        tokens: The record as its lead or the last cosigner gave it; with --merge two
            or more.
        directory: Folder of the directory: whose keys count.
        key: Your private key: a file, or pkcs11:... for one in a token.
        issuer: Your organisation.
        passphrase_file: File (mode 0600) with the passphrase of the key.
        merge: Bring the signatures of several files together.
        content: Write what is signed here, as a plain STIX bundle, to read all of it.
        yes: Do not ask.
        json: Print JSON.
        output: Where the record goes; the file itself if one is given and not this.
    """
    if (key is None) != (issuer is None):
        raise ConfigError("--key and --issuer go together")
    if (len(tokens) < 2) if merge else (len(tokens) != 1):
        raise ConfigError("name one file, or several with --merge")
    if merge and output is None:
        raise ConfigError("--merge needs --output")
    known, now = load_directory(directory, None), time.time()
    whole = cosigning.merge(carried.decode(read_file(each).strip()) for each in tokens)
    found = _signable(whole, known, now)
    if content is not None:
        write_file(content, _bundle(found))
    if key is not None and issuer is not None:
        signer = signer_of(issuer, key, passphrase_file)
        warn_of_key(signer, directory)
        _show(found, sys.stderr)
        if not _agreed(yes=yes):
            raise ConfigError("not signed")
        whole = cosigning.cosign(whole, signer)
        found = _signable(whole, known, now)
        if fault := found.signers[-1].fault:
            raise TrustError(fault)
    elif not json:
        _show(found, sys.stdout)
    if key is not None or merge:
        write_file(output or tokens[0], carried.encode(whole))
    if json:
        show.json_line(show.summary(found) | told(found))
    elif key is not None or merge:
        show.line(show.signatures(found))
    return _DONE


def _signable(whole: Carried, known: Directory, now: float) -> Verified:
    """Verify what is to be signed, or was.

    Raises:
        TrustError: `incomplete`: a part is missing, so nobody can see what they sign;
            `foreign-cosigner`: it is no joint record; or as `trust.verify`.
    """
    found = verify_token(whole, known, now=now, allow_partial=True)
    if not isinstance(found.claims.need, Need):
        raise TrustError("foreign-cosigner", "$.need")
    if not found.complete:
        raise TrustError("incomplete")
    return found


def _agreed(*, yes: bool) -> bool:
    if yes or not sys.stdin.isatty():
        return True
    return agreed("sign this in the name of your organisation?")


def _bundle(found: Verified) -> bytes:
    return codec.encode_json({"type": "bundle", "objects": list(found.plain)})


def told(found: Verified) -> dict[str, Any]:
    """Say what a record is about, for whoever is asked to sign it."""
    assert found.primary is not None  # noqa: S101  a complete record has it
    main = found.plain[found.primary]
    title = str(main.get("name") or main.get("opinion") or main.get("content") or "")
    kinds = Counter(each.type for each in found.objects)
    claims = found.claims
    return {
        "title": title[:_TITLE_CHARS],
        "about": main["type"],
        "severity": claims.severity,
        "contents": [f"{count} {kind}" for kind, count in sorted(kinds.items())],
        "addressed": [record.org_of(urn) for urn in claims.to or ()],
        "concerned": [record.org_of(urn) for urn in claims.concerns or ()],
        "sealed": len(claims.sealed or ()),
    }


def _show(found: Verified, stream: Any) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    facts = told(found) | show.summary(found)
    for name, value in facts.items():
        if name in ("ok", "complete", "withheld_at_most", "disclosed"):
            continue
        shown = ", ".join(value) if isinstance(value, list) else str(value)
        text = escape(show.printable(shown))
        table.add_row(f"[dim]{name.replace('_', ' ')}[/]", text)
    console = Console(file=stream, highlight=False, emoji=False)
    console.print("[bold]This is what is signed:[/]", table, sep="\n")
    if facts["sealed"]:
        console.print(
            "Sealed parts are signed too; who they are not for cannot see them."
        )
