"""Indicator lists: CSV, TSV, semicolons, or JSON with flat rows.

Columns are known by their names; in a list without a heading, by their values.
A sheet about a campaign is recognised before (`spreadsheet`).
"""

from collections.abc import Sequence
from itertools import product
from typing import Any, Final

from adapters.sources import dates, tables, techniques, values
from adapters.sources.found import Found, derived_id
from adapters.sources.gathered import Gathered
from adapters.sources.source import Input, Source
from adapters.sources.tables import Head, Line, fold
from schemas.errors import SchemaError
from schemas.findings import Findings

_ROLES: Final = tables.synonyms(
    indicator="indicator, indicators, indicator value, ioc, iocs, ioc value, value,"
    " values, observable, observable value, artifact, artefact, entity, indicador,"
    " indicateur, indikator",
    domain="domain, domains, domain name, domain names, fqdn, host, hostname, hostnames,"
    " site, website, dominio, nom de domaine, c2 domain",
    url="url, urls, uri, link, links, full url, malicious url, phishing url, c2 url",
    ip="ip, ips, ip address, ip addresses, source ip, destination ip, ipv4, ipv6, ip addr, ip4addr, dst ip, src ip,"
    " c2 ip, c2, cidr, network, subnet",
    hash="hash, hashes, file hash, filehash, checksum, md5, md5 hash, sha1, sha 1,"
    " sha1 hash, sha256, sha 256, sha256 hash, sha512, sha 512",
    email="email, emails, e mail, email address, mail, mail address",
    file="filename, file name, file",
    type="type, indicator type, ioc type, observable type, value type, kind",
    comment="comment, comments, description, descriptions, note, notes, remark, remarks,"
    " context, details, information, keterangan, descripcion",
    tag="tag, tags, label, labels, app, malware, malware family, family, threat,"
    " threat type, category, categories, campaign, c2 status, status",
    tlp="tlp, marking, tlp marking, sharing",
    date="date, ds, first seen, firstseen, first seen utc, created, created on,"
    " created at, date added, dateadded, added, reported, date reported, observed,"
    " valid from, timestamp, fecha, tanggal",
    until="valid until, expires, expiration, expiry, expiration date",
    reference="reference, references, ref, report, report url, source url, urlhaus link,"
    " evidence",
    tactic="tactic, tactics",
    technique="technique, techniques, ttp, ttps, attack technique, mitre attack,"
    " mitre technique, disarm, behaviour, behavior",
    procedure="procedure, procedures",
    person="reporter, reported by, analyst, author, authors, submitter, submitted by,"
    " creator, created by, contact, researcher",
)
_VALUES: Final = ("indicator", "domain", "url", "ip", "hash", "email", "file")
_SHADOWSERVER: Final = frozenset(
    {"asn", "geo", "naics", "sector", "tag", "port", "hostname", "severity"}
)
_MOST: Final = 0.8
_EXPECTED: Final = "a domain, URL, address, mail address, hash or file name"


def _known(names: Sequence[str]) -> int:
    folded = [fold(name) for name in names]
    if {"timestamp", "ip"}.issubset(folded) and len(_SHADOWSERVER & set(folded)) > 1:
        return 0  # another source's
    roles = [_ROLES[name] for name in folded if name in _ROLES]
    return len(roles) if any(role in _VALUES for role in roles) else 0


def _roles(head: Head) -> list[str]:
    """Give the role of each column; without a heading, of those full of values."""
    if head.names:
        return tables.roles_of(head.names, _ROLES)
    width = max((len(row.cells) for row in head.rows), default=0)
    return ["indicator" if _share(head, c) > _MOST else "" for c in range(width)]


def _share(head: Head, column: int) -> float:
    """Give the share of the rows that have a value in a column."""
    cells = (row.cells[column] for row in head.rows if column < len(row.cells))
    read = values.split if head.names else values.sure
    return sum(map(bool, map(read, cells))) / max(1, len(head.rows))


def _recognises(given: Input) -> bool:
    head = tables.head(given, _known)
    if head is None:
        return False
    roles = _roles(head)
    best = max(
        (_share(head, c) for c, role in enumerate(roles) if role in _VALUES), default=0
    )
    if not head.names:
        return best > 0 and len(head.rows) > 1
    # Two known columns are no accident; one may be the first word of a prose text.
    is_meant = sum(map(bool, roles)) > 1
    return best > (0 if is_meant else _MOST) or (is_meant and head.is_broken)


