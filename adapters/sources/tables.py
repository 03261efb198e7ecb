"""Tables: delimited text, or a JSON list of flat objects, as rows by column. Pure.

Rows are numbered as spreadsheet programs show them. A table is read in two steps:
`head` looks at its beginning, to recognise it; `lines` goes through all of it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from adapters.sources import dates, tables_json, tables_text, values
from adapters.sources.source import Input
from adapters.sources.tables_text import Row
from schemas.errors import SchemaError
from schemas.findings import Findings
from schemas.markings import Tlp

MAX_ROWS: Final = 200_000  # some seconds; a record holds a tenth of it
_MAX_KNOWN: Final = 50_000
_MAX_COLUMNS: Final = 200
_MAX_NAME_CHARS: Final = 100
_HEAD_ROWS: Final = 200
_HEADING_WITHIN: Final = 20  # rows: above it stand a title, who made it, a licence
_DELIMITERS: Final = (",", ";", "\t")
_EMPTY: Final = frozenset({"", "-", "--", "n/a", "none", "null", "nan", "?"})
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ASIDE = re.compile(r"\([^()]*\)")
_WORDS = re.compile(r"[^\W_]+")

Known = Callable[[Sequence[str]], int]
"""Counts the columns that a source knows in a row; 0 if it cannot be a heading."""


class Head(NamedTuple):
    """The beginning of a table.

    Attributes:
        names: Of the columns, as written; empty if the table has no heading.
        rows: The first rows below the heading; no blank ones.
        delimiter: "" for JSON.
        skipped: Rows down to the heading, with it.
        is_broken: A cell below does not end; reading all of it will say where.
    """

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    delimiter: str
    skipped: int
    is_broken: bool


class Line(NamedTuple):
    """The cells of a row that a source knows, without empty ones.

    Attributes:
        cells: Role -> number of the column, and text.
        spell: Gives the place of a column in this row.
    """

    where: str
    cells: Mapping[str, Sequence[tuple[int, str]]]
    spell: Callable[[str, int], str]

    def get(self, *roles: str) -> Iterator[tuple[int, str]]:
        """List the cells of these roles, role after role."""
        for role in roles:
            yield from self.cells.get(role, ())

    def text(self, *roles: str) -> str:
        """Give the text of the first cell of these roles; "" if there is none."""
        return next((text for _, text in self.get(*roles)), "")

    def place(self, column: int) -> str:
        """Spell the place of a cell."""
        return self.spell(self.where, column)


def fold(name: str) -> str:
    """Fold the name of a column: `First_Seen (UTC)` and `firstSeen` are one."""
    spelled = unicodedata.normalize("NFKC", name[:_MAX_NAME_CHARS])
    apart = _CAMEL.sub(" ", _ASIDE.sub("", spelled))
    return " ".join(_WORDS.findall(apart.casefold()))


def synonyms(**names: str) -> dict[str, str]:
    """Give the role of each folded name, from comma-separated names by role."""
    return {
        " ".join(name.split()): role
        for role, listed in names.items()
        for name in listed.split(",")
    }


def roles_of(names: Sequence[str], roles: Mapping[str, str]) -> list[str]:
    """Give the role of each column by its name, "" where it is not known."""
    return [roles.get(fold(name), "") for name in names]


def head(given: Input, known: Known) -> Head | None:
    """Look at the beginning; None if it is no table.

    Raises:
        SchemaError: From `Input.json`.
    """
    if given.is_json:
        return _json_head(given, known)
    text, is_whole = tables_text.decode_beginning(given.data)
    if "\0" in text:
        return None
    directed = text[:4].lower() == "sep=" and text[4:5] in _DELIMITERS
    found = []
    for delimiter in text[4] if directed else _DELIMITERS:
        rows, is_broken = tables_text.beginning(text, delimiter, _HEAD_ROWS)
        if not is_whole and len(rows) < _HEAD_ROWS:
            rows = rows[:-1]  # it may be cut
        one = _text_head(rows, delimiter, 1 if directed else 0, known)
        found.append(one._replace(is_broken=is_broken and is_whole))
    best = max(found, key=lambda each: (known(each.names), _width(each)))
    if best.names and best.is_broken:
        return best
    return best if best.rows and _is_regular(best) else None


def _width(one: Head) -> int:
    return len(one.rows[0].cells) if one.rows and _is_regular(one) else 0


def _is_regular(one: Head) -> bool:
    """Tell whether rows have the width of the heading, or else of each other."""
    if not one.names:
        width = len(one.rows[0].cells)
        fitting = sum(len(cells) == width for _, cells in one.rows)
        return 10 * fitting >= 9 * len(one.rows)
    width = len(one.names)  # a short row may lack its last cells
    fitting = sum(
        len(cells) == width or (len(cells) > 1 and not any(cells[width:]))
        for _, cells in one.rows
    )
    return 3 * fitting >= 2 * len(one.rows)


def lines(
    given: Input, of: Head, roles: Sequence[str], losses: Findings, *, people: str = ""
) -> Iterator[Line]:
    """Go through all rows below the heading, but blank ones.

    Listed are columns without a role (`no-equivalent`), those of *people*
    (`person-left-out`), and rows that repeat one above, or have more cells than the
    heading.

    Args:
        roles: Of the columns, "" for one that is not known.
        people: Role of columns that hold analysts' names.

    Raises:
        SchemaError: `not-text`, `not-utf8`, `bad-cell`, `too-many-rows`.
    """

    def spell(where: str, number: int) -> str:
        role = roles[number]
        if of.delimiter:
            known = f" ({role})" if role else ""
            return f"{where}, column {number + 1}{known}"
        name = of.names[number]  # as written, where nothing but a known name is there
        is_plain = bool(role) and name.isascii() and name.replace("_", "").isalnum()
        return f"{where}.{name}" if is_plain else f"{where}[...]"

    left_out = set()
    known: set[tuple[str, ...]] = set()
    for count, (where, cells) in enumerate(_rows(given, of, losses)):
        if not any(map(str.strip, cells)):
            continue
        if count >= MAX_ROWS:
            raise SchemaError("too-many-rows", where)
        same = tuple(cells)
        if same in known:
            losses.add("repeated", where)
            continue
        if len(known) < _MAX_KNOWN:
            known.add(same)
        if len(cells) > len(roles) and any(cells[len(roles) :]):
            losses.add("ragged-row", where)
            continue
        taken: dict[str, list[tuple[int, str]]] = {}
        for number, cell in enumerate(cells[: len(roles)]):
            text = cell.strip()
            if len(text) < 5 and text.lower() in _EMPTY:
                continue
            role = roles[number]
            if role and role != people:
                taken.setdefault(role, []).append((number, text))
            elif number not in left_out:
                left_out.add(number)
                rule = "person-left-out" if role else "no-equivalent"
                losses.add(rule, spell(where, number))
        if taken:
            yield Line(where, taken, spell)


def _text_head(rows: list[Row], delimiter: str, skipped: int, known: Known) -> Head:
    """Find the heading: the first row that is known, or a better one right below it."""
    names: tuple[str, ...] = ()
    best = 0
    is_above = True  # nothing but remarks so far
    for number, (_, cells) in enumerate(rows[:_HEADING_WITHIN], start=1):
        is_remark = bool(cells) and cells[0].startswith("#")
        spelled = tuple(cell.lstrip("# ").strip() for cell in cells)
        score = 0 if any(map(values.classify, spelled)) else known(spelled)
        if score > best or (score and is_above):
            names, best, skipped = spelled, score, number
        elif best and not is_remark and any(spelled):
            break
        elif is_remark and is_above and not names:
            skipped = number
        is_above &= is_remark
    below = tuple(row for row in rows[skipped:] if any(map(str.strip, row.cells)))
    return Head(names, below, delimiter, skipped, False)


def _json_head(given: Input, known: Known) -> Head | None:
    items = tables_json.items_of(given.parsed)[1]
    first = [each for each in items[:_HEAD_ROWS] if type(each) is dict]
    if not first or any(type(v) is dict for each in first for v in each.values()):
        return None
    names = dict.fromkeys(name for each in items if type(each) is dict for name in each)
    spelled = tuple(islice(names, _MAX_COLUMNS))
    if not known(spelled):
        return None
    rows = tuple(
        islice(tables_json.rows_of(given.parsed, spelled, Findings()), _HEAD_ROWS)
    )
    return Head(spelled, rows, "", 0, False)


def _rows(given: Input, of: Head, losses: Findings) -> Iterator[Row]:
    if not of.delimiter:
        yield from tables_json.rows_of(given.json, of.names, losses)
        return
    text, is_guessed = tables_text.decode(given.data)
    if is_guessed:
        losses.add("guessed-encoding", "")
    every = tables_text.numbered(text, of.delimiter)
    above = list(islice(every, of.skipped))
    for row in above[:-1] if of.names else above:
        if any(row.cells):
            losses.add("no-equivalent", row.where)
    yield from every


# --------------------------------------------------- columns that all tables have


def column_place(of: Head, roles: Sequence[str], role: str) -> str:
    """Spell the place of a column, of the table if it has none."""
    if not of.delimiter:
        return "$"
    where = f"row {of.skipped}"
    if role not in roles:
        return where
    return f"{where}, column {roles.index(role) + 1} ({role})"


def tlp_of(line: Line, losses: Findings) -> Tlp | None:
    """Read the TLP of a row; one that cannot be read counts as AMBER+STRICT."""
    found = []
    for column, text in line.get("tlp"):
        try:
            found.append(Tlp.parse(text))
        except SchemaError:
            found.append(Tlp.AMBER_STRICT)
            losses.add("bad-tlp-cell", line.place(column))
    return max(found, default=None)


def date_of(line: Line, role: str, order: dates.Order, losses: Findings) -> str:
    """Read the earliest date of a row in the columns of *role*; "" if there is none."""
    found = []
    for column, text in line.get(role):
        date = dates.read(text, order)
        if date is not None:
            found.append(date)
        elif dates.is_open(text, order):
            losses.add("ambiguous-date", line.place(column))
        else:
            losses.add("bad-value", line.place(column), "a date such as 2026-11-02")
    return min(found, default="")


def words_of(line: Line, role: str) -> list[str]:
    """List the words of cells that hold several, between commas or semicolons."""
    texts = (text.replace(";", ",").split(",") for _, text in line.get(role))
    return [word.strip() for words in texts for word in words]


def references_of(line: Line, role: str) -> list[dict[str, str]]:
    """Make external references of the cells of *role*, which names their source."""
    return [_reference(role, text) for _, text in line.get(role)]


def _reference(name: str, text: str) -> dict[str, str]:
    found = values.classify(text)
    if found is not None and found.kind == "url":
        return {"source_name": name, "url": found.value}
    return {"source_name": name, "description": text}
