"""Options that several commands share."""

import time
from typing import Literal, TypedDict

from schemas import record, timestamps
from schemas.coarse import Coarse
from schemas.markings import Tlp

TlpOption = Literal["clear", "green", "amber", "amber+strict", "red"]


class DraftOptions(TypedDict):
    """The keyword arguments of `schemas.record.compose`."""

    now: str
    tlp: Tlp | None
    primary: str | None
    report: str | None
    kind: record.Kind | None
    coarse: frozenset[Coarse]


def draft_options(
    *,
    tlp: TlpOption | None,
    primary: str | None,
    report: str | None,
    kind: str | None,
    coarse: tuple[Coarse, ...],
) -> DraftOptions:
    """Turn options of the command line into arguments of `compose`."""
    return DraftOptions(
        now=timestamps.from_epoch(time.time()),
        tlp=None if tlp is None else Tlp.parse(tlp),
        primary=primary,
        report=report,
        kind=record.parse_kind(kind),
        coarse=frozenset(coarse),
    )
