"""What must not be found in what a view gets: DESIGN.md 7, "The guard", once more.

Independent of `adapters.guard` and of the rules: what was cut is what stands in the
record and not in the evidence. Of that, names and addresses of persons, victims and
accused, all that is marked above the view, and addresses and numbers out of texts.

It is laxer than the guard where a word may stand by chance: parts of names only if they
are long, short names only in texts, victims' addresses not in what is searched for.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from adapters.redaction import Redacted
from adapters.view import View
from broker.blinding import org_identity
from broker.trust import Verified
from schemas import profile
from schemas.markings import TLP_IDS, Tlp, tlp_of
from tests.support.views import made_of, opened, projected, seen

Place = profile.Place
Plain = dict[str, Any]

ORGANISED = ("organization", "group", "class", "system")
NETWORKED = ("domain-name", "ipv4-addr", "ipv6-addr", "mac-addr", "url")
ATTACKING = (
    "campaign", "indicator", "infrastructure", "intrusion-set", "malware", "threat-actor",
)  # fmt: skip
# Public knowledge, however it is marked.
PUBLIC = (
    "attack-pattern", "course-of-action", "extension-definition", "location",
    "marking-definition", "tool",
)  # fmt: skip
OPERATIONS = ("campaign", "intrusion-set", "malware")
NAMES = {"name", "aliases", "display_name", "authors", "title", "abstract"}
HANDLES = {"account_login", "user_id", "value", "url", "path", "command_line"}
EVERYBODY = {"admin", "administrator", "root", "user", "info", "unknown", "test"}
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"\+\d[\d ().-]{7,}\d")
# An id or a time. They hold digits by chance, and are looked at elsewhere.
NO_TEXT = re.compile(r"[a-z0-9-]+--[0-9a-f-]{36}$|\d{4}-\d\d-\d\dT[\d:.]+Z$")
# Thai, Lao, Tibetan, Myanmar, Khmer, Chinese, Japanese, Korean.
UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af]"
)
REFANGED = [("[.]", "."), ("(.)", "."), ("[at]", "@"), ("[@]", "@"), ("[:]", ":")]


class Word(NamedTuple):
    """A value that must not be found.

    Attributes:
        how: `name`: a word anywhere; `soft`: a word in texts; `handle`: anywhere;
            `address`: in texts; `number`: its digits in texts; `part`: in texts, with
            a capital.
    """

    how: str
    word: str
    of: str


def leaks(redacted: Redacted) -> list[Word]:
    """List the guarded values that the view can read."""
    evidence = opened(redacted.evidence).plain
    areas = Areas(redacted, evidence)
    return sorted({word for word in guarded(redacted, evidence) if areas.hold(word)})


# ------------------------------------------------------------------ what is guarded


def guarded(redacted: Redacted, evidence: Iterable[Plain]) -> Iterator[Word]:
    """List what was cut and identifies somebody, or is above the view."""
    received, view = redacted.verified, redacted.view
    shown = {each["id"]: each for each in evidence}
    own = org_identity(received.issuer)
    operations = {
        fold(str(o["name"]))
        for o in received.plain
        if o["type"] in OPERATIONS and "name" in o
    }
    tied = set(_tied(received))
    for plain in received.plain:
        if plain["id"] == own:
            continue
        left = dict(profile.places(shown.get(plain["id"], {}).items()))
        is_above = _is_above(view, tlp_of(plain.get("object_marking_refs", ())))
        above = _granular(view, plain)
        for place, value in profile.places(plain.items()):
            gone = _missing(value, left.get(place), place)
            if gone:
                mark = is_above or bool({place[0]} & above)
                for word in _words(plain, place, gone, above=mark, tied=tied):
                    if word.how != "soft" or word.word not in operations:
                        yield word


def _missing(value: Any, left: Any, place: Place) -> list[str]:
    """List the strings of *value* that are not in what is left of it."""
    if value == left:
        return []
    if left is None:
        return [s for s in leaves(value) if not NO_TEXT.match(s)]
    if profile.is_text(place) and value != left:
        # Of the sentences of a text some are left, in their order.
        rest = value
        for part in left.split(profile.WITHHELD_TEXT):
            rest = rest.replace(part, "\n", 1) if part else rest
        return rest.split("\n")
    kept = set(leaves(left))
    return [s for s in leaves(value) if s not in kept]


def _words(
    plain: Plain, place: Place, gone: list[str], *, above: bool, tied: set[str]
) -> Iterator[Word]:
    kind, name = plain["type"], place[-1]
    is_person = kind == "identity" and plain.get("identity_class") not in ORGANISED
    where = f"{kind} {profile.spell(place)}"
    for text in gone:
        if name not in ("hashes", "payload_bin"):
            for found in EMAIL.findall(fold(text)):
                yield Word("handle", found, where)
            for found in PHONE.findall(text):
                yield Word("number", re.sub(r"\D", "", found), where)
    if plain.get("identity_class") == "class":
        return
    named = (
        (kind == "identity" and name in ("name", "aliases"))
        or (kind in ("channel", "threat-actor") and name in ("name", "aliases"))
        or (kind in ("note", "opinion") and name == "authors")
        or (kind == "media-content" and name == "title")
        or (kind in ("email-addr", "user-account") and name == "display_name")
        or (above and kind not in PUBLIC and name in NAMES)
    )
    is_soft = not above and (
        kind == "threat-actor" or (kind == "identity" and not is_person)
    )
    reached = (
        (kind in ("email-addr", "user-account") and name in HANDLES)
        or (kind == "media-content" and name == "url")
        or (above and kind not in PUBLIC and name in HANDLES)
    )
    for text in gone:
        if named:
            yield from _name(text, where, soft=is_soft)
            if is_person and name == "name" and text[-1:].isascii():
                last = text.split()[-1]
                if " " in text and len(last) > 4 and last.isalpha():
                    yield Word("part", last, where)
        elif reached and not (kind in NETWORKED and not above):
            yield from _handle(text, where)
        elif kind in NETWORKED and name == "value" and plain["id"] not in tied:
            yield Word("address", fold(text), where)


def _name(text: str, where: str, *, soft: bool) -> Iterator[Word]:
    bare = words(fold(text))[:64]
    if len(bare) > 1 and bare not in EVERYBODY:
        is_long = len(bare) >= 8 or not bare.isalpha()
        yield Word("name" if is_long and not soft else "soft", bare, where)


def _handle(text: str, where: str) -> Iterator[Word]:
    folded = fold(text).strip()[:64]
    if len(folded) >= 4 and not folded.isalnum():
        yield Word("handle", folded, where)
    elif len(folded) >= 4:
        yield from _name(text, where, soft=True)


def _tied(received: Verified) -> Iterator[str]:
    """List what may count as the attacker's, for whoever sees that it is tied."""
    for one in received.plain:
        if one["type"] == "relationship":
            ends = one.get("source_ref", ""), one.get("target_ref", "")
            for end, other in (ends, ends[::-1]):
                if other.split("--")[0] in ATTACKING:
                    yield end


