"""erase: what a record says goes from the hub; that it was there stays provable."""

import asyncio
import logging
import sys
import time
from pathlib import Path
from typing import Annotated, Any, get_args

from cyclopts import Parameter

from adapters.cli import show
from adapters.cli.asking import agreed
from adapters.cli.connecting import log_json, no_retry, open_bus
from adapters.config import GateConfig, OperatorConfig, load
from broker import dead_queue
from broker.archive import Archive, Erased, open_archive
from broker.archive_keys import Case
from broker.bus import Bus
from broker.erasing import Order, message, parts
from broker.errors import BusRefusedError, ConfigError, UnroutableError
from broker.topology import DEAD, RETRY, UNROUTABLE, adapter_queues
from schemas import timestamps
from schemas.erasing import REASONS, Ordered
from schemas.errors import SchemaError


def erase(
    *,
    config: Annotated[Path, Parameter(help="Gate configuration (TOML).")],
    operator_config: Annotated[
        Path, Parameter(help="The operator's login, and adapters = [...] (TOML).")
    ],
    reason: Annotated[
        Ordered | None, Parameter(help="Why; members are told this word.")
    ] = None,
    record: Annotated[str | None, Parameter(help="Id of the record.")] = None,
    issuer: Annotated[str | None, Parameter(help="Who issued it.")] = None,
    token: Annotated[str | None, Parameter(help="Or: id of one of its tokens.")] = None,
    repeat_since: Annotated[
        str | None,
        Parameter(help="Instead: order again what was erased since (RFC 3339)."),
    ] = None,
    yes: Annotated[bool, Parameter(help="Do not ask.")] = False,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
) -> int:
    """Erase a record, all its versions, from archive, outboxes and dead letters.

    Those who received it are told which one and why. Signatures, digests, times and
    who received it stay. Repeat it if it was broken off: nothing happens twice.
    """
    log_json(logging.WARNING)
    operator = load(operator_config, OperatorConfig)
    if not operator.adapters:
        raise ConfigError(
            f"{operator_config} must name every adapter: adapters = [...]"
        )
    place = load(config, GateConfig).archive
    if not place.exists():
        raise ConfigError(f"there is no archive {place}")
    with open_archive(place) as archive:
        if repeat_since is not None:
            named = (reason, record, issuer, token)
            if any(each is not None for each in named):
                raise ConfigError("--repeat-since goes with no reason and no record")
            moment = _moment(repeat_since)
            return asyncio.run(_repeat(archive, moment, operator, as_json=json))
        if reason is None:
            raise ConfigError(f"give --reason: {', '.join(get_args(Ordered))}")
        case = _case(archive, record, issuer, token)
        if case is None:
            show.complaint("the archive has no such record; nothing was erased")
            return 1
        if not (yes or _agreed(case, archive)):
            show.complaint("nothing was erased")
            return 1
        return asyncio.run(_erase(archive, case, operator, reason, as_json=json))


def _moment(text: str) -> float:
    try:
        return timestamps.epoch(text)
    except SchemaError:
        raise ConfigError("--repeat-since is no RFC 3339 time with a zone") from None


async def _repeat(
    archive: Archive, since: float, operator: OperatorConfig, *, as_json: bool
) -> int:
    """Order again what was erased: an outbox was put back that has it."""
    found = archive.erased(since)
    missing: set[str] = set()
    async with open_bus(operator.broker) as bus:
        for each in found:
            missing.update(await order_all(bus, operator.adapters, each))
    if as_json:
        facts = {"ok": not missing, "records": len(found)}
        show.json_line(facts | {"not_reached": sorted(missing)})
    else:
        show.line(f"records that were ordered to be erased once more: {len(found)}")
        for name in sorted(missing):
            show.complaint(f"{name} has no queue, so no order")
    return 1 if missing else 0


