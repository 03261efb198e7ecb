"""The cyber-observables of STIX 2.0: inside observed data there, objects in 2.1."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.sources.found import Collected, derived_id, observable_id
from adapters.sources.stix20_differences import reselect
from schemas import stix
from schemas.errors import SchemaError
from schemas.findings import Findings
from schemas.record import MAX_OBJECTS

# STIX 2.1, Cyber-observable Objects: renamed since 2.0.
_TIMES: Final = {"created": "ctime", "modified": "mtime", "accessed": "atime"}
_RENAMED: Final[dict[str, dict[str, str]]] = {
    "directory": _TIMES,
    "file": _TIMES,
    "process": {"created": "created_time", "binary_ref": "image_ref"},
    "user-account": {"password_last_changed": "credential_last_changed"},
    "windows-registry-key": {"modified": "modified_time"},
}
# STIX 2.1: the ID Contributing Properties of each type.
_CONTRIBUTING: Final = {
    kind: names.split()
    for kind, names in {
        "artifact": "hashes payload_bin",
        "autonomous-system": "number",
        "directory": "path",
        "domain-name": "value",
        "email-addr": "value",
        "email-message": "from_ref subject body",
        "file": "hashes name extensions parent_directory_ref",
        "ipv4-addr": "value",
        "ipv6-addr": "value",
        "mac-addr": "value",
        "mutex": "name",
        "network-traffic": "start end src_ref dst_ref src_port dst_port protocols "
        "extensions",
        "software": "name cpe swid vendor version",
        "url": "value",
        "user-account": "account_type user_id account_login",
        "windows-registry-key": "key values",
        "x509-certificate": "hashes serial_number",
    }.items()
}
_MARKS: Final = "object_marking_refs"


class Observables:
    """Observables of all observed data of an input, each once."""

    def __init__(self, losses: Findings) -> None:
        """Begin with none."""
        self._losses = losses
        self._bodies: dict[str, dict[str, Any]] = {}
        self._places: dict[str, str] = {}

    def take_out(self, body: dict[str, Any], where: str) -> None:
        """Replace the observables inside *body* by references to objects.

        Raises:
            SchemaError: `too-many-objects`.
        """
        inner = body.get("objects")
        if type(inner) is not dict or "object_refs" in body:
            return
        try:
            stix.decode_object(body, where)
        except SchemaError:
            return  # it will be left out, and its observables with it
        marks = _marks_of(body)
        del body["objects"]
        place = f"{where}.objects[...]"
        local = dict(self._written(inner, place))
        ids = _ids(local, body["id"])
        self._list_dangling(local, ids, place)
        bodies = _objects(local, ids, marks)
        if not self._fit(bodies):
            # Another says otherwise of what has the same id: these are others, then.
            ids = {key: _local_id(local, body["id"], key) for key in local}
            bodies = _objects(local, ids, marks)
        for each in bodies:
            self._keep(each, place)
        body["object_refs"] = [i for i in dict.fromkeys(ids.values()) if self._has(i)]
        reselect(
            body,
            lambda selector: ["object_refs"] if _is_inside(selector) else [selector],
        )

    def give(self, made: Collected) -> None:
        """Add all that were taken out."""
        for own, body in self._bodies.items():
            made.add(body, self._places[own])

    # ---------------------------------------------------------- in detail

    def _written(
        self, inner: Mapping[str, Any], place: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for key, value in inner.items():
            if type(value) is not dict or not _is_type(value.get("type")):
                self._losses.add("unusable", place)
                continue
            if "id" in value:
                self._losses.add("no-equivalent", f"{place}.id")
            renamed = _RENAMED.get(value["type"], {})
            yield (
                key,
                {
                    name if renamed.get(name, name) in value else renamed[name]: inner
                    for name, inner in value.items()
                },
            )

    def _list_dangling(self, value: Any, ids: Mapping[str, str], place: str) -> None:
        if type(value) is list:
            for each in value:
                self._list_dangling(each, ids, place)
        elif type(value) is dict:
            for name, inner in value.items():
                keys = _keys(name, inner)
                if keys is None:
                    self._list_dangling(inner, ids, place)
                for key in keys or ():
                    if _is_local(key) and key not in ids:
                        self._losses.add("dangling", place)

    def _fit(self, bodies: list[dict[str, Any]]) -> bool:
        """Tell whether no two of one id contradict each other."""
        seen: dict[str, dict[str, Any]] = {}
        for body in bodies:
            own = body["id"]
            known = self._bodies.get(own, {}) | seen.get(own, {})
            if any(
                known.get(name, value) != value
                for name, value in body.items()
                if name != _MARKS
            ):
                return False
            seen[own] = known | body
        return True

    def _keep(self, body: dict[str, Any], place: str) -> None:
        own = body["id"]
        known = self._bodies.get(own, {})
        if len(self._bodies) >= MAX_OBJECTS:
            raise SchemaError("too-many-objects", place)
        if not body[_MARKS]:
            del body[_MARKS]
        try:
            stix.check_required(stix.decode_object(body, place), place)
        except SchemaError:
            self._losses.add("unusable", place)
            return
        self._places.setdefault(own, place)
        marks = [*known.get(_MARKS, ()), *body.get(_MARKS, ())]
        # All that any of them is marked with: the strictest wins when it is composed.
        self._bodies[own] = {**known, **body, _MARKS: list(dict.fromkeys(marks))}

    def _has(self, own: str) -> bool:
        return own in self._bodies


def _objects(
    local: Mapping[str, dict[str, Any]], ids: Mapping[str, str], marks: list[str]
) -> list[dict[str, Any]]:
    return [
        {
            **_referring(body, ids),
            "id": ids[key],
            "spec_version": "2.1",
            _MARKS: _joined(body.get(_MARKS, []), marks),
        }
        for key, body in local.items()
    ]


def _referring(value: Any, ids: Mapping[str, str]) -> Any:
    """Write references as ids, and hashes as 2.1 names them, at any depth."""
    if type(value) is list:
        return [_referring(each, ids) for each in value]
    if type(value) is not dict:
        return value
    new: dict[str, Any] = {}
    for name, inner in value.items():
        keys = _keys(name, inner)
        if keys is not None:
            found = [
                ids[key] if _is_local(key) else key
                for key in keys
                if not _is_local(key) or key in ids
            ]
            if found:
                new[name] = found if type(inner) is list else found[0]
        elif name == "hashes" and type(inner) is dict:
            new[name] = {("SSDEEP" if k == "ssdeep" else k): inner[k] for k in inner}
        else:
            new[name] = _referring(inner, ids)
    return new


def _keys(name: str, value: Any) -> list[Any] | None:
    """Give the keys that a member refers to; None if it is no reference."""
    if name.endswith("_ref") and type(value) is str:
        return [value]
    return value if name.endswith("_refs") and type(value) is list else None


def _is_local(key: Any) -> bool:
    return type(key) is str and "--" not in key  # else an id already, or not valid


def _is_type(value: Any) -> bool:
    return type(value) is str and value != ""


def _joined(own: Any, marks: list[Any]) -> Any:
    # What is not valid stays, and is refused: no mark is lost.
    return [*own, *marks] if type(own) is list else own


def _is_inside(selector: str) -> bool:
    return selector.partition(".")[0] == "objects"


def _marks_of(body: Mapping[str, Any]) -> list[str]:
    """List the marks of all observables in *body*: its own, and those of any of them.

    One that marks a part counts for all: parts become objects, and none may be
    shown because a place was read differently.
    """
    marks = list(body.get(_MARKS, ()))
    for marking in body.get("granular_markings", ()):
        if "marking_ref" in marking and any(map(_is_inside, marking["selectors"])):
            marks.append(marking["marking_ref"])
    return marks


def _ids(local: Mapping[str, dict[str, Any]], owner: str) -> dict[str, str]:
    """Give each observable the id that derives from its values, if it has such.

    References count if they lead to what is identified by plain values; what they
    lead to else may lead back.
    """
    parts = {
        key: {n: body[n] for n in _CONTRIBUTING.get(body["type"], ()) if n in body}
        for key, body in local.items()
    }
    ids: dict[str, str] = {}
    for key, values in parts.items():
        if values and not any(map(_is_reference, values)):
            ids[key] = observable_id(local[key]["type"], values)
    plain = dict(ids)
    for key, values in parts.items():
        if key in ids:
            continue
        known = {
            n: (plain.get(v) if _is_reference(n) and type(v) is str else v)
            for n, v in values.items()
        }
        ids[key] = (
            observable_id(local[key]["type"], known)
            if known and None not in known.values()
            else _local_id(local, owner, key)
        )
    return ids


def _is_reference(name: str) -> bool:
    return name.endswith("_ref")


def _local_id(local: Mapping[str, dict[str, Any]], owner: str, key: str) -> str:
    return derived_id(local[key]["type"], owner, key)
