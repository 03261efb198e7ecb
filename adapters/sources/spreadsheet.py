"""A fact-checker's or monitor's sheet about a campaign: claims, posts, techniques."""

from collections.abc import Iterable, Sequence
from typing import Final

from adapters.sources import dates, tables, techniques
from adapters.sources.found import Found, derived_id
from adapters.sources.gathered import Gathered
from adapters.sources.source import Input, Source
from adapters.sources.spreadsheet_rows import About, take
from adapters.sources.tables import Line, fold
from schemas.errors import SchemaError
from schemas.findings import Findings

_ROLES: Final = tables.synonyms(
    campaign="campaign, campaign name, operation, case, incident, campaña, kampanye",
    title="title, headline, post title, article title, judul, titulo, titre",
    claim="claim, claims, narrative, narratives, false claim, claim text, hoax, rumour,"
    " rumor, claim reviewed, klaim, narasi, narrativa, narrativas, narrativa falsa,"
    " desinformacion, bulo, allegation, recit",
    url="url, urls, link, links, post, posts, post url, post link, link to post,"
    " permalink, content url, media url, article url, tautan, enlace, lien",
    site="domain, domains, domain name, website, websites, site, sites, outlet",
    platform="platform, platforms, network, social network, social media, medium,"
    " plataforma, plateforme",
    account="account, accounts, account name, account handle, handle, handles, channel,"
    " channels, channel name, username, user name, screen name, page, page name,"
    " profile, account url, account link, channel url, akun, cuenta, compte",
    technique="technique, techniques, behaviour, behaviours, behavior, behaviors, ttp,"
    " ttps, disarm, disarm id, disarm ids, disarm technique, disarm techniques,"
    " disarm ttp, disarm ttps, tactics and techniques, technique id, teknik, tecnica,"
    " tecnicas",
    language="language, languages, lang, bahasa, idioma, langue",
    target="target country, target countries, targeted country, targeted countries,"
    " country targeted",
    country="country, countries, country code, location, negara, pais, pays",
    date="date, dates, date published, publication date, published, published on,"
    " posted, posted on, post date, date posted, first seen, date first seen,"
    " timestamp, tanggal, fecha",
    verdict="verdict, rating, ratings, fact check rating, fact check verdict,"
    " conclusion, assessment, veredicto",
    evidence="evidence, evidence link, archive, archive link, archive url, archived,"
    " archived link, archived url, fact check, fact check url, fact check link, debunk,"
    " debunk link, debunk url, source, sources, source url, reference, references,"
    " screenshot, bukti",
    reach="reach, views, view count, impressions, shares, likes, followers, engagement,"
    " interactions, reactions",
    comment="comment, comments, description, note, notes, remark, remarks, context,"
    " summary, details, keterangan",
    tag="tag, tags, topic, topics, theme, category, label, labels",
    tlp="tlp, marking, tlp marking, sharing",
    person="author, reporter, reported by, analyst, fact checker, checked by, reviewer,"
    " reviewed by, researcher, monitor, monitor name, submitted by, created by,"
    " contact, email, phone",
)
# A list with these is one of indicators, whatever else is in it.
_TECHNICAL: Final = frozenset(
    {
        "indicator", "indicators", "indicator value", "indicator type", "ioc", "iocs",
        "ioc value", "ioc type", "ip", "ip address", "hash", "md5", "sha1", "sha256",
    }
)  # fmt: skip
_CODES: Final = "a column technique with DISARM ids such as T0049"


def _known(names: Sequence[str]) -> int:
    folded = [fold(name) for name in names]
    roles = [_ROLES[name] for name in folded if name in _ROLES]
    if {"claim", "technique"}.isdisjoint(roles) or {"url", "account"}.isdisjoint(roles):
        return 0
    return len(roles) if _TECHNICAL.isdisjoint(folded) else 0


def _recognises(given: Input) -> bool:
    head = tables.head(given, _known)
    if head is None or not head.names:
        return False
    roles = tables.roles_of(head.names, _ROLES)
    if "claim" in roles:
        return True
    # Links with techniques of ATT&CK are a list of indicators.
    cells = (
        cell
        for row in head.rows
        for role, cell in zip(roles, row.cells, strict=False)
        if role == "technique"
    )
    named = (
        technique.framework for cell in cells for technique in techniques.read(cell)
    )
    return not any(framework.startswith("mitre") for framework in named)


def _read(given: Input) -> Found:
    head = tables.head(given, _known)
    if head is None or not head.names:
        raise SchemaError("no-known-column")
    roles = tables.roles_of(head.names, _ROLES)
    losses = Findings()
    first_pass = tables.lines(given, head, roles, Findings(), people="person")
    about = _about(first_pass, given.name or "Campaign", losses)
    gathered = Gathered(losses, when=given.when)
    links: dict[tuple[str, str], None] = {}
    for line in tables.lines(given, head, roles, losses, people="person"):
        links |= dict.fromkeys(take(line, gathered, about))
    if not gathered.of_type("attack-pattern"):
        place = tables.column_place(head, roles, "technique")
        losses.add("needs-behaviour", place, _CODES)
    seen = sorted(about.dates)
    # Derived, so that the same sheet published twice is the same version.
    campaign = derived_id("campaign", about.name)
    for verb, own in links:
        gathered.relate(verb, campaign, own, *gathered.origin(own))
    return gathered.found(
        {
            "type": "campaign",
            "id": campaign,
            "name": about.name,
            "first_seen": seen[0] if seen else "",
            "last_seen": seen[-1] if seen else "",
        }
    )


def _about(lines: Iterable[Line], file_name: str, losses: Findings) -> About:
    campaigns: dict[str, str] = {}
    titles: set[str] = set()
    days: list[str] = []
    for line in lines:
        days += (text for _, text in line.get("date"))
        for column, text in line.get("campaign"):
            campaigns.setdefault(text, line.place(column))
        titles.update(text for _, text in line.get("title"))
    if len(campaigns) > 1:
        losses.add("several-campaigns", list(campaigns.values())[1])
    named = "campaign" if len(campaigns) == 1 else "title" if len(titles) == 1 else ""
    names = {"campaign": campaigns, "title": titles, "": [file_name]}[named]
    return About(next(iter(names)), named, dates.order_of(days), set())


SOURCE: Final = Source(
    name="spreadsheet",
    title="Sheet about a campaign: claims, posts, techniques",
    recognises=_recognises,
    read=_read,
)
