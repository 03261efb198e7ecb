"""The last check that nothing withheld got out another way. Pure.

It knows the values that were cut, not the rules that cut them. Watched are names,
addresses and handles of persons, victims, sources and accused, whatever was marked
above the view, and personal data that stood in a text that was cut.
"""

import enum
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, assert_never

import msgspec

from adapters import text
from adapters.policy_file import Role
from adapters.reading import Reading
from adapters.spelled import Forms, is_text
from schemas import profile

_NAMES: Final = frozenset(
    {
        "name", "display_name", "aliases", "authors", "first_name", "middle_name",
        "last_name", "title", "subject", "abstract", "city",
    }
)  # fmt: skip
_LOGINS: Final = frozenset({"account_login", "user_id", "credential"})
_CONTACT: Final = frozenset(
    {
        "contact_information", "contact_numbers", "email_addresses",
        "social_media_accounts", "street_address", "postal_code",
    }
)  # fmt: skip
_HANDLES: Final = _LOGINS | _CONTACT | {
    "value", "url", "path", "key", "command_line", "message_id", "serial_number",
    "hashes", "pattern", "decryption_key",
}  # fmt: skip
# Cut by the policy, these must not stand elsewhere either. Of addresses in networks
# only the victims': the attackers' name nobody.
_PERSONAL: Final[dict[str, frozenset[str]]] = {
    "channel": frozenset({"name", "aliases"}),
    "email-addr": frozenset({"value", "display_name"}),
    "identity": _CONTACT
    | {"name", "aliases", "first_name", "middle_name", "last_name"},
    "location": frozenset({"street_address", "postal_code", "city"}),
    "media-content": frozenset({"url", "title"}),
    "note": frozenset({"authors"}),
    "opinion": frozenset({"authors"}),
    "threat-actor": frozenset({"name", "aliases"}),
    "user-account": _LOGINS | {"display_name"},
}
_PERSONS: Final = frozenset({"individual", "protected", "public-role"})
_NETWORKED: Final = frozenset(
    {"domain-name", "ipv4-addr", "ipv6-addr", "mac-addr", "url"}
)
# Dialects write persons into properties of their own (`x_opencti_firstname`).
_PERSONAL_WORDS = re.compile("name|alias|mail|phone|login|handle")
# Whatever they are marked: names out of public catalogues, of advice, of countries.
_PUBLIC: Final = frozenset(
    {
        "attack-pattern", "course-of-action", "extension-definition", "location",
        "marking-definition", "tool",
    }
)  # fmt: skip
_NO_PERSONAL_DATA: Final = frozenset({"hashes", "payload_bin"})  # but long numbers
# Accounts that everybody has.
_COMMON: Final = frozenset(
    {
        "admin", "administrator", "anonymous", "guest", "info", "none", "nobody", "root",
        "service", "support", "system", "test", "unknown", "user", "webmaster",
    }
)  # fmt: skip
# Words that begin with a capital and are no name, or not only one.
_NO_NAME_PARTS: Final = frozenset(
    {
        "the", "and", "van", "von", "bin", "binti", "der", "del", "dos", "san", "abu",
        "may", "june", "april", "august", "mark", "will", "page", "bank", "grace",
        "contact", "person", "victim", "employee", "officer", "team", "user", "unknown",
    }
)  # fmt: skip
_NOTHING_SAID: Final = frozenset(
    {
        "type", "spec_version", "object_marking_refs", "granular_markings", "object_refs",
        "relationship_type", "lang", "pattern_type", "pattern_version",
    }
)  # fmt: skip
_VOCABULARIES: Final = frozenset({"labels", "kill_chain_phases", "sectors", "roles"})
_MIN_HANDLE_CHARS: Final = 4  # a shorter one stands in half the words of a language
_MIN_NAME_CHARS: Final = 2
_MIN_PART_CHARS: Final = 3
_MIN_DISTINCT_CHARS: Final = 8  # a shorter word may be one of a vocabulary, too
_MAX_WORD_CHARS: Final = 64  # a longer value is recognised by its beginning
# Words times characters looked through: some seconds. A record that needs more is
# no honest one.
MAX_WORK: Final = 4_000_000_000


class Withheld(msgspec.Struct, frozen=True):
    """A value that was cut.

    Attributes:
        index: Of its object.
        above: Whether it is marked above the view, not only cut by the policy.
    """

    index: int
    place: profile.Place
    value: Any
    role: Role
    above: bool


