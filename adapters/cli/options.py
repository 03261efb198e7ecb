"""Options that several commands share."""

import time
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from schemas import composing, record, timestamps
from schemas.coarse import Coarse
from schemas.markings import Tlp

TlpOption = Literal["clear", "green", "amber", "amber+strict", "red"]
DirectoryPlace = Annotated[
    Path,
    Parameter(help="Folder of the directory, or configuration that names one."),
]
FromOption = Annotated[str | None, Parameter(name="--from")]


def draft_options(
    *,
    tlp: TlpOption | None,
    primary: str | None,
    report: str | None,
    kind: str | None,
    coarse: tuple[Coarse, ...],
    seals: bool = False,
) -> composing.Options:
    """Turn options of the command line into arguments of `compose`."""
    return composing.Options(
        now=timestamps.from_epoch(time.time()),
        tlp=None if tlp is None else Tlp.parse(tlp),
        primary=primary,
        report=report,
        kind=record.parse_kind(kind),
        coarse=frozenset(coarse),
        seals=seals,
    )
