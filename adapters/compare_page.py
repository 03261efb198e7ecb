"""A comparison as one HTML page that needs nothing else: no script, no network. Pure.

Its Content Security Policy lets nothing in but the style written here. What the record
says is text and nothing more: escaped, isolated in its direction, and characters that
would hide or turn what is written are spelled out.
"""

import base64
import hashlib
import unicodedata
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final

from adapters.comparison import Card, Cell, Column, Comparison, Row, State, flat
from adapters.explaining import as_sentence
from schemas.markings import TLP_IDS

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #16202b; --soft: #4a5866; --page: #f4f6f8; --card: #fff; --line: #c9d2db;
  --full: #0c5c33; --made: #6b4700; --made-bg: #fdf1d7; --gone: #56616c; --gone-bg: #eceff2; --wait: #4b2a86;
  --wait-bg: #f0eafb; --warn: #8f1313; --warn-bg: #fdeaea; --link: #0b4f9e; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e8edf2; --soft: #a9b6c3; --page: #12181f; --card: #1b232c; --line: #3c4a58; --full: #8fe0b0;
    --made: #f5cf7d; --made-bg: #37290b; --gone: #a9b6c3; --gone-bg: #252e38; --wait: #cdb6ff; --wait-bg: #2a1f45;
    --warn: #ffb0b0; --warn-bg: #431717; --link: #8fc1ff; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 80rem; padding: 1rem; background: var(--page); color: var(--ink);
  font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.3; margin: .6rem 0; }