class Context(enum.Enum):
    """Where a value stands.

    Attributes:
        CODE: Addresses, patterns, licences: here an issuer may have to name whom
            an attacker imitates, and a victim's address that is searched for.
        VOCABULARY: Words from lists, mostly; some of them cannot be cut.
    """

    TEXT = 0
    CODE = 1
    VOCABULARY = 2


def context_of(kind: str, place: profile.Place, *, visible: bool) -> Context:
    """Tell where the property at *place* of an object of type *kind* stands."""
    name = place[-1]
    if visible or name in _VOCABULARIES or name.endswith("_types"):
        return Context.VOCABULARY
    if name == "pattern" or (kind in _NETWORKED and name == "value"):
        return Context.CODE
    if kind in ("marking-definition", "extension-definition"):
        return Context.CODE
    return Context.TEXT


def says_something(place: profile.Place, value: Any) -> bool:
    """Tell whether a cut value is worth looking at: no number, time, id or type."""
    if isinstance(value, str):
        return place[-1] not in _NOTHING_SAID and is_text(value)
    return isinstance(value, list | dict) and place[-1] not in _NOTHING_SAID


class Watch:
    """Looks for values that were cut.

    Attributes:
        names: Found between other words, as `text.loosen` spells them.
        titles: The same, of organisations and accused: not looked for in code.
        handles: Found anywhere, as `text.normalise` spells them.
        addresses: Found where they begin and end, not looked for in code.
        numbers: Digits of long numbers.
        parts: Parts of persons' names, found in texts where they have a capital.
    """

    def __init__(self, reading: Reading, withheld: Iterable[Withheld]) -> None:
        self.names: set[str] = set()
        self.titles: set[str] = set()
        self.handles: set[str] = set()
        self.addresses: set[str] = set()
        self.numbers: set[str] = set()
        self.parts: set[str] = set()
        self._reading = reading
        self._issuer = text.loosen(reading.verified.issuer)  # it is always visible
        for cut in withheld:
            self._add(cut)

    def is_empty(self) -> bool:
        """Tell whether there is nothing to look for."""
        return not (
            self.names or self.titles or self.handles or self.addresses
            or self.numbers or self.parts
        )  # fmt: skip

    def is_too_much(self) -> bool:
        """Tell whether looking through the record would take too long."""
        words = len(self.names) + len(self.titles)
        words += len(self.handles) + len(self.addresses)
        return words * self._reading.spelled.chars > MAX_WORK

    def suspects(self) -> dict[int, dict[profile.Place, Forms]]:
        """Find the texts of the record in which a cut value may stand, by object."""
        spelled = self._reading.spelled
        slots: set[int] = set()
        # Of a name any word will do, so the one that stands in the fewest texts.
        words = (max(name.split(), key=len) for name in self.names | self.titles)
        for word in {*words, *self.handles, *self.addresses, *self.parts}:
            slots.update(spelled.holding(word))
        if self.numbers:
            slots |= spelled.with_numbers
        if self.parts:
            slots |= spelled.unstable
        found: dict[int, dict[profile.Place, Forms]] = {}
        for slot in slots:
            index, place = spelled.spots[slot]
            found.setdefault(index, {})[place] = spelled.form(slot)
        return found

    def hits(self, forms: Forms, context: Context = Context.TEXT) -> bool:
        """Tell whether a cut value stands in *forms*, in any of its spellings."""
        if any(w in forms.folded for w in self.handles):
            return True
        match context:
            case Context.TEXT:
                return (
                    any(w in forms.loose for w in self.names | self.titles)
                    or any(_stands(w, forms.folded) for w in self.addresses)
                    or self._hits_numbers(forms)
                    or bool(self.parts and self.parts & forms.capitals)
                )
            case Context.CODE:
                return any(w in forms.loose for w in self.names)
            case Context.VOCABULARY:
                words = filter(_is_distinct, self.names | self.titles)
                return (
                    any(w in forms.loose for w in words)
                    or any(_stands(w, forms.folded) for w in self.addresses)
                    or self._hits_numbers(forms)
                )
            case _:
                assert_never(context)

    def hits_claims(self) -> bool:
        """Tell whether a cut value stands in the always visible claims."""
        claims = self._reading.verified.claims
        visible = (*claims.aud, *claims.countries, *claims.sectors, *claims.languages)
        return self.hits(Forms.of(*visible), Context.VOCABULARY)

    def _hits_numbers(self, forms: Forms) -> bool:
        return bool(self.numbers) and any(
            ours in theirs or theirs in ours
            for theirs in forms.numbers
            for ours in self.numbers
        )

    # ------------------------------------------------------------- what to watch

    def _add(self, cut: Withheld) -> None:
        candidate = self._reading.objects[cut.index].source
        if candidate.id == self._reading.issuer:
            return
        name = cut.place[-1]
        if name not in _NO_PERSONAL_DATA:
            spot = cut.index, cut.place
            addresses, numbers = self._reading.spelled.personal_in(spot, cut.value)
            self.handles |= addresses
            self.numbers |= numbers
        if not _is_watched(candidate.type, cut):
            return
        if getattr(candidate, "identity_class", None) == "class":
            return  # "journalists" names nobody
        for leaf in _leaves(cut.value):
            if name not in _HANDLES:
                added = self._add_name(leaf, soft=_is_soft(candidate.type, cut))
                is_person = candidate.type == "identity" and cut.role in _PERSONS
                if added and is_person and name == "name":
                    self.parts.update(_parts(leaf))
            elif candidate.type in _NETWORKED and not cut.above:
                folded = text.normalise(leaf)
                if len(folded) >= _MIN_HANDLE_CHARS:
                    self.addresses.add(folded)
            else:
                self._add_handle(leaf, login=name in _LOGINS)

    def _add_handle(self, written: str, *, login: bool) -> None:
        folded = text.normalise(written).strip()[:_MAX_WORD_CHARS]
        if len(folded) < _MIN_HANDLE_CHARS:
            # Numbers of fewer digits stand in every list; three letters are a name.
            if login and not folded.isdigit():
                self._add_name(folded)
        elif folded.isdigit() or (login and folded.isalpha()):
            self._add_name(folded)  # in other words it would be found by chance
        elif not folded.isalpha():
            self.handles.add(folded)

    def _add_name(self, written: str, *, soft: bool = False) -> bool:
        loose = text.loosen(text.normalise(written))[: _MAX_WORD_CHARS + 2]
        bare = loose.strip()
        if len(bare) < _MIN_NAME_CHARS or loose == self._issuer or bare in _COMMON:
            return False
        if soft and loose in self._reading.operations:
            return False
        # Where no spaces part words, a name stands right beside others.
        word = bare if text.is_unspaced(bare) else loose
        (self.titles if soft else self.names).add(word)
        return True


