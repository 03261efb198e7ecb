"""publish, correct, retract: what people type to send records."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from adapters.cli import heartbeats
from adapters.cli.cosigning import NeedOption, OutputOption, WithOption, need_of
from adapters.cli.options import FromOption, TlpOption, draft_options
from adapters.cli.sealing import SealAboveOption, SealToOption, addressed, sealer_of
from adapters.cli.sending import send, send_joint
from adapters.cli.waiting import WAIT_S, WaitOption, WaitOptions, WaitTimeOption
from adapters.config import PublisherConfig, load
from broker.errors import ConfigError
from broker.publisher import Publisher
from broker.revising import retracted
from broker.signing import Address, random_uuid
from schemas import composing, record
from schemas.coarse import Coarse


def publish(
    *files: Path,
    config: Path,
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
    new_epoch: bool = False,
    heartbeat: bool = False,
    need: NeedOption = None,
    others: WithOption = (),
    joint: Path | None = None,
    output: OutputOption = None,
    seal_to: SealToOption = (),
    seal_above: SealAboveOption = "amber+strict",
    directory: Path | None = None,
    policy: Path | None = None,
    wait: WaitOption = 0,
    wait_s: WaitTimeOption = WAIT_S,
    json: bool = False,
) -> int:
    """Check, sign and publish records; returns when the broker has confirmed them.

    Each file is one record. After any failure type the same command again: what
    was signed is sent again unchanged, nothing is doubled. Without files it sends
    what still waits in the outbox. A file that is no record stops all before
    anything is signed; one that is refused when it is signed stops no other.

    Args:
        files: STIX, MISP, CSAF, Shadowserver or tables.
        config: Publisher configuration (TOML).
        source: Format, where it is not recognised.
        community: Communities addressed (URN).
        to: Organisation addressed by name.
        concerns: Organisation concerned (the platform, the victim).
        tlp: Marks what is unmarked.
        primary: Id of the primary object, where several qualify.
        report: Wraps loose objects in a report of this name.
        kind: correction or retraction, where it does not follow from the content.
        coarse: Signs the network of each address, the day of each time, as well, so
            that members who may not see the exact one can prove the coarse one.
        exercise: These are exercises.
        new_epoch: Begin the feed anew first; once, after a restore that was not
            noticed: of a whole disk or virtual machine.
        heartbeat: Say what was published, of --community also that it is nothing, so
            that readers notice what is missing; tocsin heartbeat run does it hourly.
        need: Of a joint record: how many must sign, yourself included; all, if only
            --with is given. It is signed and kept here until --joint.
        others: Organisation that may sign it too; may be given several times.
        joint: Send this record, prepared with --with and cosigned since.
        output: Where a joint record goes that others are to cosign.
        seal_to: Organisation addressed by name that alone can open what is sealed.
        seal_above: What is marked stricter is sealed: RED always.
        directory: Folder of the directory, where the keys to seal to are, and those
            whose signatures count with --joint.
        policy: What those sealed to may have of it (TOML); if not given the
            directory's, else the shipped one.
        wait: Wait until so many members have each record, as adapters report it; at
            once if the gate refuses it. Who lets nobody know does not count.
        wait_s: Wait no longer than this (seconds); exit code 1 with what came.
        json: Print one line of JSON per record.
    """
    if heartbeat:
        if files or new_epoch:
            raise ConfigError("--heartbeat goes with no file and not with --new-epoch")
        return heartbeats.once(config, community, as_json=json)
    if joint is not None:
        if files or others or need is not None or output is not None:
            raise ConfigError("--joint goes with no other file and no other option")
        return send_joint(
            joint, config, WaitOptions(wait, wait_s, directory), as_json=json
        )
    wanted = need_of(load(config, PublisherConfig).org, need, others)
    if (wanted is None) != (output is None):
        raise ConfigError("--with and --output go together: what others are to cosign")
    sealer = sealer_of(seal_to, seal_above, directory, policy)
    options = draft_options(
        tlp=tlp,
        primary=primary,
        report=report,
        kind=kind,
        coarse=coarse,
        seals=bool(seal_to),
    )
    return send(
        files,
        config,
        options,
        partial(Publisher.enqueue, need=wanted, sealer=sealer),
        source=source,
        address=Address(
            communities=community, to=addressed(to, seal_to), concerns=concerns
        ),
        exercise=exercise,
        new_epoch=new_epoch,
        output=output,
        as_json=json,
        wait=WaitOptions(wait, wait_s, directory),
    )


def correct(
    *files: Path,
    config: Path,
    source: FromOption = None,
    community: tuple[str, ...] = (record.ALL_COMMUNITY,),
    to: tuple[str, ...] = (),
    concerns: tuple[str, ...] = (),
    tlp: TlpOption | None = None,
    primary: str | None = None,
    report: str | None = None,
    coarse: tuple[Coarse, ...] = (),
    of: str | None = None,
    exercise: bool = False,
    output: OutputOption = None,
    seal_to: SealToOption = (),
    seal_above: SealAboveOption = "amber+strict",
    directory: Path | None = None,
    policy: Path | None = None,
    wait: WaitOption = 0,
    wait_s: WaitTimeOption = WAIT_S,
    json: bool = False,
) -> int:
    """Publish a new version of records that were published from here, as corrections.

    Give the whole record as it is right now, addressed as before. Where the file still
    has the old "modified", the version is of now. A correction goes where the record went.
    What several signed together waits for them once more: see --output.

    Args:
        files: The corrected files.
        config: Publisher configuration (TOML).
        source: Format, where it is not recognised.
        community: Communities addressed (URN).
        to: Organisation addressed by name.
        concerns: Organisation concerned (the platform, the victim).
        tlp: Marks what is unmarked.
        primary: Id of the primary object, where several qualify.
        report: Wraps loose objects in a report of this name.
        coarse: As for tocsin publish.
        of: Id that tocsin publish told for the record, where the file alone does not
            tell which it is: tables whose rows have changed.
        exercise: These are exercises.
        output: Of a joint record: where the correction goes that others are to cosign.
        seal_to: Organisation addressed by name that alone can open what is sealed.
        seal_above: What is marked stricter is sealed: RED always.
        directory: Folder of the directory, where the keys to seal to are.
        policy: What those sealed to may have of it (TOML); if not given the
            directory's, else the shipped one.
        wait: Wait until so many members have each record, as adapters report it; at
            once if the gate refuses it. Who lets nobody know does not count.
        wait_s: Wait no longer than this (seconds); exit code 1 with what came.
        json: Print one line of JSON per record.
    """
    _need_files(files)
    if of is not None and len(files) > 1:
        raise ConfigError("--of goes with one file")
    sealer = sealer_of(seal_to, seal_above, directory, policy)
    options = draft_options(
        tlp=tlp,
        primary=primary,
        report=report,
        kind="correction",
        coarse=coarse,
        seals=bool(seal_to),
    )
    return send(
        files,
        config,
        options,
        partial(Publisher.enqueue_next, of=of, sealer=sealer),
        source=source,
        address=Address(
            communities=community, to=addressed(to, seal_to), concerns=concerns
        ),
        exercise=exercise,
        output=output,
        as_json=json,
        wait=WaitOptions(wait, wait_s, directory),
    )


def retract(
    *files: Path,
    config: Path,
    why: str = "",
    source: FromOption = None,
    community: tuple[str, ...] = (record.ALL_COMMUNITY,),
    to: tuple[str, ...] = (),
    concerns: tuple[str, ...] = (),
    tlp: TlpOption | None = None,
    primary: str | None = None,
    report: str | None = None,
    of: str | None = None,
    exercise: bool = False,
    wait: WaitOption = 0,
    wait_s: WaitTimeOption = WAIT_S,
    directory: Path | None = None,
    json: bool = False,
) -> int:
    """Take records back that were published from here; for good.

    Of each file only the primary object is sent again, revoked, with no more than STIX
    requires of it, and the reason. Address it as before.

    Args:
        files: The files as they were published.
        config: Publisher configuration (TOML).
        why: The reason, for people; it goes to all who got the record.
        source: Format, where it is not recognised.
        community: Communities addressed (URN).
        to: Organisation addressed by name.
        concerns: Organisation concerned (the platform, the victim).
        tlp: Marks what is unmarked.
        primary: Id of the primary object, where several qualify.
        report: Name of the report that loose objects were wrapped in.
        of: Id that tocsin publish told for the record, where the file alone does not
            tell which it is: tables whose rows have changed.
        exercise: These are exercises.
        wait: Wait until so many members have each record, as adapters report it; at
            once if the gate refuses it. Who lets nobody know does not count.
        wait_s: Wait no longer than this (seconds); exit code 1 with what came.
        directory: Folder of the directory, for --wait.
        json: Print one line of JSON per record.
    """
    _need_files(files)
    if of is not None and len(files) > 1:
        raise ConfigError("--of goes with one file")
    options = draft_options(
        tlp=tlp,
        primary=primary,
        report=report,
        kind=None,
        coarse=(),
        seals=True,  # what was sealed is not sent again
    )

    def taken_back(draft: record.Draft) -> record.Draft:
        moment = options["now"]
        note_id = f"note--{random_uuid(os.urandom)}"
        objects = retracted(
            draft.objects, draft.primary, now=moment, why=why, note_id=note_id
        )
        return composing.compose(
            objects, now=moment, primary=objects[0].id, kind="retraction"
        )

    return send(
        files,
        config,
        options,
        partial(Publisher.enqueue_next, of=of),
        source=source,
        address=Address(communities=community, to=to, concerns=concerns),
        exercise=exercise,
        as_json=json,
        changed=taken_back,
        wait=WaitOptions(wait, wait_s, directory),
    )


def _need_files(files: Sequence[Path]) -> None:
    if not files:
        raise ConfigError("name at least one file")