def _case(
    archive: Archive, record: str | None, issuer: str | None, token: str | None
) -> Case | None:
    if (token is None) == (record is None) or (record is None) != (issuer is None):
        raise ConfigError("name --record and --issuer, or --token")
    if token is not None:
        found = archive.get(token)
        return None if found is None else (found.issuer, found.sub)
    case = str(issuer), str(record)
    return case if archive.tokens_of(*case) else None


def _agreed(case: Case, archive: Archive) -> bool:
    if not sys.stdin.isatty():
        raise ConfigError("it asks before it erases; without a terminal, give --yes")
    count, (issuer, sub) = len(archive.tokens_of(*case)), case
    return agreed(f"erase {sub} of {issuer}, {count} versions, for good?")


async def _erase(
    archive: Archive,
    case: Case,
    operator: OperatorConfig,
    reason: Ordered,
    *,
    as_json: bool,
) -> int:
    # Connected before anything is destroyed: what is wrong there shows first.
    async with open_bus(operator.broker) as bus:
        [erased] = archive.erase([case], at=int(time.time()), reason=reason)
        missing = await order_all(bus, operator.adapters, erased)
        letters, every = await drop_letters(bus, frozenset(erased.token_ids))
    clean = archive.tidy()
    facts: dict[str, Any] = {
        "ok": not missing and clean and every,
        "issuer": erased.issuer,
        "record": erased.sub,
        "at": timestamps.from_epoch(erased.at),
        "reason": erased.reason,
        "versions": len(erased.token_ids),
        "adapters": [each for each in operator.adapters if each not in missing],
        "not_reached": missing,
        "dead_letters": letters,
        "dead_letters_all": every,
    }
    show.json_line(facts) if as_json else _print(facts, clean=clean)
    return 0 if facts["ok"] else 1


async def order_all(bus: Bus, adapters: tuple[str, ...], erased: Erased) -> list[str]:
    """Order every adapter to erase a record; name those that have no queue.

    Raises:
        BusError: As `Bus.publish`; those before it have the order.
    """
    order = Order(
        issuer=erased.issuer,
        sub=erased.sub,
        tokens=erased.token_ids,
        at=erased.at,
        reason=erased.reason,
        notify=erased.reason != "retention",
    )
    missing = []
    for name in adapters:
        try:
            # Behind what lies in either: the record itself may.
            for queue in adapter_queues(name):
                for part in parts(order):
                    await bus.publish(RETRY, message(part, queue))
        except UnroutableError:
            missing.append(name)
        except BusRefusedError as error:
            raise no_retry(error) from None
    return missing


async def drop_letters(bus: Bus, token_ids: frozenset[str]) -> tuple[int, bool]:
    """Delete the dead letters that are these tokens, of the oldest 10,000.

    Returns:
        How many, and whether these are all that there were.
    """
    count, every = 0, True
    for source in (DEAD, UNROUTABLE):
        found = await dead_queue.listed(bus, source)
        chosen = [each for each in found if each.message_id in token_ids]
        done = await dead_queue.drop(bus, source, found, chosen)
        count += done
        every &= done == len(chosen) and len(found) < dead_queue.MAX_LETTERS
    return count, every


def _print(facts: dict[str, Any], *, clean: bool) -> None:
    show.line(
        f"{show.printable(facts['record'])} of {facts['issuer']}, "
        f"{facts['versions']} versions: what they say is gone from the archive"
    )
    count = len(facts["adapters"])
    show.line(f"adapters ordered to erase it and to tell who had it: {count}")
    show.line(f"dead letters deleted: {facts['dead_letters']}")
    show.line(f"reason told: {REASONS[facts['reason']]}")
    for name in facts["not_reached"]:
        show.complaint(
            f"{name} has no queue, so no order; is it an adapter of this hub?"
        )
    if not facts["dead_letters_all"]:
        show.complaint(
            f"more dead letters of it may lie there: the oldest {dead_queue.MAX_LETTERS} "
            "were looked at, and somebody else may have some in hand; put back or "
            "delete some, then type this again"
        )
    if not clean:
        show.complaint(
            "another process was reading the archive: bytes of it are in its log yet; "
            "type this again"
        )
