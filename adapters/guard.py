"""The last check that nothing withheld got out another way. Pure.

It knows the values that were cut, not the rules that cut them. Watched are names,
addresses and handles of persons, victims, sources and accused, whatever was marked
above the view, and personal data that stood in a text that was cut.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final

import msgspec

from adapters import text
from adapters.policy import Role
from broker.blinding import org_identity
from broker.trust import Verified
from schemas import profile
from schemas.stix.values import ID_PATTERN, TIMESTAMP_PATTERN

_NAMES: Final = frozenset(
    {
        "name", "display_name", "aliases", "authors", "first_name", "middle_name",
        "last_name", "title", "subject", "abstract", "city",
    }
)  # fmt: skip
_HANDLES: Final = frozenset(
    {
        "value", "url", "account_login", "user_id", "credential", "street_address",
        "postal_code", "contact_information", "contact_numbers", "email_addresses",
        "social_media_accounts", "path", "key", "command_line", "message_id",
        "serial_number", "hashes", "pattern", "decryption_key",
    }
)  # fmt: skip
_CONTACT: Final = frozenset(
    {
        "contact_information", "contact_numbers", "email_addresses",
        "social_media_accounts", "street_address", "postal_code",
    }
)  # fmt: skip
# Cut by the policy, these must not stand elsewhere either. Of addresses in networks
# only the victims': the attackers' name nobody.
_PERSONAL: Final[dict[str, frozenset[str]]] = {
    "channel": frozenset({"name", "aliases"}),
    "email-addr": frozenset({"value", "display_name"}),
    "identity": _CONTACT | {"name", "aliases", "first_name", "middle_name", "last_name"},
    "location": frozenset({"street_address", "postal_code", "city"}),
    "media-content": frozenset({"url", "title"}),
    "note": frozenset({"authors"}),
    "opinion": frozenset({"authors"}),
    "threat-actor": frozenset({"name", "aliases"}),
    "user-account": frozenset({"display_name", "account_login", "user_id", "credential"}),
}
_NETWORKED: Final = frozenset({"domain-name", "ipv4-addr", "ipv6-addr", "mac-addr", "url"})
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
    }
)  # fmt: skip
_MIN_HANDLE_CHARS: Final = 4  # a shorter one stands in half the words of a language
_MIN_NAME_CHARS: Final = 2
_MIN_PART_CHARS: Final = 3
_MIN_VISIBLE_CHARS: Final = 4  # codes of languages and countries have fewer
_MAX_WORD_CHARS: Final = 64  # a longer value is recognised by its beginning
# Words times characters looked through: some seconds. A record that needs more is
# no honest one.
MAX_WORK: Final = 4_000_000_000

# In these a handle would be found by chance: they hold digits, and nobody's name.
_NO_TEXT = re.compile(f"{ID_PATTERN}|{TIMESTAMP_PATTERN}")


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


def is_clean(value: Any) -> bool:
    """Tell whether no detector finds personal data in *value*, numbers included."""
    return not any(text.holds_personal_data(found) for found in strings(value))


class Forms:
    """Texts in the spellings that are compared; ids and times are left out.

    Args:
        values: Of any JSON type.
    """

    def __init__(self, values: Iterable[Any]) -> None:
        found = (s for value in values for s in strings(value))
        self._joined = "\n".join(s for s in found if not _NO_TEXT.match(s))
        self.folded = text.normalise(self._joined)

    @cached_property
    def loose(self) -> str:
        return text.loosen(self.folded)

    @cached_property
    def capitals(self) -> frozenset[str]:
        return text.capitalised(self._joined)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        return tuple(text.numbers(self.folded))


class Watch:
    """Looks for values that were cut.

    Attributes:
        names: Found between other words, as `text.loosen` spells them.
        glued: Names in scripts without spaces, found anywhere.
        handles: Found anywhere, as `text.normalise` spells them.
        addresses: The same, but not looked for in patterns: an issuer who
            publishes a pattern wants it searched for.
        numbers: Digits of long numbers.
        parts: Parts of persons' names, found where they have a capital.
    """

    def __init__(self, verified: Verified, withheld: Iterable[Withheld]) -> None:
        self.names: set[str] = set()
        self.glued: set[str] = set()
        self.handles: set[str] = set()
        self.addresses: set[str] = set()
        self.numbers: set[str] = set()
        self.parts: set[str] = set()
        self._own = org_identity(verified.issuer)
        # The issuer is always visible.
        self._known = {text.loosen(verified.issuer), text.loosen("unknown")}
        self._claims = verified.claims
        for cut in withheld:
            self._add(verified, cut)

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to look for."""
        return not any(
            (
                self.names, self.glued, self.handles, self.addresses, self.numbers,
                self.parts,
            )
        )  # fmt: skip

    def narrow(self, forms: Forms) -> bool:
        """Forget what stands nowhere in *forms*; False if that is too much work."""
        words = len(self.glued) + len(self.handles) + len(self.addresses)
        words += len(self.names)
        if words * len(forms.folded) > MAX_WORK:
            return False
        self.names = {w for w in self.names if w in forms.loose}
        self.glued = {w for w in self.glued if w in forms.loose}
        self.handles = {w for w in self.handles if w in forms.folded}
        self.addresses = {w for w in self.addresses if w in forms.folded}
        if self.parts:
            self.parts &= forms.capitals
        return True

    def hits(self, forms: Forms, *, pattern: bool = False, visible: bool = False) -> bool:
        """Tell whether a cut value stands in *forms*, in any of its spellings.

        Args:
            pattern: It is the pattern of an indicator.
            visible: It is always visible, so that a hit stops the delivery; what
                is as short as a code does not count.
        """
        names = self.names
        if visible:
            names = {w for w in names if len(w) >= _MIN_VISIBLE_CHARS + 2}
        if any(w in forms.loose for w in names) or any(
            w in forms.loose for w in self.glued
        ):
            return True
        if any(w in forms.folded for w in self.handles):
            return True
        if not pattern and any(w in forms.folded for w in self.addresses):
            return True
        if not visible and self.parts and not self.parts.isdisjoint(forms.capitals):
            return True
        if pattern or not self.numbers:
            return False
        return any(
            ours in theirs or theirs in ours
            for theirs in forms.numbers
            for ours in self.numbers
        )

    def hits_claims(self) -> bool:
        """Tell whether a cut value stands in the always visible claims."""
        claims = self._claims
        visible = (*claims.aud, *claims.countries, *claims.sectors, *claims.languages)
        return self.hits(Forms(visible), visible=True)

    # ------------------------------------------------------------- what to watch

    def _add(self, verified: Verified, cut: Withheld) -> None:
        candidate = verified.objects[cut.index]
        if candidate.id == self._own:
            return
        name = cut.place[-1]
        found = [s for s in strings(cut.value) if not _NO_TEXT.match(s)]
        if name not in _NO_PERSONAL_DATA:
            for one in found:
                folded = text.normalise(one)
                self.handles.update(text.addresses(folded))
                self.numbers.update(text.numbers(folded))
        if not _is_watched(candidate.type, cut):
            return
        if getattr(candidate, "identity_class", None) == "class":
            return  # "journalists" names nobody
        leaves = list(_leaves(cut.value))
        if name in _HANDLES and not cut.above and candidate.type in _NETWORKED:
            self.addresses.update(filter(_is_handle, map(text.normalise, leaves)))
        elif name in _HANDLES:
            for leaf in leaves:
                self._add_handle(leaf)
        else:
            for leaf in leaves:
                self._add_name(leaf)
                if cut.role == "individual" and name == "name":
                    self.parts.update(_parts(leaf))

    def _add_handle(self, written: str) -> None:
        folded = text.normalise(written).strip()[:_MAX_WORD_CHARS]
        if folded.isdigit() or not _is_handle(folded):
            # Found by chance inside others: looked for as a word.
            if len(folded) >= _MIN_HANDLE_CHARS or not folded.isdigit():
                self._add_name(folded)
        else:
            self.handles.add(folded)

    def _add_name(self, written: str) -> None:
        loose = text.loosen(text.normalise(written))[: _MAX_WORD_CHARS + 2]
        if len(loose) - 2 < _MIN_NAME_CHARS or loose in self._known:
            return
        if loose.strip() in _COMMON:
            return
        if text.is_unspaced(loose):
            self.glued.add(loose.strip())
        else:
            self.names.add(loose)


def _is_watched(kind: str, cut: Withheld) -> bool:
    name = cut.place[-1]
    if name in _PERSONAL.get(kind, ()):
        return True
    if kind in _NETWORKED and name == "value":
        return cut.above or cut.role == "unknown"
    if cut.above and kind not in _PUBLIC and name in _NAMES | _HANDLES:
        return True
    own = cut.above or kind in _PERSONAL
    return own and name.startswith("x_") and bool(_PERSONAL_WORDS.search(name))


def _is_handle(folded: str) -> bool:
    return len(folded) >= _MIN_HANDLE_CHARS and folded not in _COMMON


def _parts(name: str) -> Iterator[str]:
    for part in text.loosen(text.normalise(name)).split():
        if len(part) >= _MIN_PART_CHARS and part not in _NO_NAME_PARTS:
            yield part


def _leaves(value: Any) -> Iterator[str]:
    """List the strings that say something: no names of members, kinds or ids."""
    if isinstance(value, str):
        if not _NO_TEXT.match(value):
            yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if not name.endswith(("_type", "_ref", "classified")):
                yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)


def strings(value: Any) -> Iterator[str]:
    """List every string in *value*, names of members included, numbers as text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
