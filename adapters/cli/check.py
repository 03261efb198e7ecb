"""check: what is wrong with a file, and who would see what of it."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.checking import Checked
from adapters.cli import sarif as sarif_log
from adapters.cli import show, show_findings
from adapters.cli.inputs import Read, read_record
from adapters.cli.load import load_policy, read_file
from adapters.cli.options import FromOption, TlpOption, draft_options
from adapters.policy import Policy
from adapters.positions import lines_of
from adapters.preview import Seen, preview
from broker.directory import single_key
from broker.errors import ConfigError
from broker.signers import Signer
from broker.signing import Address
from schemas import record
from schemas.catalogue import decode_catalogue
from schemas.errors import RefusedError
from schemas.findings import Finding
from schemas.rules import rule

_ORG = "preview"
_DONE, _REFUSED, _USAGE = 0, 1, 2  # exit codes, as in adapters.cli.main


def check(
    *files: Path,
    source: FromOption = None,
    community: tuple[str, ...] = (record.ALL_COMMUNITY,),
    to: tuple[str, ...] = (),
    concerns: tuple[str, ...] = (),
    tlp: TlpOption | None = None,
    primary: str | None = None,
    report: str | None = None,
    kind: str | None = None,
    identity: str | None = None,
    policy: Path | None = None,
    catalogue: tuple[Path, ...] = (),
    json: bool = False,
    sarif: bool = False,
) -> int:
    """Say what is wrong with files, and what of them whom would see.

    Nothing is signed or sent. Errors refuse a record; warnings are probably
    mistakes; notes tell what stays at home.

    Args:
        files: STIX, MISP, CSAF, Shadowserver or tables; - reads standard input.
        source: Format, where it is not recognised.
        community: Communities that would be addressed (URN).
        to: Organisation that would be addressed by name; what is shown is then what
            members see that are.
        concerns: Organisation that would be named as concerned; likewise.
        tlp: Marks what is unmarked.
        primary: Id of the primary object, where several qualify.
        report: Wraps loose objects in a report of this name.
        kind: correction or retraction, where it does not follow from the content.
        identity: Id that the input gives the issuer itself (identity--...).
        policy: Redaction policy (TOML); the shipped one if not given.
        catalogue: Technique catalogue (tocsin catalogue import); may be given several
            times. Techniques that it lacks are warned of.
        json: Print one line of JSON per file.
        sarif: Print one SARIF 2.1.0 log, for editors and CI.
    """
    if not files:
        raise ConfigError("name at least one file")
    if json and sarif:
        raise ConfigError("give either --json or --sarif")
    options = draft_options(
        tlp=tlp, primary=primary, report=report, kind=kind, coarse=()
    )
    rules = load_policy(policy)
    known = [decode_catalogue(read_file(each)) for each in catalogue]
    code = _DONE
    logged: dict[str, tuple[Finding, ...]] = {}
    lines: dict[str, Mapping[str, int]] = {}
    for file in files:
        try:
            with show.busy(f"checking {show.file_name(file)}"):
                read = read_record(
                    file,
                    options,
                    source=source,
                    own=identity,
                    communities=community,
                    catalogues=known,
                )
                address = Address(communities=community, to=to, concerns=concerns)
                seen, findings = _tried(read.checked, rules, address, identity)
        except ConfigError as error:
            # The others can be read all the same.
            show.complaint(f"configuration: {error}")
            code = _USAGE
            continue
        if code == _DONE and any(rule(f.rule).level == "error" for f in findings):
            code = _REFUSED
        found = lines_of(read.data, {each.where for each in findings})
        if sarif:
            logged[_uri(file)] = findings
            lines[_uri(file)] = found
        elif json:
            show.json_line(_facts(file, read, findings, seen, found))
        else:
            show_findings.checked(show.file_name(file), read, findings, seen, found)
    if sarif:
        show.json_line(sarif_log.log(logged, lines))
    return code


def _uri(file: Path) -> str:
    # RFC 3986, 4.1: a relative path is a reference as it is; quoted, no colon is left.
    if file.is_absolute():
        return file.as_uri()
    return quote(os.fsencode(file))


def _tried(
    checked: Checked, policy: Policy, address: Address, identity: str | None
) -> tuple[list[Seen], tuple[Finding, ...]]:
    """Sign and cut the record with a key of the moment; what refuses that counts."""
    if checked.draft is None:
        return [], checked.findings
    signer = Signer(_ORG, Ed25519PrivateKey.generate())
    try:
        seen = preview(
            checked.draft,
            policy,
            signer=signer,
            directory=single_key(_ORG, signer.jwk),
            address=address,
            identity=identity,
            now=time.time(),
            entropy=os.urandom,
        )
    except RefusedError as error:
        return [], (Finding(error.reason, error.where), *checked.findings)
    return seen, checked.findings


def _facts(
    file: Path,
    read: Read,
    findings: tuple[Finding, ...],
    seen: list[Seen],
    lines: Mapping[str, int],
) -> dict[str, Any]:
    draft = read.checked.draft
    levels = [rule(each.rule).level for each in findings]
    return {
        "ok": "error" not in levels,
        "file": show.file_name(file),
        "format": read.source,
        "objects": 0 if draft is None else len(draft.objects),
        "kind": None if draft is None else draft.kind,
        "tlp": None if draft is None else draft.tlp.label,
        "findings": [
            {
                "level": level,
                "rule": each.rule,
                "where": each.where,
                "line": lines.get(each.where),
                "count": each.count,
                "message": sarif_log.sentence(each),
            }
            for each, level in zip(findings, levels, strict=True)
        ],
        "audiences": [
            {
                "audience": each.audience,
                "clearance": each.clearance,
                "refused": each.refused or None,
                "objects": each.shown,
                "types": dict(each.types),
                "withheld": dict(each.cuts),
            }
            for each in seen
        ],
    }
