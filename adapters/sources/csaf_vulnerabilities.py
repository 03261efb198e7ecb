"""The vulnerabilities of a CSAF document: products touched, scores, remedies, threats."""

from typing import Any, Final

from adapters.sources.csaf_advisory import Advisory, label, words
from adapters.sources.csaf_products import Products
from adapters.sources.csaf_remarks import (
    acknowledge,
    description_of,
    link,
    references_of,
)
from adapters.sources.found import Intake

_AFFECTED: Final = ("known_affected", "first_affected", "last_affected")
_STATUSES: Final = (
    *_AFFECTED, "first_fixed", "fixed", "known_not_affected", "recommended",
    "under_investigation", "unknown",
)  # fmt: skip
# STIX 2.1, Course of Action. That there is no fix is no remedy: only related.
_REMEDIES: Final = {
    "vendor_fix": "remediates",
    "optional_patch": "remediates",
    "mitigation": "mitigates",
    "workaround": "mitigates",
}
_VERSIONED: Final = ("cvss_v2", "cvss_v3", "cvss_v4")
_SCORES: Final = {
    "baseScore": "base-score",
    "baseSeverity": "base-severity",
    "temporalScore": "temporal-score",
    "temporalSeverity": "temporal-severity",
    "threatScore": "threat-score",
    "threatSeverity": "threat-severity",
    "environmentalScore": "environmental-score",
    "environmentalSeverity": "environmental-severity",
}
_DATES: Final = ("discovery_date", "release_date", "disclosure_date")


def read_vulnerability(item: Intake, advisory: Advisory, products: Products) -> None:
    """Take one vulnerability with all that hangs on it."""
    _Vulnerability(item, advisory, products).read()


class _Vulnerability:
    """One vulnerability, while it is read."""

    def __init__(self, item: Intake, advisory: Advisory, products: Products) -> None:
        self.item = item
        self.advisory = advisory
        self.products = products
        cve, title = item.text("cve"), item.text("title")
        self.references = _numbers(item, cve, title) + references_of(item)
        self.name = cve or title or _first_id(self.references)
        # Two without a name, or with one name, are two all the same.
        self.key = [self.name]
        if not self.name or advisory.id("vulnerability", self.name) in advisory:
            self.key = [self.name, item.where]
        self.id = advisory.id("vulnerability", *self.key)
        self.labels: list[str] = []
        self.other_scores: list[Any] = []
        self.affected: frozenset[str] = frozenset()

    def read(self) -> None:
        item = self.item
        for date in _DATES:
            self.labels += label(date.replace("_", "-"), item.text(date))
        description = description_of(item, self.advisory, self.id)
        acknowledge(item, self.advisory, self.id)
        self._statuses()
        for member in ("scores", "metrics"):
            scores = list(item.items(member))
            for score in scores:
                self._score(score, alone=len(scores) == 1)
        for remedy in item.items("remediations"):
            self._remedy(remedy)
        self._remarks()
        item.close()
        self.advisory.add(
            "vulnerability",
            item.where,
            self.key,
            name=self.name or "Vulnerability without a name",
            description=description,
            labels=list(dict.fromkeys(self.labels)),
            external_references=self.references,
            x_csaf={"metrics": self.other_scores} if self.other_scores else None,
        )

    def _statuses(self) -> None:
        """Relate products to the vulnerability; note those that it affects."""
        status = self.item.members("product_status")
        if status is None:
            return
        affected: set[str] = set()
        for name in _STATUSES:
            touched = self.products.resolve(status, name)
            if name in _AFFECTED:
                affected.update(touched)
            # OpenCTI's word for it; all others are the format's own.
            kind = "has" if name == "known_affected" else name.replace("_", "-")
            pairs = [(product, self.id) for product in touched]
            self.advisory.relate(kind, pairs, status.place(name), words(name))
        status.close()
        self.affected = frozenset(affected)

    def _score(self, score: Intake, *, alone: bool) -> None:
        """Take a score: labels.

        If it is not the one score of all products affected, a note says whose it is.
        """
        content = score.members("content")  # CSAF 2.1
        labels: list[str] = []
        for inner in (score, content) if content is not None else (score,):
            for version in _VERSIONED:
                cvss = inner.members(version)
                if cvss is not None:
                    labels += _cvss(cvss)
        self.labels += labels
        named = self.products.resolve(score, "products")
        if labels and not (alone and set(named) == self.affected):
            about = [self.id, *named]
            self.advisory.note(score.where, about, "Score", "\n".join(labels))
        if content is not None:
            rest = content.rest()  # SSVC, EPSS
            self.other_scores += [rest] if rest else []
        score.close()

    def _remedy(self, remedy: Intake) -> None:
        category, details = remedy.text("category"), remedy.text("details")
        url, date = remedy.text("url"), remedy.text("date")
        named = self._products_of(remedy)
        kept = {
            "entitlements": [text for _, text in remedy.texts("entitlements")],
            "restart_required": remedy.plain("restart_required"),
        }
        kept = {name: value for name, value in kept.items() if value}
        remedy.close()
        # Advisories repeat a remedy under each vulnerability: it is one.
        action = self.advisory.add(
            "course-of-action",
            remedy.where,
            [category, details, url, date, kept, sorted(named)],
            name=words(category) or "remediation",
            description=details,
            labels=[*label("remediation", category), *label("date", date)],
            external_references=[link(url)] if url else None,
            x_csaf=kept,
        )
        if action is None:
            return
        kind = _REMEDIES.get(category, "related-to")
        relate, where = self.advisory.relate, remedy.where
        relate(kind, [(action, self.id)], where, words(category))
        if set(named) != self.affected:  # else the vulnerability says what it is for
            pairs = [(action, product) for product in named]
            relate("applies-to", pairs, where, "applies to")

    def _remarks(self) -> None:
        """Take what is said of the vulnerability in some products: notes."""
        for threat in self.item.items("threats"):
            term = threat.text("category")
            text = threat.text("details")
            self._remark(threat, words(term), text, label("threat", term))
        for flag in self.item.items("flags"):
            term = flag.text("label")
            self._remark(flag, "flag", words(term), label("flag", term))
        for party in self.item.items("involvements"):
            who, status = party.text("party"), party.text("status")
            text = party.text("summary") or words(status)
            labels = [*label("party", who), *label("status", status)]
            self._remark(party, f"involvement: {who}", text, labels)
        for first in self.item.items("first_known_exploitation_dates"):
            day = first.text("exploitation_date")
            labels = label("exploitation-date", day)
            self._remark(first, "first known exploitation", day, labels)

    def _remark(
        self, remark: Intake, abstract: str, content: str, labels: list[str]
    ) -> None:
        about = [self.id, *self._products_of(remark)]
        labels = [*labels, *label("date", remark.text("date"))]
        self.advisory.note(remark.where, about, abstract, content, labels)
        remark.close()

    def _products_of(self, item: Intake) -> list[str]:
        return self.products.resolve(item, "product_ids", "group_ids")


