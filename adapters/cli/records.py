"""keygen, sign, verify, redact: one record at a time, no broker."""

import os
import secrets
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from adapters.cli import show, show_explained, show_findings, viewing
from adapters.cli.asking import PassphraseOption, signer_of
from adapters.cli.cosigning import NeedOption, WithOption, need_of
from adapters.cli.ends import warn_of_key
from adapters.cli.inputs import read_record
from adapters.cli.load import (
    load_directory,
    load_policy,
    need_org,
    write_file,
    write_private,
)
from adapters.cli.options import DirectoryPlace, FromOption, TlpOption, draft_options
from adapters.cli.receipt import Evidence
from adapters.cli.sealing import SealAboveOption, SealToOption, addressed, sealer_of
from adapters.explaining import refused
from adapters.projection import trial_author
from adapters.redaction import NotGivenError
from adapters.redaction import redact as redact_record
from broker import carried
from broker.blinding import BlindMap, own_id
from broker.carried import Carried
from broker.directory import Audience, single_key
from broker.errors import ConfigError, TrustError
from broker.seal_signing import Kept
from broker.signing import Address, random_uuid
from broker.signing_sealed import sign as sign_record
from broker.trust import verify as verify_token
from schemas import record, timestamps
from schemas.coarse import Coarse
from schemas.errors import RefusedError

_DONE, _REFUSED = 0, 1  # exit codes, as in adapters.cli.main