def _read(given: Input) -> Found:
    head = tables.head(given, _known)
    roles = _roles(head) if head is not None else []
    if head is None or not any(role in _VALUES for role in roles):
        raise SchemaError("no-known-column")
    losses = Findings()
    order: dates.Order = ""
    if "date" in roles or "until" in roles:
        every = tables.lines(given, head, roles, Findings(), people="person")
        order = dates.order_of(
            t for line in every for _, t in line.get("date", "until")
        )
    gathered = Gathered(losses, when=given.when)
    for line in tables.lines(given, head, roles, losses, people="person"):
        _take(line, gathered, order)
    name = given.name or "Indicator list"
    ids = gathered.ids()
    return gathered.found(
        {
            "type": "report",
            # Derived, so that the same list published twice is the same version.
            "id": derived_id("report", name, *sorted(ids)),
            "name": name,
            "report_types": ["indicator"],
            "published": given.when,
            "object_refs": ids,
        }
    )


def _take(line: Line, gathered: Gathered, order: dates.Order) -> None:
    tlp = tables.tlp_of(line, gathered.losses)
    said = {
        "description": "\n".join(text for _, text in line.get("comment")),
        "labels": tables.words_of(line, "tag"),
        "external_references": tables.references_of(line, "reference"),
        **_times(line, gathered, order),
    }
    named, texts = _techniques(line, gathered.losses)
    behaviours = [gathered.put(each, line.where, tlp) for each in named]
    found: list[str] = []
    for column, text in line.get(*_VALUES):
        known = values.split(text, fold(line.text("type")))
        if not known and behaviours:  # "37 accounts": what was seen of the behaviour
            texts.append(text)
        elif not known:
            gathered.losses.add("bad-value", line.place(column), _EXPECTED)
        indicators = (_indicator(each, said) for each in known)
        found += [gathered.put(each, line.where, tlp) for each in indicators]
    for own, behaviour in product(found, behaviours):
        gathered.relate("indicates", own, behaviour, line.where, tlp)
    if not found:
        texts += [text for _, text in line.get("comment")]
    for behaviour in behaviours if texts else []:
        gathered.put(_note(behaviour, texts), line.where, tlp)
    if not behaviours and not line.text(*_VALUES):
        gathered.losses.add("no-equivalent", line.where)


def _techniques(line: Line, losses: Findings) -> tuple[list[dict[str, Any]], list[str]]:
    """Read the most exact column that names a framework; and give what others say."""
    cells = list(line.get("procedure", "technique", "tactic"))
    read = [techniques.read(text) for _, text in cells]
    best = max(range(len(read)), key=lambda n: techniques.weight(read[n]), default=0)
    if not any(read):
        for column, _ in cells:
            losses.add("bad-value", line.place(column), "a technique")
        return [], []
    tactic = line.text("tactic") if cells[best][1] != line.text("tactic") else ""
    made = [techniques.attack_pattern(each, tactic) for each in read[best]]
    if read[best][0].framework == techniques.KILL_CHAIN:
        return made, []  # its number says the rest
    others = [text for n, (_, text) in enumerate(cells) if n != best]
    return made, [text for text in others if text != tactic]


def _times(line: Line, gathered: Gathered, order: dates.Order) -> dict[str, str]:
    start = tables.date_of(line, "date", order, gathered.losses) or gathered.when
    end = tables.date_of(line, "until", order, gathered.losses)
    if end and end <= start:  # STIX 2.1, Indicator
        gathered.losses.add("bad-value", line.where, "an end after the beginning")
        end = ""
    return {"valid_from": start, "valid_until": end}


def _indicator(value: values.Value, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "indicator",
        "id": derived_id("indicator", *map(str, value)),
        "pattern": values.pattern(value),
        "pattern_type": "stix",
        "pattern_version": "2.1",
        **more,
    }


def _note(behaviour: str, texts: list[str]) -> dict[str, Any]:
    return {
        "type": "note",
        "id": derived_id("note", behaviour),
        "content": "\n".join(texts),
        "object_refs": [behaviour],
    }


SOURCE: Final = Source(
    name="csv",
    title="Indicator list: CSV, TSV or flat JSON",
    recognises=_recognises,
    read=_read,
)
