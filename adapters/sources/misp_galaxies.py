"""Galaxies of MISP: clusters become threat actors, techniques, tools, countries."""

import re
from typing import Any, Final, NamedTuple

from schemas.vocabularies.countries import country_code
from schemas.vocabularies.sectors import SECTORS_BY_NAME

_KINDS: Final[dict[str, str]] = {
    # STIX type: galaxies, as MISP's own converter has them, and DISARM's
    "attack-pattern": "cmtmf-attack-pattern mitre-attack-pattern "
    "mitre-enterprise-attack-attack-pattern mitre-ics-techniques "
    "mitre-mobile-attack-attack-pattern mitre-pre-attack-attack-pattern "
    "disarm-techniques misinfosec-amitt-misinformation-pattern "
    "stix-2.1-attack-pattern",
    "campaign": "mitre-campaign stix-2.1-campaign",
    "course-of-action": "mitre-course-of-action "
    "mitre-enterprise-attack-course-of-action "
    "mitre-mobile-attack-course-of-action disarm-countermeasures "
    "stix-2.1-course-of-action",
    "identity": "sector target-information",
    "intrusion-set": "mitre-enterprise-attack-intrusion-set mitre-intrusion-set "
    "mitre-mobile-attack-intrusion-set mitre-pre-attack-intrusion-set "
    "stix-2.1-intrusion-set",
    "location": "country region",
    "malware": "android backdoor banker cryptominers malpedia "
    "mitre-enterprise-attack-malware mitre-ics-software mitre-malware "
    "mitre-mobile-attack-malware ransomware stealer stix-2.1-malware",
    "threat-actor": "360net-threat-actor microsoft-activity-group mitre-ics-groups "
    "threat-actor stix-2.1-threat-actor",
    "tool": "botnet exploit-kit rat tds tool mitre-tool mitre-enterprise-attack-tool "
    "mitre-mobile-attack-tool stix-2.1-tool",
    "vulnerability": "branded-vulnerability stix-2.1-vulnerability",
}
KINDS: Final = {name: kind for kind, names in _KINDS.items() for name in names.split()}
"""Type of a galaxy -> STIX type of its clusters; all others stay labels."""

# "PowerShell - T1059.001", "APT0 - G0001", as galaxies of ATT&CK name clusters.
_NUMBERED: Final = re.compile(r"(.*\S) - ([A-Z]{1,5}-?[0-9]{1,5}(?:\.[0-9]{3})?)\Z")
_TAG: Final = re.compile(r'misp-galaxy:([^="]{1,100})="([^"]{1,1000})"\Z')
_UUID: Final = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE
)
_CVE: Final = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}\Z", re.IGNORECASE)


class Cluster(NamedTuple):
    """One cluster of a galaxy.

    Attributes:
        galaxy: Type of the galaxy.
        uuid: "" if only a tag names it.
        number: Of the technique or group in its framework; "" if it has none.
    """

    galaxy: str
    name: str
    uuid: str = ""
    description: str = ""
    number: str = ""
    aliases: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    country: str = ""

    @property
    def tag(self) -> str:
        """The tag that stands for it, unless somebody made it in MISP."""
        return f'misp-galaxy:{self.galaxy}="{self.name}"'


def of_tag(tag: str) -> Cluster | None:
    """Read a tag `misp-galaxy:type="name"`; None if it names nothing.

    Tags of clusters that somebody made in MISP have a UUID in the place of the name.
    """
    found = _TAG.match(tag)
    if found is None or _UUID.match(found[2]):
        return None
    return Cluster(found[1], found[2])


def framework(galaxy: str) -> str:
    """Name the framework whose numbers a galaxy uses.

    ATT&CK for ICS has numbers like DISARM's (T0803), so the number alone names
    nothing.
    """
    if galaxy.startswith("disarm-"):
        return "disarm"
    if "ics-" in galaxy and galaxy.startswith("mitre-"):
        return "mitre-ics-attack"
    for part in ("mobile-attack", "pre-attack"):
        if galaxy.startswith(f"mitre-{part}"):
            return f"mitre-{part}"
    return "mitre-attack" if galaxy.startswith("mitre-") else f"misp-galaxy:{galaxy}"


def members_of(cluster: Cluster) -> dict[str, Any] | None:
    """Give the properties of the object that a cluster becomes.

    Returns:
        None if it becomes none: an unknown galaxy, a country without its code.
    """
    kind = KINDS.get(cluster.galaxy)
    if kind == "location" or (
        cluster.galaxy == "target-information" and _country(cluster) is not None
    ):
        return _location(cluster)
    if kind is None:
        return None
    name, number = cluster.name, cluster.number
    found = _NUMBERED.match(name)
    if found:
        name, number = found[1], number or found[2]
    aliases = [each for each in cluster.aliases if each != name]
    members: dict[str, Any] = {
        "type": kind,
        "name": name,
        "description": cluster.description,
        "external_references": _references(cluster, number),
    }
    if kind in ("attack-pattern", "malware", "tool"):
        members["kill_chain_phases"] = _phases(cluster)
    if kind == "identity":
        members["identity_class"] = "class"
        members["sectors"] = [
            SECTORS_BY_NAME[s] for s in (name.lower(),) if s in SECTORS_BY_NAME
        ]
    elif kind not in ("vulnerability", "course-of-action"):
        members["aliases"] = aliases
    if kind == "malware":
        members["is_family"] = True
    return members


def _location(cluster: Cluster) -> dict[str, Any] | None:
    if cluster.galaxy == "region":
        # `021 - Northern America`: the code of UN M49 and the name.
        word = cluster.name.rpartition(" - ")[2].strip()
        region = word.lower().replace(" and the ", " ").replace(" and ", " ")
        return {
            "type": "location",
            "name": word,
            "region": region.replace(" ", "-"),
        }
    code = _country(cluster)
    if code is None:
        return None
    name = cluster.description or cluster.name
    return {"type": "location", "name": name, "country": code}


def _country(cluster: Cluster) -> str | None:
    return country_code(cluster.country or cluster.name)


def _references(cluster: Cluster, number: str) -> list[dict[str, str]]:
    own = framework(cluster.galaxy)
    left = list(dict.fromkeys(cluster.references))
    references: list[dict[str, str]] = []
    if number:
        source = "cve" if _CVE.match(number) else own
        reference = {"source_name": source, "external_id": number}
        page = next((r for r in left if _is_page(r, number)), None)
        if page is not None:
            left.remove(page)
            reference["url"] = page
        references.append(reference)
    return references + [{"source_name": own, "url": each} for each in left]


def _is_page(url: str, number: str) -> bool:
    return number.replace(".", "/") in url or number in url


def _phases(cluster: Cluster) -> list[dict[str, str]]:
    phases = []
    for text in cluster.phases:
        chain, _, phase = text.rpartition(":")
        # `tactics:Plan Objectives` of DISARM, `mitre-attack:Linux:execution`.
        chain = chain.partition(":")[0]
        if cluster.galaxy.startswith("disarm-"):
            chain = "disarm" if chain == "tactics" else f"disarm-{chain}"
        phase = phase.strip().lower().replace(" ", "-")
        if chain and phase:
            phases.append({"kill_chain_name": chain, "phase_name": phase})
    return phases