def _is_above(view: View, tlp: Tlp | None) -> bool:
    """Apply the gates of the shipped policy, as its file words them."""
    tlp = Tlp.AMBER_STRICT if tlp is None else tlp
    is_named = view.addressed or view.concerned
    if tlp > view.clearance or tlp is Tlp.RED:
        return True
    if tlp is Tlp.GREEN:
        return view.audience == "public"
    if tlp is Tlp.AMBER:
        return view.audience != "peer-cert" and not (
            view.audience == "platform" and is_named
        )
    if tlp is Tlp.AMBER_STRICT:
        return not (view.audience in ("peer-cert", "platform") and view.addressed)
    return False


def _granular(view: View, plain: Plain) -> set[str]:
    """Name the properties whose own TLP is above the view."""
    known = {ref: tlp for tlp, ref in TLP_IDS.items()}
    return {
        selector.split(".")[0]
        for each in plain.get("granular_markings", ())
        if each.get("marking_ref") in known
        and _is_above(view, known[each["marking_ref"]])
        for selector in each["selectors"]
    }


# ----------------------------------------------------------------- where it is looked for


class Areas:
    """What a view can read, by how likely a word stands there by chance."""

    def __init__(self, redacted: Redacted, evidence: Iterable[Plain]) -> None:
        anywhere = {s for s in seen(redacted).split("\n") if not NO_TEXT.match(s)}
        texts = {s for area, s in _read(redacted, evidence) if area == "text"}
        said = "\n".join(s for s in sorted(texts) if not NO_TEXT.match(s))
        self._anywhere = fold("\n".join(sorted(anywhere)))
        self._anywhere_words = f" {words(self._anywhere)} "
        self._texts = fold(said)
        self._words = f" {words(self._texts)} "
        numbers = re.findall(r"[+(]?\d[\d ().-]{5,}\d", said)
        self._numbers = {re.sub(r"\D", "", each) for each in numbers}
        self._capitals = set(re.findall(r"\b[A-Z]\w+", said))

    def hold(self, word: Word) -> bool:
        """Tell whether a word is found."""
        match word.how:
            case "handle":
                return word.word in self._anywhere
            case "name":
                return _stands(word.word, self._anywhere_words)
            case "soft":
                return _stands(word.word, self._words)
            case "address":
                address = rf"(?<![\w-]){re.escape(word.word)}(?![\w-])"
                return word.word in self._texts and bool(
                    re.search(address, self._texts)
                )
            case "number":
                return any(word.word in n for n in self._numbers)
            case _:
                return word.word in self._capitals


def _stands(word: str, spaced: str) -> bool:
    return (word if UNSPACED.search(word) else f" {word} ") in spaced


def _read(redacted: Redacted, evidence: Iterable[Plain]) -> Iterator[tuple[str, str]]:
    """List the strings of evidence and projection, and where each stands."""
    for one in evidence:
        for place, value in profile.places(one.items()):
            yield from ((_area(one["type"], place), s) for s in leaves(value))
    for one in projected(redacted):
        made = set(made_of(one))
        for place, value in profile.places(one.items()):
            is_made = profile.spell(place) in made
            area = "listed" if is_made else _area(one["type"], place)
            yield from ((area, s) for s in leaves(value))


def _area(kind: str, place: Place) -> str:
    name = place[-1]
    if kind in ("marking-definition", "extension-definition") or name == "pattern":
        return "code"
    if kind in NETWORKED and name == "value":
        return "code"
    listed = {"labels", "kill_chain_phases", "sectors", "roles"}
    if name in listed or name.endswith("_types"):
        return "listed"
    visible = profile.is_visible(place, kind, primary=False)
    return "listed" if visible else "text"


def leaves(value: Any) -> Iterator[str]:
    """All strings in a value, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner)


def fold(text: str) -> str:
    """Fold case, compatibility forms and accents, and refang."""
    text = text.casefold()
    if not text.isascii():
        folded = unicodedata.normalize("NFKC", text).casefold()
        parted = unicodedata.normalize("NFKD", folded)
        bare = "".join(c for c in parted if not unicodedata.combining(c))
        text = unicodedata.normalize("NFC", bare)
    text = " ".join(text.split())
    for fanged, meant in REFANGED:
        text = text.replace(fanged, meant)
    return text.replace("hxxp", "http")


def words(folded: str) -> str:
    """Give words and numbers alone, a space between them."""
    return " ".join(re.findall(r"[^\W\d_]+|\d+", folded))
