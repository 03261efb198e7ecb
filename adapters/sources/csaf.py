"""CSAF 2.0 and 2.1: a security advisory becomes a report on vulnerabilities.

What STIX has no property for, and belongs to the product or remedy it stands at, is
kept under `x_csaf`, which travels but is shown only where a policy says so.
"""

import re
from typing import Any, Final

from adapters.sources.csaf_advisory import Advisory, label
from adapters.sources.csaf_products import Products
from adapters.sources.csaf_remarks import (
    acknowledge,
    description_of,
    link,
    references_of,
)
from adapters.sources.csaf_vulnerabilities import read_vulnerability
from adapters.sources.found import Found, Intake
from adapters.sources.source import Input, Source
from schemas import timestamps
from schemas.errors import SchemaError
from schemas.findings import Findings
from schemas.markings import TLP_IDS, Tlp
from schemas.profile import LANGUAGE_PATTERN

_VERSIONS: Final = ("2.0", "2.1")
_LANGUAGE: Final = re.compile(LANGUAGE_PATTERN)
# CSAF 2.1, 3.2.1.5.1: the group of everybody.
_EVERYBODY: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
# CSAF 2.0, 3.2.1.8.1: these may be persons, all others are organisations.
_PERHAPS_PERSONS: Final = ("discoverer", "user")
_SPELLED: Final = """
    acknowledgments aggregate_severity aliases audience branches category content
    contact contact_details cpe csaf_version current_release_date cve cvss_v2 cvss_v3
    cvss_v4 cwe cwes date details disclosure_date discovery_date distribution document
    engine entitlements exploitation_date first_affected first_fixed
    first_known_exploitation_dates fixed flags full_product_name full_product_names
    generator group_id group_ids id ids initial_release_date involvements
    issuing_authority known_affected known_not_affected label lang last_affected
    license_expression metrics name names namespace notes organization party product
    product_groups product_id product_identification_helper product_ids product_paths
    product_reference product_status product_tree products publisher recommended
    references relates_to_product_reference relationships release_date remediations
    restart_required revision_history scores sharing_group source source_lang status
    summary system_name text threats title tlp tracking under_investigation unknown url
    urls vectorString version vulnerabilities
"""
_NAMES: Final = frozenset(_SPELLED.split())


def _recognises(given: Input) -> bool:
    if not given.is_json or type(given.parsed) is not dict:
        return False
    document = given.parsed.get("document")
    return type(document) is dict and type(document.get("csaf_version")) is str


def _read(given: Input) -> Found:
    if not _recognises(given):
        raise SchemaError("not-csaf", "$")
    losses = Findings()
    whole = Intake(given.json, "$", losses, _NAMES)
    whole.ignore("$schema")
    document = whole.members("document") or _none(losses)
    if document.text("csaf_version") not in _VERSIONS:
        raise SchemaError("not-csaf", document.place("csaf_version"))
    publisher = document.members("publisher") or _none(losses)
    tracking = document.members("tracking") or _none(losses)
    distribution = document.members("distribution") or _none(losses)
    number, namespace = tracking.text("id"), publisher.text("namespace")
    title = document.text("title") or number or given.name or "CSAF advisory"
    times = _times(tracking, losses)
    advisory = Advisory(
        losses,
        [namespace, number or title],
        when=given.when,
        common={**times, "lang": _language(document, losses)},
        marks=_marks(distribution, losses),
    )
    report = advisory.id("report")
    author = _publisher(publisher, namespace, advisory)
    products = Products(whole.members("product_tree"), advisory)
    description = description_of(document, advisory, report)
    text = distribution.text("text")
    if text:
        advisory.note(distribution.where, [report], "Distribution", text)
    distribution.close()
    acknowledge(document, advisory, report)
    for item in whole.items("vulnerabilities"):
        read_vulnerability(item, advisory, products)
    products.close()
    numbers = [number, *(alias for _, alias in tracking.texts("aliases"))]
    made = advisory.add(
        "report",
        document.where,
        [],
        name=title,
        description=description,
        report_types=["vulnerability"],
        published=times["created"] or times["modified"] or given.when,
        labels=_labels(document, tracking),
        external_references=[
            *({"source_name": author, "external_id": n} for n in numbers if n),
            *references_of(document, author),
        ],
        x_csaf=_kept(document, tracking),
        object_refs=advisory.ids() or [report],
    )
    for part in (tracking, document, whole):
        part.close()
    if made is None:
        raise SchemaError("no-objects")
    return advisory.found(report)


