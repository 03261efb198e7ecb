"""The redaction policy: rows of a TOML file, compiled once into one look-up. Pure.

Allow, never deny: a property that no row names is withheld.
"""

import hashlib
import tomllib
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from adapters.view import AUDIENCES
from broker.directory import Audience
from broker.errors import ConfigError
from schemas import profile

Action = Literal["keep", "drop", "mask", "pseudonymise", "generalise", "defang"]
Role = Literal["issuer", "individual", "organisation", "attacker", "unknown", ""]
TimeGrain = Literal["exact", "hour", "day"]


class Row(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename="kebab",
):
    """One row: what each audience gets of some properties, and why."""

    types: Annotated[tuple[str, ...], Meta(min_length=1)]
    properties: Annotated[tuple[str, ...], Meta(min_length=1)]
    peer_cert: Action
    platform: Action
    civil_society: Action
    reason: Annotated[str, Meta(min_length=10, max_length=300)]
    role: Role = ""
    when: Literal["concerned", ""] = ""


class PolicyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as written."""

    id: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,40}\Z")]
    version: Annotated[int, Meta(ge=1)]
    audiences: tuple[Audience, ...]
    row: tuple[Row, ...]
    times: dict[Audience, TimeGrain] = {}


class Rule(msgspec.Struct, frozen=True):
    """What happens to a property, and the row that says so (from 1; 0: none)."""

    action: Action
    row: int
    reason: str


NOT_NAMED: Final = Rule("drop", 0, "No row of the policy names this property.")


class Policy:
    """A compiled policy.

    Attributes:
        sha256: Hex digest of the file's bytes; stands in every receipt.
        types: STIX types that a row names; objects of others are withheld.
    """

    def __init__(self, data: bytes, where: str) -> None:
        file = _decode(data, where)
        self.id = file.id
        self.version = file.version
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.times = file.times
        self.types = {t for row in file.row for t in row.types} - {"*"}
        self._reasons = tuple(row.reason for row in file.row)
        self._rules: dict[tuple[str, ...], Rule] = {}
        self._found: dict[tuple[Any, ...], Rule] = {}
        for number, row in enumerate(file.row, 1):
            self._add(row, number, where)

    def __repr__(self) -> str:
        return f"Policy({self.name})"

    @property
    def name(self) -> str:
        """Identify the policy: `<id>/<version>/<first 12 of sha256>`."""
        return f"{self.id}/{self.version}/{self.sha256[:12]}"

    def reason(self, row: int) -> str:
        """Give the reason that row *row* (from 1) states."""
        return self._reasons[row - 1]

    def rule(
        self, audience: Audience, kind: str, role: Role, name: str, *, concerned: bool
    ) -> Rule:
        """Find the rule for a property; the most specific row wins.

        Args:
            kind: STIX type.
            name: As `schemas.profile.spell` gives it.
            concerned: Whether rows `when = "concerned"` apply.
        """
        key = (audience, kind, role, name, concerned)
        found = self._found.get(key)
        if found is None:
            found = self._search(audience, kind, role, name, concerned=concerned)
            if found is not NOT_NAMED:  # of those an issuer can send without end
                self._found[key] = found
        return found

    def _search(
        self, audience: Audience, kind: str, role: Role, name: str, *, concerned: bool
    ) -> Rule:
        for of_kind in (kind, "*"):
            for of_role in dict.fromkeys((role, "")):
                for when in ("concerned", "") if concerned else ("",):
                    rule = self._rules.get((audience, of_kind, of_role, when, name))
                    if rule is not None:
                        return rule
        return NOT_NAMED

    def _add(self, row: Row, number: int, where: str) -> None:
        actions = (row.peer_cert, row.platform, row.civil_society)
        for kind in row.types:
            for name in row.properties:
                if set(actions) != {"keep"} and _is_visible(kind, name):
                    raise ConfigError(
                        f"{where}: row {number} withholds {kind}.{name}, which every "
                        "signed record shows; keep it"
                    )
                for audience, action in zip(AUDIENCES, actions, strict=True):
                    key = (audience, kind, row.role, row.when, name)
                    if key in self._rules:
                        other = self._rules[key].row
                        raise ConfigError(
                            f"{where}: rows {other} and {number} both decide "
                            f"{kind}.{name}; remove one"
                        )
                    self._rules[key] = Rule(action, number, row.reason)


def _is_visible(kind: str, name: str) -> bool:
    return profile.is_visible(profile.place_of(name), kind, primary=False)


def _decode(data: bytes, where: str) -> PolicyFile:
    try:
        return msgspec.convert(tomllib.loads(data.decode()), PolicyFile)
    except (
        tomllib.TOMLDecodeError,
        UnicodeDecodeError,
        msgspec.ValidationError,
    ) as error:
        # A policy is the operator's own, public text: it may be quoted.
        raise ConfigError(f"{where}: not a policy: {error}") from None
