"""What STIX 2.1 changed in the objects of STIX 2.0 (STIX 2.1, appendix on changes)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas.findings import Findings

# STIX 2.0, 7: the vocabularies of labels, with what 2.1 added to them.
_WORDS: Final = {
    "indicator": "anomalous-activity anonymization benign compromised "
    "malicious-activity attribution unknown",
    "malware": "adware backdoor bootkit bot ddos downloader dropper exploit-kit "
    "keylogger ransomware remote-access-trojan resource-exploitation "
    "rogue-security-software rootkit screen-capture spyware trojan unknown virus "
    "webshell wiper worm",
    "report": "threat-report attack-pattern campaign identity indicator intrusion-set "
    "malware observed-data threat-actor tool vulnerability",
    "threat-actor": "activist competitor crime-syndicate criminal hacker "
    "insider-accidental insider-disgruntled nation-state sensationalist spy terrorist "
    "unknown",
    "tool": "denial-of-service exploitation information-gathering network-capture "
    "credential-exploitation remote-access vulnerability-scanning unknown",
}
_VOCABULARIES: Final = {kind: frozenset(w.split()) for kind, w in _WORDS.items()}
_TYPES_OF: Final = {
    **{kind: f"{kind.replace('-', '_')}_types" for kind in _WORDS},
    "identity": "roles",  # STIX 2.0, 2.6: labels of an identity are its roles
}


def converted(item: Mapping[str, Any], where: str, losses: Findings) -> dict[str, Any]:
    """Write an object of STIX 2.0 as 2.1 has it, except for its observables.

    What 2.1 requires and 2.0 does not say is assumed, and listed.
    """
    body = {**item, "spec_version": "2.1"}
    kind = body["type"]

    def assume(name: str, value: Any) -> None:
        if name not in body and value is not None:
            body[name] = value
            losses.add("assumed", f"{where}.{name}")

    if "created" not in body:
        losses.add("assumed", f"{where}.created")
    _part_labels(body, kind)
    if kind == "indicator":
        # 2.0 has no other patterns.
        body.setdefault("pattern_type", "stix")
        if body["pattern_type"] == "stix":
            body.setdefault("pattern_version", "2.0")
        assume("valid_from", body.get("created"))
    elif kind == "malware":
        # Without samples, which 2.0 cannot name, a description is of a family.
        assume("is_family", bool(body.get("name")))
    elif kind == "report":
        assume("published", body.get("created"))
    return body


def _part_labels(body: dict[str, Any], kind: str) -> None:
    """Move those labels that 2.1 calls types or roles; others stay labels."""
    labels, name = body.get("labels"), _TYPES_OF.get(kind, "labels")
    if type(labels) is not list or name == "labels" or name in body:
        return
    places: list[tuple[str, int]] = []
    parted: dict[str, list[Any]] = {name: [], "labels": []}
    for label in labels:
        into = parted[name if _is_type(label, kind) else "labels"]
        places.append((name if into is parted[name] else "labels", len(into)))
        into.append(label)
    del body["labels"]
    body |= {name: values for name, values in parted.items() if values}

    def moved(selector: str) -> list[str]:
        head, _, rest = selector.partition(".")
        if head != "labels":
            return [selector]
        for index, (now, position) in enumerate(places):
            if rest == f"[{index}]":
                return [f"{now}.[{position}]"]
        return [each for each in parted if each in body]

    reselect(body, moved)


def _is_type(label: Any, kind: str) -> bool:
    if kind == "identity":  # a tag (`misp:name="person"`) is no role
        return type(label) is str and not {":", "="} & set(label)
    return type(label) is str and label in _VOCABULARIES[kind]


def reselect(body: dict[str, Any], moved: Callable[[str], list[str]]) -> None:
    """Let granular markings follow what they mark.

    Args:
        moved: Gives the selectors that a selector becomes.
    """
    markings = body.get("granular_markings")
    if type(markings) is not list:
        return
    body["granular_markings"] = [
        {
            **marking,
            "selectors": [
                new
                for selector in marking["selectors"]
                for new in (moved(selector) if type(selector) is str else [selector])
            ],
        }
        if type(marking) is dict and type(marking.get("selectors")) is list
        else marking
        for marking in markings
    ]
