"""What reading a MISP event has made so far, and how more is added to that."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from adapters.sources.found import Collected, Found, Intake, derived_id
from adapters.sources.misp_values import Tree, moment
from schemas.errors import SchemaError
from schemas.findings import Finding, Findings
from schemas.markings import TLP_IDS, Tlp
from schemas.record import MAX_OBJECTS
from schemas.stix import OBSERVABLE_TYPES

# Every element of a list costs time, also one that gives no object.
_MOST_ELEMENTS: Final = 5 * MAX_OBJECTS
_UUID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z"
)
_REFS: Final = {tlp: [marking] for tlp, marking in TLP_IDS.items()}

# Row numbers, switches and counters of the sender's own system.
_LOCAL: Final = frozenset(
    {
        "CryptographicKey", "Feed", "Org", "RelatedAttribute", "Server", "SharingGroup",
        "attribute_count", "attribute_id", "attribute_uuid", "batch_import",
        "collection_uuid", "correlation_exclusion", "decay_score", "default",
        "disable_correlation", "event_id", "event_uuid", "galaxy_cluster_id",
        "galaxy_id", "id", "local", "locked", "object_id", "object_uuid", "old_id",
        "org_id", "orgc_id", "proposal_email_lock", "protected", "referenced_id",
        "referenced_type", "sharing_group_id", "sighting_timestamp", "source_uuid",
        "tag_id", "template_uuid", "template_version", "user_id", "warnings",
    }
)  # fmt: skip
_PERSONS: Final = frozenset(
    {
        "Note", "Opinion", "Relationship", "User", "authors", "creator_email",
        "event_creator_email",
    }
)  # fmt: skip

NAMES: Final = _LOCAL.union(
    _PERSONS,
    (
        "Attribute", "Event", "EventReport", "Galaxy", "GalaxyCluster",
        "GalaxyClusterRelation", "GalaxyElement", "ISO", "Object", "ObjectReference",
        "Organisation", "Orgc", "RelatedEvent", "ShadowAttribute", "Sighting", "Tag",
        "analysis", "category", "cfr-suspected-state-sponsor", "cfr-suspected-victims",
        "cfr-target-category", "cfr-type-of-incident", "comment", "content", "country",
        "data", "date", "date_sighting", "deleted", "description", "distribution",
        "exportable", "extends_uuid", "external_id", "first_seen", "icon", "info",
        "iso-code", "kill_chain", "kill_chain_order", "last_seen", "meta",
        "meta-category", "mitre_data_sources", "mitre_platforms", "name", "namespace",
        "object_relation", "publish_timestamp", "published", "referenced_uuid", "refs",
        "relationship_type", "response", "source", "status", "synonyms", "tag_name",
        "threat_level_id", "timestamp", "to_ids", "type", "uuid", "value", "version",
    ),
)  # fmt: skip
"""Member names of the format, which places may spell."""


class Context(NamedTuple):
    """What something is part of.

    Attributes:
        tlp: Its mark.
        when: Time of its last change.
    """

    tlp: Tlp | None
    when: str


class _Group(NamedTuple):
    where: str
    labels: Sequence[str]
    comment: str
    tlp: Tlp | None
    refs: list[str]
    times: list[str]
    changed: list[str]


class Making:
    """The objects made of one event, with what is needed to make more."""

    def __init__(
        self, losses: Findings, *, own: str, when: str, is_small: bool
    ) -> None:
        """Begin with none.

        Args:
            own: UUID of the event, if it gives none itself.
            when: RFC 3339, for what has no time.
            is_small: No text of the input, and none made of it, can be too long.
        """
        self.losses = losses
        self.own = own
        self.tlp: Tlp | None = None
        self.report = f"report--{own}"
        self.author: str | None = None
        self.references: list[dict[str, str]] = []
        self.by_uuid: dict[str, str] = {}
        self._made = Collected(losses, when=when, is_checked=is_small)
        self._marks: dict[str, Tlp | None] = {}
        self._groups: dict[str, _Group] = {}
        self._clusters: dict[str, str] = {}
        self._local: dict[str, tuple[str, int]] = {}
        self._uuids: set[str] = set()
        self._elements = _MOST_ELEMENTS

    def begin(self, event: Intake, tlp: Tlp | None) -> None:
        """Take the UUID of the event, marked *tlp*."""
        if event.has("uuid"):
            self.own, _ = self.uuid(event)
        self.tlp = tlp
        self.report = f"report--{self.own}"
        self._marks[self.report] = tlp

    # --- reading

    def each(self, thing: Intake, name: str) -> Iterator[Intake]:
        """Take a list of objects, one by one.

        Raises:
            SchemaError: `too-many-objects`.
        """
        if not thing.has(name):
            thing.ignore(name)
            return
        for item in thing.items(name):
            self._elements -= 1
            if self._elements < 0:
                raise SchemaError("too-many-objects", item.where)
            yield item

    def uuid(self, thing: Intake) -> tuple[str, str]:
        """Take a UUID: one that nothing else has, and the text that stands there."""
        text = thing.text("uuid").lower()
        if not is_uuid(text) or text in self._uuids:
            return uuid_of(self.own, thing.where), text
        self._uuids.add(text)
        return text, text

    def moment(self, thing: Intake, name: str) -> str | None:
        """Take a time; None if there is none."""
        text = thing.text(name)
        if text in ("", "0"):
            return None
        known = moment(text)
        if known is None:
            self.losses.add("bad-value", thing.place(name), "a time")
        return known

    def close(self, thing: Intake) -> None:
        """List what nobody took of *thing*."""
        for name, value in thing.remaining():
            if name in _LOCAL:
                if value not in (False, "0"):
                    where, count = self._local.get(name) or (thing.place(name), 0)
                    self._local[name] = (where, count + 1)
            else:
                rule = "person-left-out" if name in _PERSONS else "no-equivalent"
                self.losses.add(rule, thing.place(name))

    # --- making

    def add(self, body: dict[str, Any], tlp: Tlp | None, where: str) -> str | None:
        """Add an object with its mark and author: its id, None if it is not valid.

        Where there is one of the same id, that stays.
        """
        if tlp is not None:
            body["object_marking_refs"] = _REFS[tlp]
        if body["type"] not in OBSERVABLE_TYPES:
            body.setdefault("created_by_ref", self.author)
        added = self._made.add(body, where)
        if added is not None:
            self._marks.setdefault(added, tlp)
        return added

    def is_named(self, stix_id: str, name: str) -> bool:
        """Tell whether an id is that of this cluster: the first to ask gets it."""
        return self._clusters.setdefault(stix_id, name) == name

    def observe(
        self, tree: Tree, tlp: Tlp | None, where: str, uuid: str, stix_id: str = ""
    ) -> list[str]:
        """Add an observable and those it refers to: their ids, its own first.

        Args:
            stix_id: Its id; "" derives one from *uuid*.
        """
        stix_id = stix_id or derived_id(tree.kind, uuid, str(tree.members))
        body = {"type": tree.kind, "id": stix_id, **tree.members}
        below: list[str] = []
        for name, inner in tree.nested():
            ids = self.observe(inner, tlp, where, uuid)
            below += ids
            if name.endswith("_refs"):
                body.setdefault(name, []).extend(ids[:1])
            elif ids:
                body[name] = ids[0]
        own = self.add(body, tlp, where)
        return below if own is None else [own, *below]

    def relate(
        self,
        kind: str,
        ends: tuple[str, str],
        where: str,
        when: str,
        *,
        description: str = "",
    ) -> None:
        """Add a relationship from the first to the second end, marked as the stricter."""
        source, target = ends
        self.add(
            {
                "type": "relationship",
                "id": derived_id("relationship", kind, source, target),
                "relationship_type": kind,
                "source_ref": source,
                "target_ref": target,
                "description": description,
                "created": when,
            },
            strictest([self._marks[source], self._marks[target]]),
            where,
        )

    def group(
        self,
        refs: list[str],
        *,
        labels: Sequence[str],
        comment: str,
        tlp: Tlp | None,
        times: Sequence[str],
        when: str,
        where: str,
        uuid: str = "",
    ) -> str:
        """Note observables: those of which the same is said share an observed-data.

        Args:
            times: At which they were seen, at least one.
            when: Time of the last change.
            uuid: Of the observed-data, if it is to be for these alone.

        Returns:
            The id of the observed-data, which `found` adds.
        """
        key = derived_id("observed-data", self.own, *labels, comment, str(tlp))
        key = f"observed-data--{uuid}" if uuid else key
        group = self._groups.setdefault(
            key, _Group(where, labels, comment, tlp, [], [], [])
        )
        group.refs.extend(refs)
        group.times.extend(times)
        group.changed.append(when)
        self._marks.setdefault(key, tlp)
        return key

    def note(
        self,
        content: str,
        refs: Sequence[str],
        *,
        uuid: str,
        tlp: Tlp | None,
        when: str,
        where: str,
        **members: Any,
    ) -> str | None:
        """Add a note, on the report if *refs* are empty."""
        body = {
            "type": "note",
            "id": f"note--{uuid}",
            "created": when,
            "content": content,
            "object_refs": list(dict.fromkeys(refs)) or [self.report],
            **members,
        }
        return self.add(body, tlp, where)

    def organisation(
        self, thing: Intake | None, tlp: Tlp | None, when: str
    ) -> str | None:
        """Add an organisation: its id, None if there is none."""
        if thing is None:
            return None
        name, uuid = thing.text("name"), thing.text("uuid").lower()
        self.close(thing)
        if not name:
            return None
        known = is_uuid(uuid)
        body = {
            "type": "identity",
            "id": f"identity--{uuid}" if known else derived_id("identity", name),
            "created": when,
            "name": name,
            "identity_class": "organization",
        }
        return self.add(body, tlp, thing.where)

    # --- the end

    def finish(self) -> list[str]:
        """Add what waited for the rest: the ids of all that was made."""
        for key, group in self._groups.items():
            when = max(group.changed, key=in_order)
            # A list has no order in time.
            body = {
                "type": "observed-data",
                "id": key,
                "created": when,
                "labels": list(group.labels),
                "first_observed": min(group.times, key=in_order),
                "last_observed": max(group.times, key=in_order),
                "number_observed": 1,
                "object_refs": list(dict.fromkeys(group.refs)),
            }
            added = self.add(body, group.tlp, group.where)
            if added is not None and group.comment:
                self.note(
                    group.comment,
                    [added],
                    uuid=uuid_of("note", key),
                    tlp=group.tlp,
                    when=when,
                    where=group.where,
                )
        for where, count in self._local.values():
            self.losses.put(Finding("local-only", where, "", count))
        return self._made.ids()

    def found(self, primary: str | None) -> Found:
        """Give everything."""
        return self._made.found(primary)


def is_uuid(text: str) -> bool:
    """Tell whether STIX takes *text* as the UUID of an id."""
    return _UUID.match(text) is not None


def uuid_of(*parts: str) -> str:
    """Derive a UUID."""
    return derived_id("any", *parts).removeprefix("any--")


def in_order(when: str) -> str:
    """Give what sorts as the times of `moment` do: `…:00.5Z` is after `…:00Z`."""
    return when[:-1]


def strictest(marks: Sequence[Tlp | None]) -> Tlp | None:
    """Give the strictest mark of parts that become one.

    What has none may become any up to AMBER+STRICT, so less than that says nothing
    beside it.
    """
    known = max((mark for mark in marks if mark is not None), default=None)
    if None in marks and (known is None or known < Tlp.AMBER_STRICT):
        return None
    return known
