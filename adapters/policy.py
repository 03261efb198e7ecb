"""The redaction policy: a file that people can read, compiled once. Pure.

Allow, never deny: a property that no row names is withheld. `Policy.seen_by` gives the
rules as one view meets them; `adapters.policy_file` is the form of the file,
`adapters.policy_checks` tells what in it contradicts itself or never applies.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, assert_never

import msgspec

from adapters import policy_checks
from adapters.policy_file import (
    Action,
    AudienceEntry,
    Gate,
    Limit,
    Pass,
    Role,
    Row,
    TimeGrain,
    WordList,
    read,
)
from adapters.view import View
from broker.directory import Audience
from broker.errors import ConfigError
from schemas import coarse, timestamps
from schemas.markings import Tlp
from schemas.record import Claims, natural_kind

__all__ = ["Action", "Policy", "Role", "Rule", "Rules", "TimeGrain"]

GENERAL: Final = "*"
_DAY_S: Final = 86_400


class Rule(msgspec.Struct, frozen=True):
    """What happens to a property, and the row that says so (from 1; 0: none).

    Attributes:
        limit: Number of the limit that made the row stricter (from 1; 0: none).
        only: Name of the list that bounds what passes; "" for none.
        approvals: How many persons must agree where the action is `hold`.
        meanwhile: What happens until they do.
    """

    action: Action
    row: int
    reason: str
    limit: int = 0
    only: str = ""
    approvals: int = 1
    meanwhile: Action = "drop"


NOT_NAMED: Final = Rule("drop", 0, "No row of the policy names this property.")

_Key = tuple[str, Role, str, str]
"""(type or "*", role, "concerned" or "", property)"""


class Policy:
    """A compiled policy.

    Attributes:
        name: `<id>/<version>/<first 12 of sha256>`.
        data: The file's bytes.
        sha256: Hex digest of the file's bytes; stands in every receipt.
        types: STIX types that a row names; objects of others are withheld.
        with_rows: Audiences with rows of their own, from the most to the least given.
        review_s: So long a part waits for persons to agree, then it is dropped.
    """

    def __init__(self, data: bytes, where: str) -> None:
        """Compile the bytes of a file.

        Args:
            where: What to call the file in errors.

        Raises:
            ConfigError: It is no policy, or contradicts itself; all that is wrong,
                a line each.
        """
        self.data = data
        self.file, self.lines = read(data, where)
        problems = policy_checks.problems(self.file, self.lines)
        if problems:
            raise ConfigError("\n".join(p.spelled(where) for p in problems))
        self.id, self.version = self.file.id, self.file.version
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.name = f"{self.id}/{self.version}/{self.sha256[:12]}"
        self.types = {t for row in self.file.row for t in row.types} - {GENERAL}
        self.review_s = self.file.review_days * _DAY_S
        self.audiences = {a.name: a for a in self.file.audience}
        self.with_rows = [n for n, a in self.audiences.items() if a.like is None]
        self._lists = {each.name: each for each in self.file.lists}
        self._words = {
            each.name: frozenset(word.casefold() for word in each.words)
            for each in self.file.lists
        }
        self._gates = {gate.mark: gate for gate in self.file.gate}
        self._of_audience = {name: self._compiled(name) for name in self.audiences}
        self._rules: dict[tuple[str, str, bool], Rules] = {}

    def __repr__(self) -> str:
        return f"Policy({self.name})"

    def row(self, number: int) -> Row:
        """Give row *number* (from 1)."""
        return self.file.row[number - 1]

    def reason(self, row: int, limit: int = 0) -> str:
        """Give the sentence of the row, or of the limit that made it stricter."""
        return (self.file.limit[limit - 1] if limit else self.row(row)).reason

    def delay_s(self, audience: Audience) -> int:
        """Tell how long after it was first seen an audience gets a record."""
        entry = self.audiences.get(audience)
        return entry.after_days * _DAY_S if entry else 0

    def narrower(self, audience: Audience) -> tuple[Audience, ...]:
        """List *audience* and those that get less: an object must outlast there, too."""
        if audience not in self.with_rows:
            return (audience,)
        return tuple(self.with_rows[self.with_rows.index(audience) :])

    def seen_by(self, view: View) -> "Rules":
        """Give the rules for a view; made once for all views that they treat alike."""
        return self.rules(view.audience, view.jurisdiction, concerned=view.concerned)

    def rules(
        self, audience: Audience, jurisdiction: str = "", *, concerned: bool = False
    ) -> "Rules":
        """Give the rules for all views of an audience under one law."""
        key = (audience, jurisdiction, concerned)
        found = self._rules.get(key)
        if found is None:
            found = self._rules[key] = Rules(
                self._of_audience.get(audience, {}),
                [
                    (number, limit)
                    for number, limit in enumerate(self.file.limit, 1)
                    if not limit.jurisdictions or jurisdiction in limit.jurisdictions
                ],
                self._lists,
                concerned=concerned,
                grain=self.audiences[audience].time
                if audience in self.audiences
                else "day",
                oldest_days=min(
                    (
                        each.days
                        for each in self.file.retention
                        if jurisdiction in each.jurisdictions
                    ),
                    default=None,
                ),
            )
        return found

    def words(self, name: str) -> frozenset[str]:
        """Give the words of a list, folded; none if there is no such list."""
        return self._words.get(name, frozenset())

    def gate(self, view: View, mark: str) -> tuple[Pass, int]:
        """Tell whom a mark lets pass in this audience, and how many must agree."""
        gate = self._gates.get(mark)
        if gate is None or view.audience not in self.audiences:
            return "nobody", 0
        return passes(gate, self.audiences[view.audience]), gate.approvals

    def refusal(self, view: View, claims: Claims, *, now: str) -> str | None:
        """Tell why the record as a whole is not for this view: a reason, or None.

        Args:
            now: RFC 3339.
        """
        if view.communities.isdisjoint(claims.aud):
            return "community"
        # What corrects or takes back a request says the same once more.
        for kind in dict.fromkeys((claims.kind, natural_kind(claims.sub))):
            if f"kind:{kind}" in self._gates:
                word, _ = self.gate(view, f"kind:{kind}")
                if not _lets_pass(word, view):
                    return "kind"
        days = self.seen_by(view).oldest_days
        if days is not None:
            age_s = timestamps.epoch(now) - timestamps.epoch(claims.ver)
            if age_s > days * _DAY_S:
                return "retention"
        return self.tlp_refusal(view, Tlp.parse(claims.tlp))

    def tlp_refusal(self, view: View, tlp: Tlp) -> str | None:
        """Apply the TLP gate to a record or a part of it: a reason, or None."""
        if tlp > view.clearance:
            return "tlp-clearance"
        word, _ = self.gate(view, f"TLP:{tlp.label}")
        if tlp is Tlp.RED:
            if not view.sealed:
                return "tlp-red"
            # To persons addressed, as AMBER+STRICT, if the directory clears them.
            word, _ = self.gate(view, f"TLP:{Tlp.AMBER_STRICT.label}")
        return None if _lets_pass(word, view) else _unmet(word, tlp)

    def _compiled(self, audience: Audience) -> dict[_Key, Rule]:
        entry = self.audiences[audience]
        return {
            (kind, row.role, row.when, name): Rule(
                action_of(row, entry),
                number,
                row.reason,
                only=row.only or "",
                approvals=row.approvals,
                meanwhile=row.meanwhile,
            )
            for number, row in enumerate(self.file.row, 1)
            for kind in row.types
            for name in row.properties
        }


def _lets_pass(word: Pass, view: View) -> bool:
    match word:
        case "cleared":
            return True
        case "affected":
            return view.addressed or view.concerned
        case "addressed":
            return view.addressed
        case "nobody" | "hold":
            return False
        case _:
            assert_never(word)


def _unmet(word: Pass, tlp: Tlp) -> str:
    if word == "affected" or tlp is Tlp.AMBER:
        return "tlp-need-to-know"
    if word == "addressed" or tlp is Tlp.AMBER_STRICT:
        return "tlp-addressed-only"
    return "tlp-audience"


def action_of(row: Row, audience: AudienceEntry) -> Action:
    """Tell what a row says of an audience."""
    own: Action | None = getattr(row, audience.name.replace("-", "_"))
    if own is None and audience.like is not None:
        own = getattr(row, audience.like.replace("-", "_"))
    return own or "drop"


def passes(gate: Gate, audience: AudienceEntry) -> Pass:
    """Tell what a gate says of an audience."""
    own: Pass | None = getattr(gate, audience.name.replace("-", "_"))
    if own is None and audience.like is not None:
        own = getattr(gate, audience.like.replace("-", "_"))
    return own or "nobody"


class Rules:
    """The rules as all views of one audience under one law meet them.

    Attributes:
        grain: How exact a generalised time is.
        oldest_days: How old a version may be at most; None: as old as it likes.
    """

    def __init__(
        self,
        rows: Mapping[_Key, Rule],
        limits: Iterable[tuple[int, Limit]],
        lists: Mapping[str, WordList],
        *,
        concerned: bool,
        grain: TimeGrain,
        oldest_days: int | None,
    ) -> None:
        self.grain: TimeGrain = grain
        self.oldest_days = oldest_days
        self._rows, self._lists = rows, lists
        self._when = ("concerned", "") if concerned else ("",)
        self._limits: dict[tuple[str, Role, str], list[tuple[int, Limit]]] = {}
        for number, limit in limits:
            for kind in limit.types:
                for name in limit.properties:
                    key = (kind, limit.role, name)
                    self._limits.setdefault(key, []).append((number, limit))
        self._found: dict[tuple[str, Role], dict[str, Rule]] = {}
        self._listed: dict[str, Listed] = {}

    def found(self, kind: str, role: Role) -> dict[str, Rule]:
        """Give the rules for one kind of objects that `of` has found so far, by name."""
        return self._found.setdefault((kind, role), {})

    def of(self, kind: str, role: Role, name: str) -> Rule:
        """Find the rule for a property; the most specific row wins, limits tighten it.

        Args:
            kind: STIX type.
            name: As `schemas.profile.spell` gives it. Of the issuer's own coarse
                values as well: what would be generalised, they are already.
        """
        of_kind = self._found.get((kind, role), {})
        found = of_kind.get(name)
        if found is None:
            base = name.removeprefix(coarse.PREFIX)
            found = self._limited(self._search(kind, role, base), kind, role, base)
            if base != name and found.action == "generalise":
                found = msgspec.structs.replace(found, action="keep")
            if found is not NOT_NAMED:  # of those an issuer can send without end
                self.found(kind, role)[name] = found
        return found

    def _search(self, kind: str, role: Role, name: str) -> Rule:
        for of_kind in (kind, GENERAL):
            for of_role in dict.fromkeys((role, _NO_ROLE)):
                for when in self._when:
                    rule = self._rows.get((of_kind, of_role, when, name))
                    if rule is not None:
                        return rule
        return NOT_NAMED

    def _limited(self, rule: Rule, kind: str, role: Role, name: str) -> Rule:
        for number, limit in self._limits_of(kind, role, name):
            action = stricter(rule.action, limit.at_most)
            if action != rule.action:
                rule = msgspec.structs.replace(
                    rule, action=action, limit=number, reason=limit.reason
                )
        return rule

    def _limits_of(
        self, kind: str, role: Role, name: str
    ) -> Iterator[tuple[int, Limit]]:
        for of_kind in (kind, GENERAL):
            for of_role in dict.fromkeys((role, _NO_ROLE)):
                for of_name in (name, GENERAL):
                    yield from self._limits.get((of_kind, of_role, of_name), ())

    def listed(self, only: str) -> "Listed":
        """Give the test whether a word is on the list *only*; case does not matter."""
        found = self._listed.get(only)
        if found is None:
            found = self._listed[only] = self._made_list(only)
        return found

    def _made_list(self, only: str) -> "Listed":
        words = [word.casefold() for word in self._lists[only].words]
        exact = frozenset(words)
        starts = tuple(word[:-1] for word in words if word.endswith("*"))

        def is_on(word: str) -> bool:
            folded = word.strip().casefold()
            return folded in exact or folded.startswith(starts)

        return is_on


Listed = Callable[[str], bool]
_NO_ROLE: Final[Role] = ""


def stricter(one: Action, other: Action) -> Action:
    """Give the stricter of two actions; `drop` where neither is the stricter.

    `keep` is laxer than all others and `drop` stricter; `defang` is laxer than what
    makes a value, since the evidence shows it.
    """
    if other in (one, "keep"):
        return one
    if one == "keep":
        return other
    if one == "defang" and other in _MAKES:
        return other
    if other == "defang" and one in _MAKES:
        return one
    return "drop"


_MAKES: Final = frozenset({"generalise", "pseudonymise"})
