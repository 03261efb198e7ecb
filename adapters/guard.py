"""The last check that nothing withheld got out another way. Pure.

It knows the values that were cut, not the rules that cut them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from adapters.text import holds_personal_data, normalise
from broker.blinding import org_identity
from broker.trust import Verified
from schemas import profile

# Persons, accounts and addresses of people: their cut values are looked for.
IDENTIFYING_TYPES: Final = frozenset(
    {"identity", "user-account", "email-addr", "location"}
)
_IDENTIFYING_PROPERTIES: Final = frozenset(
    {
        "name", "value", "display_name", "account_login", "user_id", "aliases",
        "contact_information", "street_address", "postal_code", "first_name",
        "last_name", "middle_name", "contact_numbers", "email_addresses", "url",
    }
)  # fmt: skip
_PLACE_PROPERTIES: Final = frozenset({"street_address", "postal_code", "city"})
_MIN_CHARS: Final = 4  # shorter ones stand in half the words of a language


def is_clean(value: Any) -> bool:
    """Tell whether no detector finds personal data in *value*."""
    return not any(holds_personal_data(text) for text in strings(value))


class Watch:
    """Looks for identifying values that were cut."""

    def __init__(
        self,
        verified: Verified,
        secret: Iterable[tuple[int, profile.Place, Any]],
    ) -> None:
        words = {
            normalise(text)
            for i, place, value in secret
            if _identifies(verified, i, place)
            for text in strings(value)
        }
        self._claims = verified.claims
        listed = sorted(
            (w for w in words if len(w) >= _MIN_CHARS), key=len, reverse=True
        )
        # Whole words: "Ana Lee" must not hit "banal eel".
        self._pattern = (
            re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, listed)) + r")(?!\w)")
            if listed
            else None
        )

    def hits(self, value: Any) -> bool:
        """Tell whether a cut value stands in *value*, in any of its spellings."""
        pattern = self._pattern
        if pattern is None:
            return False
        return any(pattern.search(normalise(text)) for text in strings(value))

    def hits_claims(self) -> bool:
        """Tell whether a cut value stands in the always visible claims."""
        claims = self._claims
        visible: Sequence[str] = (
            claims.sub,
            *claims.aud,
            *claims.countries,
            *claims.languages,
        )
        return self.hits(visible)


def _identifies(verified: Verified, index: int, place: profile.Place) -> bool:
    candidate = verified.objects[index]
    if candidate.id == org_identity(verified.issuer):
        return False  # the issuer is always visible
    if candidate.type == "location":
        return place[-1] in _PLACE_PROPERTIES
    if getattr(candidate, "identity_class", None) == "class":
        return False  # "journalists" names nobody
    return place[-1] in _IDENTIFYING_PROPERTIES


def strings(value: Any) -> Iterator[str]:
    """List every string in *value*, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, msgspec.Struct):
        yield from strings(msgspec.to_builtins(value))