def sign(
    file: Path,
    /,
    *,
    key: str,
    issuer: str,
    passphrase_file: PassphraseOption = None,
    directory: Path | None = None,
    source: FromOption = None,
    community: tuple[str, ...] = (record.ALL_COMMUNITY,),
    to: tuple[str, ...] = (),
    concerns: tuple[str, ...] = (),
    tlp: TlpOption | None = None,
    primary: str | None = None,
    report: str | None = None,
    kind: str | None = None,
    coarse: tuple[Coarse, ...] = (),
    exercise: bool = False,
    identity: str | None = None,
    need: NeedOption = None,
    others: WithOption = (),
    seal_to: SealToOption = (),
    seal_above: SealAboveOption = "amber+strict",
    policy: Path | None = None,
    full: Path | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> int:
    """Check and sign a record: input to token.

    Without a publisher's state the token carries no place in a feed and cannot be
    published; `tocsin publish` signs and publishes.

    Args:
        file: STIX, MISP, CSAF, Shadowserver or a table; - reads standard input.
        key: Private key of the issuer: a file, or pkcs11:... for one in a token.
        passphrase_file: File (mode 0600) with the passphrase of the key; asked for at
            a terminal if it has one and no file is given.
        issuer: Organisation that signs.
        directory: Folder of the directory: warns if the key ends soon, or counts no more.
        source: Format, where it is not recognised.
        community: Communities addressed (URN); may be given several times.
        to: Organisation addressed by name.
        concerns: Organisation concerned (the platform, the victim).
        tlp: Marks what is unmarked.
        primary: Id of the primary object, where several qualify.
        report: Wraps loose objects in a report of this name.
        kind: correction or retraction, where it does not follow from the content.
        coarse: Signs the network of each address, the day of each time, as well, so
            that members who may not see the exact one can prove the coarse one.
        exercise: This is an exercise.
        identity: Id that the input gives the issuer itself (identity--...).
        need: Of a joint record: how many must sign, the issuer included; all, if only
            --with is given. The others sign with tocsin cosign.
        others: Organisation that may sign it too; may be given several times.
        seal_to: Organisation addressed by name that alone can open what is sealed;
            needs --directory, where its key is.
        seal_above: What is marked stricter is sealed: RED always.
        policy: What those sealed to may have of it (TOML); if not given the
            directory's, else the shipped one.
        full: Where what was sealed goes, to seal it to others later; a secret.
        output: Where the token goes; standard output if not given.
    """
    for org in (issuer, *to, *concerns):
        need_org(org)
    joint = need_of(issuer, need, others)
    sealer = sealer_of(seal_to, seal_above, directory, policy)
    signer = signer_of(issuer, key, passphrase_file)
    warn_of_key(signer, directory)
    now = time.time()
    options = draft_options(
        tlp=tlp,
        primary=primary,
        report=report,
        kind=kind,
        coarse=coarse,
        seals=sealer is not None,
    )
    read = read_record(
        file, options, source=source, own=identity, communities=community
    )
    draft = read.checked.draft
    show_findings.briefly(read.checked, "")
    if draft is None:
        return _REFUSED
    made = sign_record(
        draft,
        signer,
        sealer,
        blind_map=BlindMap(
            lambda: random_uuid(secrets.token_bytes), own_id(issuer, identity)
        ),
        now=now,
        entropy=os.urandom,
        address=Address(
            communities=community, to=addressed(to, seal_to), concerns=concerns
        ),
        exercise=exercise,
        need=joint,
    )
    # What nobody would accept is refused here, not at the hub.
    own = single_key(issuer, signer.jwk)
    verify_token(made.token, own, now=now, allow_partial=True)
    record_made = carried.encode(Carried(made.token, (), made.parts))
    if full is not None and made.parts:
        write_private(full, Kept.of(made).encode())
    write_file(output, record_made + b"\n" if output is None else record_made)
    return _DONE


def verify(
    token: Path,
    /,
    *,
    directory: DirectoryPlace | None = None,
    jwk: Path | None = None,
    receipt: Path | None = None,
    heads: Path | None = None,
    path: Path | None = None,
    json: bool = False,
) -> int:
    """Verify a token strictly, and say what it is.

    A joint record that lacks signatures is shown, and not accepted: exit code 1.
    A token whose key was revoked counts if it was there before. A receipt shows that
    where the key was given up; where it was compromised, only a head of the gate's chain
    that you kept before does.

    Args:
        token: File with a token; - reads standard input.
        jwk: A single public key, instead of a directory.
        receipt: Its receipt.
        heads: File of heads that you keep (tocsin heads save).
        path: Stamps from the record's to one of these heads (tocsin heads prove).
        json: Print JSON.
    """
    evidence = Evidence(receipt=receipt, heads=heads, path=path)
    try:
        verified = viewing.verified_token(
            token, load_directory(directory, jwk), evidence, allow_partial=True
        )
    except RefusedError as error:
        if json:
            show.json_line({"ok": False, "reason": error.reason, "where": error.where})
        raise
    show.verified(verified, as_json=json)
    if verified.signatures_missing:
        show.refusal(TrustError("partial"))
        return _REFUSED
    return _DONE


def redact(
    token: Path,
    /,
    *,
    member: str | None = None,
    audience: Audience | None = None,
    clearance: TlpOption | None = None,
    community: tuple[str, ...] = (),
    jurisdiction: str = "",
    addressed: bool = False,
    concerned: bool = False,
    directory: DirectoryPlace | None = None,
    jwk: Path | None = None,
    policy: Path | None = None,
    explain: bool = False,
    receipt: bool = False,
    evidence: Path | None = None,
    projection: Path | None = None,
    json: bool = False,
) -> None:
    """Show what a view gets of a token, and why.

    Args:
        token: File with a token; - reads standard input.
        member: Member whose view to take; needs --directory.
        audience: Or: the audience.
        clearance: Highest TLP; AMBER for peer-cert, GREEN else.
        community: Communities of the view; those of the token if not given.
        jurisdiction: Jurisdiction of the view.
        addressed: The record names the view's member in "to".
        concerned: The record names it in "concerns".
        jwk: A single public key, instead of a directory.
        policy: Redaction policy (TOML); if not given the directory's, else the shipped one.
        explain: List every cut: where, by what in the policy, why, what stands instead.
        receipt: Show what a receipt would say, unsigned.
        evidence: Write the cut token here.
        projection: Write the plain bundle here.
        json: Print JSON.
    """
    known = load_directory(directory, jwk)
    listed = None if directory is None else known
    verified = viewing.verified_token(token, known)
    if (member is None) == (audience is None):
        raise ConfigError("give either --member or --audience")
    if member is not None:
        view = viewing.member_view(member, listed, verified)
    else:
        assert audience is not None  # noqa: S101  checked above
        facts = viewing.Facts(
            community=community,
            jurisdiction=jurisdiction,
            addressed=addressed,
            concerned=concerned,
        )
        view = viewing.audience_view(audience, clearance, facts, verified)
    rules = load_policy(policy, listed)
    try:
        redacted = redact_record(
            verified,
            view,
            rules,
            # Keys of the moment: pseudonyms of a trial must not equal those in use.
            author=trial_author(os.urandom),
            now=timestamps.from_epoch(time.time()),
        )
    except NotGivenError as error:
        refusal = refused(verified, view, rules, error)
        show_explained.refused(refusal, explain=explain, as_json=json)
        raise RefusedError(error.reason) from None
    if evidence is not None:
        write_file(evidence, redacted.evidence)
    if projection is not None:
        write_file(projection, redacted.projection)
    show_explained.redacted(
        redacted, rules, explain=explain, receipt=receipt, as_json=json
    )