def _numbers(item: Intake, cve: str, title: str) -> list[dict[str, Any]]:
    """Take the numbers that others gave the flaw; a title goes with its CVE."""
    found: list[dict[str, Any]] = []
    if cve:
        found.append(_number("cve", cve, title))
    one = item.members("cwe")
    for cwe in (*([one] if one is not None else ()), *item.items("cwes")):
        found.append(_number("cwe", cwe.text("id"), cwe.text("name")))
        cwe.close()
    for other in item.items("ids"):
        found.append(_number(other.text("system_name"), other.text("text")))
        other.close()
    return found


def _number(system: str, number: str, description: str = "") -> dict[str, Any]:
    entry = {"external_id": number, "description": description}
    return {"source_name": system or "csaf"} | {k: v for k, v in entry.items() if v}


def _first_id(references: list[dict[str, Any]]) -> str:
    numbers = [r["external_id"] for r in references if "external_id" in r]
    return str(numbers[0]) if numbers else ""


def _cvss(cvss: Intake) -> list[str]:
    vector = cvss.text("vectorString")
    labels: list[str] = []
    if vector:
        version = cvss.text("version")
        if not vector.startswith("CVSS:"):  # version 2 has no such beginning
            vector = f"CVSS:{version or '2.0'}/{vector}"
        elif not vector.startswith(f"CVSS:{version}/"):
            cvss.put("version", version)
        labels.append(vector)
    for name, word in _SCORES.items():
        value = cvss.plain(name)
        if type(value) in (int, float, str):
            labels.append(f'cvss:{word}="{value}"')
        elif value is not None:
            cvss.put(name, value)
    if vector:
        cvss.drop_rest("repeated")  # each metric stands in the vector
    cvss.close()
    return labels