h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1.05rem; line-height: 1.4; margin: 0 0 .6rem; }
p { margin: .4rem 0; max-width: 50rem; }
a { color: var(--link); }
.warn { border-left: .6rem solid var(--warn); background: var(--warn-bg); padding: .7rem 1rem; border-radius: .3rem; }
.warn strong { color: var(--warn); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .8rem 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; }
.card { border: 1px solid var(--line); border-radius: .5rem; background: var(--card); padding: 1rem; margin: 0 0 1rem; }
.card h3 .kind { color: var(--soft); font-weight: 400; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
.totals { table-layout: auto; }
th, td { text-align: start; vertical-align: top; padding: .35rem .5rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-weight: 600; }
tbody th { font-weight: 600; }
th.name { width: 18%; }
.minor { font-size: .85rem; }
.value, .state, .why { display: block; }
.value { white-space: pre-wrap; }
.label { color: var(--soft); }
.state { font-size: .8rem; font-weight: 600; }
.why { font-size: .85rem; font-weight: 400; color: var(--soft); }
td.part, td.made { background: var(--made-bg); }
td.part .state, td.made .state { color: var(--made); }
td.withheld { background: var(--gone-bg); color: var(--gone); }
td.withheld .why { color: var(--gone); }
td.waiting { background: var(--wait-bg); }
td.waiting .state { color: var(--wait); }
.hidden { font: .8em ui-monospace, monospace; border: 1px solid var(--warn); color: var(--warn); border-radius: .2rem;
  padding: 0 .15rem; }
code { font: .85em ui-monospace, monospace; }
footer { color: var(--soft); font-size: .85rem; margin-top: 2rem; }
@media screen and (max-width: 45rem) {
  .facts { display: block; }
  .facts dd { margin: 0 0 .4rem; }
  thead { position: absolute; clip-path: inset(50%); height: 1px; width: 1px; overflow: hidden; }
  table, tbody, tr, th, td { display: block; width: auto; }
  th.name { width: auto; }
  tr { border-top: 2px solid var(--line); padding: .3rem 0; }
  th, td { border-top: 0; }
  td::before { content: attr(data-of); display: block; font-size: .8rem; color: var(--soft); }
  td { margin: .2rem 0; border-radius: .3rem; }
}
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  :root { font-size: 9pt; }
  body { max-width: none; padding: 0; background: #fff; }
  .card { break-inside: auto; border-color: #888; }
  h2, h3, tr, .warn { break-inside: avoid; break-after: auto; }
  h2, h3 { break-after: avoid; }
  thead { display: table-header-group; }
  a { color: inherit; text-decoration: none; }
  td.part, td.made, td.withheld, td.waiting, .warn { print-color-adjust: exact; }
}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_CSP: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'"
)
_STATES: Final[Mapping[State, str]] = {
    "full": "in full",
    "part": "in part",
    "made": "replaced",
    "withheld": "withheld",
    "waiting": "waiting",
}
_LEGEND: Final = (
    ("in full", "The issuer's own value. It stands in the signed evidence, too."),
    (
        "in part",
        "The issuer's own words, some sentences or entries of which are withheld; where "
        "a sentence is missing stands [withheld].",
    ),
    (
        "replaced",
        "The adapter made this value in place of the issuer's, such as a coarser number "
        "or a made-up name, or the issuer signed a coarser one. The exact value is "
        "withheld.",
    ),
    ("withheld", "Nothing of it is given. The sentence is that of the policy."),
    (
        "waiting",
        "It is given when as many persons agree as the policy asks for; until then it is "
        "withheld or replaced.",
    ),
)
# Invisible, but words of Persian, Khmer or Hindi and some pictures need them.
_JOINERS: Final = frozenset("\u200b\u200c\u200d\u2060")
_MARKS: Final = {stix_id: f"TLP:{tlp.label}" for tlp, stix_id in TLP_IDS.items()}
_LAST_LATIN: Final = 0x2FF
_HIDING: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

Link = Callable[[str], str]
"""Gives the HTML for what may be the id of an object, "" if it is none"""


def page(comparison: Comparison, *, made_at: str) -> str:
    """Write the page.

    Args:
        made_at: RFC 3339.
    """
    numbers = comparison.numbers()
    heading = f"What {_joined(c.heading for c in comparison.columns)} get of one record"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_CSP}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>{escape(heading)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<p class="warn"><strong>For those who may see the whole record.</strong> This page holds values that
some of the audiences named here may not see. Do not pass it on to them.</p>
<h1>{text(heading)}</h1>
{_facts(comparison, made_at)}
</header>
<main>
<h2>In short</h2>
{_totals(comparison)}
<h2>How to read it</h2>
<dl class="facts">
{"".join(f"<dt>{name}</dt><dd>{meaning}</dd>" for name, meaning in _LEGEND)}
</dl>
<h2>The record, object by object</h2>
{"".join(_card(card, comparison, numbers) for card in comparison.cards)}
</main>
<footer><p>Places such as <code>$.objects[0].name</code> are those in the record as signed. What an
audience gets is its evidence, which is the issuer's signed text with parts left out, and a projection,
which is what this page shows.</p></footer>
</body>
</html>
"""


def text(value: str) -> str:
    """Write a text so that it is only that, reads in its own direction and hides nothing."""
    out: list[str] = []
    before = ""
    for char in value:
        out.append(_char(char, before))
        before = char
    return f"<bdi>{''.join(out)}</bdi>"


def _char(char: str, before: str) -> str:
    if char in "\n\t" or unicodedata.category(char) not in _HIDING:
        return escape(char)
    if char in _JOINERS and before and ord(before) > _LAST_LATIN:
        return char
    return f'<span class="hidden">U+{ord(char):04X}</span>'


def _joined(names: Any) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _facts(comparison: Comparison, made_at: str) -> str:
    facts = {
        "Issuer": text(comparison.issuer),
        "Record": text(comparison.title or comparison.record),
        "Number": f"<code>{text(comparison.record)}</code>",
        "Version": text(comparison.version),
        "Kind, marking": f"{text(comparison.kind)}, TLP:{text(comparison.tlp)}",
        "Policy": text(comparison.policy),
        "Policy, SHA-256": f"<code>{text(comparison.policy_sha256)}</code>",
        "Token": f"<code>{text(comparison.token)}</code>",
        "Page made": text(made_at),
    }
    if not comparison.complete:
        facts["Note"] = "Parts of this copy were withheld before it came here."
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items())
    return f'<dl class="facts">{rows}</dl>'


def _totals(comparison: Comparison) -> str:
    heads = "".join(f'<th scope="col">{word}</th>' for word in _STATES.values())
    rows = "".join(_totals_of(column) for column in comparison.columns)
    return (
        '<table class="totals"><thead><tr><th scope="col">audience</th>'
        f'{heads}</tr></thead><tbody>{rows}</tbody></table><p class="why">Counted are '
        "properties of objects.</p>"
    )


def _totals_of(column: Column) -> str:
    head = f'<th scope="row">{text(column.heading)}<span class="why">{text(column.described)}</span></th>'
    if column.refusal is not None:
        return (
            f'<tr>{head}<td class="withheld" colspan="{len(_STATES)}" '
            f'data-of="gets nothing"><span class="state">gets nothing</span>'
            f'<span class="why">{text(column.refusal.why)}</span></td></tr>'
        )
    cells = "".join(
        f'<td data-of="{word}">{column.totals[state]}</td>'
        for state, word in _STATES.items()
    )
    return f"<tr>{head}{cells}</tr>"


def _card(
    card: Card, comparison: Comparison, numbers: Mapping[str, tuple[int, str]]
) -> str:
    names = [column.heading for column in comparison.columns]
    heads = "".join(f'<th scope="col">{text(name)}</th>' for name in names)
    columns = [(c.heading, _links(numbers, c.ids)) for c in comparison.columns]
    signed = _links(numbers, {object_id: object_id for object_id in numbers})
    rows = "".join(_row(row, columns, signed, card.lost) for row in card.rows)
    return (
        f'<section class="card" id="object-{card.number}"><h3>{card.number} '
        f'<span class="kind">{text(card.object_type)}</span> {text(card.title)}</h3>'
        '<table><thead><tr><th scope="col" class="name">property</th>'
        f'<th scope="col">as signed</th>{heads}</tr></thead>'
        f"<tbody>{_lost(card, names)}{rows}</tbody></table>"
        f'<p class="why"><code>{text(card.path)}</code> '
        f"<code>{text(card.object_id)}</code></p></section>\n"
    )


def _lost(card: Card, names: list[str]) -> str:
    """Say first why some columns have nothing of an object."""
    if not any(card.lost):
        return ""
    cells = "".join(
        f'<td class="withheld" data-of="{escape(name)}"><span class="state">withheld'
        f"</span>{_sentences(why)}</td>"
        if why
        else f'<td data-of="{escape(name)}"><span class="state">given</span></td>'
        for name, why in zip(names, card.lost, strict=True)
    )
    return (
        '<tr><th scope="row" class="name">the whole object</th>'
        f'<td data-of="as signed"></td>{cells}</tr>'
    )


def _row(
    row: Row,
    columns: list[tuple[str, Link]],
    signed: Link,
    lost: tuple[tuple[str, ...], ...],
) -> str:
    cells = "".join(
        _cell(cell, name, link, said)
        for cell, (name, link), said in zip(row.cells, columns, lost, strict=True)
    )
    kind = ' class="minor"' if row.is_minor else ""
    return (
        f'<tr{kind}><th scope="row" class="name">{text(row.spoken)}</th>'
        f'<td data-of="as signed">{_value(row.signed, signed)}</td>{cells}</tr>'
    )


def _cell(cell: Cell, name: str, link: Link, said: tuple[str, ...]) -> str:
    """Write a cell, without the sentences that were said of the whole object."""
    state = as_sentence(cell.instead) if cell.instead else _STATES[cell.state]
    if cell.state == "waiting" and cell.instead:
        state = f"{_STATES['waiting']}; meanwhile {cell.instead}"
    why = tuple(each for each in cell.why if each not in said)
    return (
        f'<td class="{cell.state}" data-of="{escape(name)}">{_value(cell.value, link)}'
        f'<span class="state">{escape(state)}</span>{_sentences(why)}</td>'
    )


def _sentences(why: tuple[str, ...]) -> str:
    return "".join(f'<span class="why">{text(each)}</span>' for each in why)


def _value(value: Any, link: Link) -> str:
    return "".join(
        f'<span class="value">{_label(label)}{_leaf(leaf, link)}</span>'
        for label, leaf in flat(value)
    )


def _label(label: str) -> str:
    return f'<span class="label">{text(label)}:</span> ' if label else ""


def _leaf(leaf: Any, link: Link) -> str:
    if isinstance(leaf, bool):
        return "yes" if leaf else "no"
    written = str(leaf)
    return link(written) or text(written)


def _links(numbers: Mapping[str, tuple[int, str]], ids: Mapping[str, str]) -> Link:
    def link(value: str) -> str:
        if value in _MARKS:
            return _MARKS[value]
        found = numbers.get(ids.get(value, ""))
        if found is None:
            return ""
        number, kind = found
        return f'<a href="#object-{number}">object {number}</a> ({text(kind)})'

    return link