def _stands(address: str, folded: str) -> bool:
    """Tell whether an address stands in a text, not only the end of a longer one."""
    start = folded.find(address)
    while start >= 0:
        end = start + len(address)
        before, after = folded[start - 1 : start], folded[end : end + 1]
        if not (before.isalnum() or before == "-" or after.isalnum() or after == "-"):
            return True
        start = folded.find(address, start + 1)
    return False


def _is_watched(kind: str, cut: Withheld) -> bool:
    name = cut.place[-1]
    if name in _PERSONAL.get(kind, ()):
        return True
    if kind in _NETWORKED and name == "value":
        return cut.above or cut.role in ("unknown", "protected")
    if cut.above and kind not in _PUBLIC and (name in _NAMES or name in _HANDLES):
        return True
    own = cut.above or kind in _PERSONAL
    return own and name.startswith("x_") and bool(_PERSONAL_WORDS.search(name))


def _is_soft(kind: str, cut: Withheld) -> bool:
    return not cut.above and (cut.role == "organisation" or kind == "threat-actor")


def _is_distinct(loose: str) -> bool:
    bare = loose.strip()
    return len(bare) >= _MIN_DISTINCT_CHARS or not bare.isalpha()


def _parts(name: str) -> Iterator[str]:
    for part in text.loosen(text.normalise(name)).split():
        if len(part) >= _MIN_PART_CHARS and part not in _NO_NAME_PARTS:
            yield part


def _leaves(value: Any) -> Iterator[str]:
    """List the strings that say something: no names of members, kinds or ids."""
    if isinstance(value, str):
        if is_text(value):
            yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if not name.endswith(("_type", "_ref", "classified")):
                yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
