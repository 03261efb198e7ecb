"""Shadowserver's reports, CSV or JSON: one report, an observation for each row.

The hosts in them belong to those who are warned: victims and owners of networks. So
nothing here says that they attack, and policies treat them as a victim's. A report
it is, not a grouping: Shadowserver publishes it as one, with a type and a day.

What has no property in STIX stays with its observation under `x_shadowserver`: it
travels, and is shown only where a policy says so.
"""

import re
from typing import Final

from adapters.sources.found import Collected, Found, derived_id
from adapters.sources.shadowserver_hosts import moment, observe
from adapters.sources.shadowserver_rows import Row, is_report, rows_of
from adapters.sources.source import Input, Source
from schemas import timestamps
from schemas.codec import encode_json
from schemas.errors import SchemaError
from schemas.findings import Findings
from schemas.record import MAX_OBJECTS

# 2026-11-02-scan_ssl-<list>-<country>: what follows the type may name a customer.
_TYPE: Final = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}-|report_type_|)([a-z][a-z0-9_]{2,60})(?:-.*)?"
)
_KINDS: Final = (
    "blocklist", "compromised", "ddos", "device_id", "event", "malware", "phish",
    "population", "sandbox", "scan", "special",
)  # fmt: skip
_SPELLED: Final = """
    asn cert_expiration_date cert_issue_date cert_serial_number city dst_ip dst_port
    family geo hostname infection ip issuer_common_name issuer_country
    issuer_locality_name issuer_organization_name issuer_organization_unit_name
    issuer_state_or_province_name key_algorithm mac_address md5_fingerprint naics port
    protocol region sector self_signed severity sha1_fingerprint sha256_fingerprint
    sha512_fingerprint signature_algorithm src_asn src_city src_geo src_hostname src_ip
    src_naics src_port src_region src_sector subject_common_name subject_country
    subject_locality_name subject_organization_name subject_organization_unit_name
    subject_state_or_province_name tag timestamp
"""
_NAMES: Final = frozenset(_SPELLED.split())
_LABELS: Final = ("severity", "infection", "family")


def _read(given: Input) -> Found:
    losses = Findings()
    made = Collected(losses, when=given.when)
    times: set[str] = set()
    observed: list[str] = []
    for row in rows_of(given, losses, _NAMES):
        time = moment(row.text("timestamp"))
        if time is None:
            row.lose_cell("timestamp", "a time such as 2026-11-02 08:15:00")
            row.lose("unusable", "a time")
            continue
        found = _observed(row, made, time)
        if found is not None:
            observed.append(found)
            times.add(time)
        if len(made) >= MAX_OBJECTS:
            raise SchemaError("too-many-objects", row.where)
    if not observed:
        raise SchemaError("no-objects")
    newest = max(times, key=timestamps.key)
    kind = _type_of(given.name)
    primary = made.add(
        {
            "type": "report",
            # Of its contents: the same file again is the same version.
            "id": derived_id("report", "shadowserver", kind, *observed),
            "created": newest,
            "published": newest,
            "name": " ".join(filter(None, ("Shadowserver report", kind, newest[:10]))),
            "report_types": ["observed-data"],
            "labels": [f'shadowserver:report="{kind}"'] if kind else [],
            "object_refs": made.ids(),
        },
        "$" if given.is_json else "row 1",
    )
    return made.found(primary)


def _observed(row: Row, made: Collected, time: str) -> str | None:
    refs = observe(row, made, time)
    if not refs:
        row.lose("unusable", "an address or a name of a host")
        return None
    labels = [
        f'shadowserver:{name}="{value}"'
        for name in _LABELS
        if (value := row.text(name))
    ]
    labels += (f'shadowserver:tag="{tag}"' for tag in row.text("tag").split(";") if tag)
    rest = row.rest()
    own = derived_id("observed-data", encode_json([time, refs, labels, rest]).decode())
    if own in made:
        row.lose("repeated")
        return None
    return made.add(
        {
            "type": "observed-data",
            "id": own,
            "created": time,
            "first_observed": time,
            "last_observed": time,
            "number_observed": 1,
            "labels": list(dict.fromkeys(labels)),
            "object_refs": refs,
            "x_shadowserver": rest,
        },
        row.where,
    )


def _type_of(name: str) -> str:
    """Read the type of the report off the name of its file; "" if it is not told."""
    found = _TYPE.fullmatch(name)
    return found[1] if found is not None and found[1].startswith(_KINDS) else ""


SOURCE: Final = Source(
    name="shadowserver",
    title="Shadowserver's reports: CSV, or a JSON list of rows",
    recognises=is_report,
    read=_read,
)
