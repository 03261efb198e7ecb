"""What tags and distribution of MISP say about who may see something.

TLP is the author's word, distribution what MISP itself does. Where they contradict
each other, and where a tag cannot be read, the stricter reading counts.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from adapters.sources.found import Intake
from schemas import protection
from schemas.errors import SchemaError
from schemas.findings import Findings
from schemas.markings import Tlp

NARROW: Final = frozenset({"0", "4"})
"""Distribution: your organisation only; a sharing group."""
_WIDE: Final = frozenset({"", "1", "2", "3", "5"})  # 5: as what it is part of

_IEP: Final = 'iep:traffic-light-protocol="'
_SPEAKS_OF_TLP: Final = re.compile(rf"tlp(?![a-z])|{_IEP}")
_NO_SYNC: Final = "misp:should-not-sync"
_PAP: Final = "pap:"
_CONFIDENCE: Final[dict[str, int]] = {
    # as MISP's own converter reads them
    'misp:confidence-level="completely-confident"': 100,
    'misp:confidence-level="usually-confident"': 75,
    'misp:confidence-level="fairly-confident"': 50,
    'misp:confidence-level="rarely-confident"': 25,
    'misp:confidence-level="unconfident"': 0,
}
GALAXY_TAG: Final = "misp-galaxy:"


class Tags(NamedTuple):
    """What the tags of one thing say.

    Attributes:
        tlp: The strictest; None if no tag speaks of it.
        labels: Tags that say nothing else, as they are.
        galaxies: Tags of galaxies, as they are.
    """

    tlp: Tlp | None = None
    labels: tuple[str, ...] = ()
    galaxies: tuple[str, ...] = ()
    confidence: int | None = None


NO_TAGS: Final = Tags()


def read_tags(tags: Iterable[Intake], losses: Findings) -> Tags:
    """Read a list of tags."""
    tlp: Tlp | None = None
    labels: list[str] = []
    galaxies: list[str] = []
    confidence: int | None = None
    for tag in tags:
        name = tag.text("name").strip()
        is_local = tag.flag("local") or not _exportable(tag)
        lower = name.lower()
        own = _tlp(lower, tag.where, losses)
        if own is not None:
            # Counts though it be local: it may only make things stricter.
            tlp = own if tlp is None else max(tlp, own)
        elif protection.is_label(name):
            labels.append(name)  # though it be local, too
        elif is_local:
            tag.lose("local-only")
        elif name in _CONFIDENCE:
            known = _CONFIDENCE[name]
            confidence = known if confidence is None else min(confidence, known)
        elif lower.startswith(_PAP):
            labels.append(_pap(lower))
        elif lower.startswith(GALAXY_TAG):
            galaxies.append(name)
        elif name:
            labels.append(name)
        tag.ignore(*_LOOKS)
        tag.close()
    return Tags(tlp, tuple(dict.fromkeys(labels)), tuple(galaxies), confidence)


# How a tag looks and where it stands in the sender's tables.
_LOOKS: Final = (
    "id", "colour", "hide_tag", "user_id", "org_id", "numerical_value", "is_galaxy",
    "is_custom_galaxy", "local_only", "inherited", "relationship_type",
)  # fmt: skip


def _exportable(tag: Intake) -> bool:
    return not tag.has("exportable") or tag.flag("exportable")


def _tlp(lower: str, where: str, losses: Findings) -> Tlp | None:
    if lower == _NO_SYNC:
        losses.add("narrow-distribution", where)
        return Tlp.AMBER_STRICT
    if not _SPEAKS_OF_TLP.match(lower):
        return None
    try:
        return Tlp.parse(lower.removeprefix(_IEP).removeprefix("tlp:").strip('" '))
    except SchemaError:
        losses.add("unknown-tlp", where)
        return Tlp.AMBER_STRICT


def _pap(lower: str) -> str:
    colour = lower.removeprefix(_PAP).strip().upper()
    return f"PAP:{colour.replace('WHITE', 'CLEAR')}"


def effective(
    thing: Intake, own: Tlp | None, inherited: Tlp | None, losses: Findings
) -> Tlp | None:
    """Say how something is marked; None if nothing says it.

    Args:
        thing: Its distribution is taken.
        own: By its own tags.
        inherited: By what it is part of.
    """
    known = inherited if own is None else own
    distribution = thing.text("distribution")
    if distribution in _WIDE:
        return known
    if distribution in NARROW:
        # A tag of AMBER or stricter is the author's answer to that; a wider one, or
        # AMBER of what this is only a part of, is not.
        enough = Tlp.AMBER if own is not None else Tlp.AMBER_STRICT
        if known is not None and known >= enough:
            return known
    rule = "narrow-distribution" if distribution in NARROW else "unknown-distribution"
    losses.add(rule, thing.place("distribution"))
    return max(known or Tlp.AMBER_STRICT, Tlp.AMBER_STRICT)
