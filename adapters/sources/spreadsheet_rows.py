"""One row of a sheet about a campaign -> objects. Pure."""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any, Final, NamedTuple

from adapters.sources import dates, tables, techniques, values
from adapters.sources.found import derived_id
from adapters.sources.gathered import Gathered
from adapters.sources.spreadsheet_words import language
from adapters.sources.tables import Line
from schemas.findings import Findings
from schemas.vocabularies import country_code

_REMARKS: Final = ("verdict", "reach", "comment")
_Plain = dict[str, Any]


class About(NamedTuple):
    """What the rows have in common.

    Attributes:
        named: Role of the column that gives the campaign's name; "" if none does.
        order: Of day and month in its dates.
        dates: Of all rows so far.
    """

    name: str
    named: str
    order: dates.Order
    dates: set[str]


def take(line: Line, gathered: Gathered, about: About) -> Iterator[tuple[str, str]]:
    """Put what a row gives, and yield how the campaign is linked to it: verb, id."""
    where, losses = line.where, gathered.losses
    tlp = tables.tlp_of(line, losses)

    def put(plains: Iterable[_Plain]) -> list[str]:
        return [gathered.put(each, where, tlp) for each in plains]

    def relate(kind: str, sources: list[str], targets: list[str]) -> None:
        for source, target in product(sources, targets):
            gathered.relate(kind, source, target, where, tlp)

    date = tables.date_of(line, "date", about.order, losses)
    about.dates.update({date} - {""})
    title = line.text("title") if about.named != "title" else ""
    said = _said(line, losses, about)
    media, sites = _posts(line, losses)
    posts = put({**m, "title": title, "publication_date": date, **said} for m in media)
    # What is said of a row is said of its posts, or else of its claims or accounts.
    said["description"] = title
    claims = put(_narratives(line, {} if posts else said))
    channels = put([*_channels(line, {} if posts or claims else said), *sites])
    behaviours = put(_behaviours(line, losses))
    relate("publishes", channels, posts)
    relate("related-to", posts or channels, claims)
    relate("related-to", posts, behaviours)
    relate("uses", channels if not posts else [], behaviours)
    put(_notes(line, posts or claims or channels or behaviours))
    if not (posts or claims or channels or behaviours):
        losses.add("no-equivalent", where)
    yield from (("uses", each) for each in (*behaviours, *channels, *claims))
    if not channels and not claims:
        yield from (("related-to", each) for each in posts)
    for role, verb in (("target", "targets"), ("country", "related-to")):
        yield from ((verb, each) for each in put(_places(line, role, losses)))


def _said(line: Line, losses: Findings, about: About) -> _Plain:
    labels = tables.words_of(line, "tag")
    if about.named != "campaign":
        labels += [text for _, text in line.get("campaign")]
    if not line.text("account"):
        labels += [text for _, text in line.get("platform")]
    languages = []
    for column, text in line.get("language"):
        languages.append(language(text) or "")
        if not languages[-1]:
            losses.add("bad-value", line.place(column), "a language such as en")
    return {
        "lang": next(iter(languages), ""),
        "labels": labels,
        "external_references": tables.references_of(line, "evidence"),
    }


def _posts(line: Line, losses: Findings) -> tuple[list[_Plain], list[_Plain]]:
    """Give the posts of a row; and its whole sites, which are channels."""
    media, sites = [], []
    for column, text in line.get("url", "site"):
        found = values.split(text)
        if not found or any(each.kind not in ("url", "domain-name") for each in found):
            losses.add("bad-value", line.place(column), "a link")
            found = ()
        for kind, value, _ in found:
            if kind == "url":
                own = derived_id("media-content", value)
                media.append({"type": "media-content", "id": own, "url": value})
            else:
                sites.append(_channel(value, "website"))
    return media, sites


def _narratives(line: Line, more: _Plain) -> Iterator[_Plain]:
    for _, text in line.get("claim"):
        own = derived_id("narrative", text.casefold())
        yield {"type": "narrative", "id": own, "name": text, **more}


def _channels(line: Line, more: _Plain) -> Iterator[_Plain]:
    for _, text in line.get("account"):
        separators = r"[;\n,]" if text.startswith("@") else r"[;\n]"
        for name in filter(None, map(str.strip, re.split(separators, text))):
            found = values.classify(name)
            is_link = found is not None and found.kind == "url"
            spelled = values.refang(name) if is_link else name
            yield {**_channel(spelled, line.text("platform")), **more}


def _channel(name: str, platform: str) -> _Plain:
    return {
        "type": "channel",
        "id": derived_id("channel", name.casefold(), platform.casefold()),
        "name": name,
        "channel_types": [platform],
    }


def _behaviours(line: Line, losses: Findings) -> Iterator[_Plain]:
    for column, text in line.get("technique"):
        found = techniques.read(text)
        if not found:
            losses.add("bad-value", line.place(column), "an id such as T0049")
        yield from map(techniques.attack_pattern, found)


def _notes(line: Line, about: list[str]) -> Iterator[_Plain]:
    for role in _REMARKS if about else ():
        for _, text in line.get(role):
            yield {
                "type": "note",
                "id": derived_id("note", role, text),
                "abstract": "" if role == "comment" else role,
                "content": text,
                "object_refs": about,
            }


def _places(line: Line, role: str, losses: Findings) -> Iterator[_Plain]:
    for column, text in line.get(role):
        for part in filter(None, map(str.strip, re.split(r"[,;/\n]", text))):
            code = country_code(part)
            if code is None:
                losses.add(
                    "bad-value", line.place(column), "a country, or its ISO 3166-1 code"
                )
            else:
                own = derived_id("location", code)
                yield {"type": "location", "id": own, "country": code}