def _none(losses: Findings) -> Intake:
    return Intake({}, "$.document", losses)


def _times(tracking: Intake, losses: Findings) -> dict[str, str | None]:
    times: dict[str, str | None] = {}
    for name, member in (
        ("created", "initial_release_date"),
        ("modified", "current_release_date"),
    ):
        text = tracking.text(member)
        times[name] = timestamps.utc(text)
        if text and times[name] is None:
            losses.add("bad-value", tracking.place(member), "a time as in RFC 3339")
    created, modified = times["created"], times["modified"]
    if created and modified and timestamps.compare(modified, created) < 0:
        losses.add("bad-value", tracking.place("current_release_date"))
        times["modified"] = created
    return times


def _language(document: Intake, losses: Findings) -> str:
    text = document.text("lang")
    if text and _LANGUAGE.fullmatch(text) is None:
        losses.add("bad-value", document.place("lang"), "a language as in RFC 5646")
        return ""
    return text


def _marks(distribution: Intake, losses: Findings) -> list[str]:
    """Read the TLP; what is not known here counts as AMBER+STRICT."""
    tlp = None
    if distribution.has("tlp"):
        inner = distribution.members("tlp") or _none(losses)
        inner.ignore("url")  # of the definition of TLP
        try:
            tlp = Tlp.parse(inner.text("label"))
        except SchemaError:
            losses.add("strictest-mark", f"{distribution.where}.tlp")
            tlp = Tlp.AMBER_STRICT
        inner.close()
    if distribution.has("sharing_group"):
        group = distribution.members("sharing_group") or _none(losses)
        if group.text("id") != _EVERYBODY:
            # It may be a smaller circle than the TLP says.
            losses.add("strictest-mark", f"{distribution.where}.sharing_group")
            tlp = max(tlp or Tlp.AMBER_STRICT, Tlp.AMBER_STRICT)
        group.close()
    return [] if tlp is None else [TLP_IDS[tlp]]


def _publisher(publisher: Intake, namespace: str, advisory: Advisory) -> str:
    """Take the publisher: its name, also as the source of what it numbers."""
    name, category = publisher.text("name"), publisher.text("category")
    is_organisation = category not in _PERHAPS_PERSONS
    if not is_organisation:
        publisher.drop("person-left-out", "contact_details")
    if name:
        author = advisory.add(
            "identity",
            publisher.where,
            ["publisher"],
            name=name,
            description=publisher.text("issuing_authority"),
            identity_class="organization" if is_organisation else "unknown",
            roles=[category] if category else None,
            contact_information=publisher.text("contact_details"),
            external_references=[link(namespace)] if namespace else None,
        )
        advisory.credit(author)
    else:
        publisher.put("category", category)
        publisher.put("namespace", namespace)
    publisher.close()
    return name or "csaf"


def _labels(document: Intake, tracking: Intake) -> list[str]:
    return [
        *label("category", document.text("category")),
        *label("status", tracking.text("status")),
        *label("version", tracking.text("version")),
        *label("source-lang", document.text("source_lang")),
        *label("license", document.text("license_expression")),
    ]


def _kept(document: Intake, tracking: Intake) -> dict[str, Any]:
    tracking.drop("local-only", "generator")
    kept = {
        "revision_history": tracking.plain("revision_history"),
        "aggregate_severity": document.plain("aggregate_severity"),
    }
    return {name: value for name, value in kept.items() if value}


SOURCE: Final = Source(
    name="csaf",
    title="CSAF 2.0 and 2.1: a security advisory",
    recognises=_recognises,
    read=_read,
)
