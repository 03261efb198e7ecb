"""What a row of a Shadowserver report says of a host: observables and a place."""

import ipaddress
import re
from typing import Any, Final

from adapters.sources.found import Collected, derived_id
from adapters.sources.shadowserver_rows import Row
from schemas import timestamps

_MAX_PORT: Final = 65_535
_MAX_AS: Final = 2**32 - 1
_HOST: Final = re.compile(r"[^\s/@:,;<>\"'\\()]{1,253}")
_MAC: Final = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")
# ISO 3166-1 reserves these for the two countries; they are not their codes.
_COUNTRIES: Final = {"UK": "GB", "EL": "GR"}
_HASHES: Final = {  # STIX 2.1, Hashing Algorithm Vocabulary; digits
    "md5": ("MD5", 32),
    "sha1": ("SHA-1", 40),
    "sha256": ("SHA-256", 64),
    "sha512": ("SHA-512", 128),
}
# RFC 4514, 3; other parts of a subject may be about a person and stay in the row.
_NAME_PARTS: Final = {
    "common_name": "CN",
    "organization_unit_name": "OU",
    "organization_name": "O",
    "locality_name": "L",
    "state_or_province_name": "ST",
    "country": "C",
}
_ESCAPED: Final = re.compile(r'([,+"\\<>;])')
# In these reports the host is the one that called; in scans, the one called.
_CALLING: Final = ("dst_ip", "dst_port", "cc_ip", "infection")


def moment(text: str) -> str | None:
    """Read a time; all times of Shadowserver are in UTC, also without a Z."""
    return timestamps.utc(text) or timestamps.utc(f"{text}Z")


def observe(row: Row, made: Collected, time: str) -> list[str]:
    """Take what a row says of a host: the ids of its observables.

    The place of the host becomes an object too, related to it.
    """
    is_calling = row.side != "" or any(map(row.has, _CALLING))
    address = _address(row, made, f"{row.side}ip")
    name = _name(row, made, f"{row.side}hostname")
    other = _address(row, made, "dst_ip")
    host = address or name
    found = [address, name, other, _system(row, made), _mac(row, made)]
    if host is not None and row.has("protocol"):
        found.append(_traffic(row, made, host, other, is_calling=is_calling))
    found.append(_certificate(row, made))
    _locate(row, made, host, time)
    return [each for each in dict.fromkeys(found) if each is not None]


def _address(row: Row, made: Collected, column: str) -> str | None:
    text = row.text(column)
    if not text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or "%" in text:  # a zone means something on one host alone
        row.lose_cell(column, "an address")
        return None
    kind = f"ipv{address.version}-addr"
    return made.observable(kind, row.where, "value", value=str(address))


def _name(row: Row, made: Collected, column: str) -> str | None:
    text = row.text(column).rstrip(".")
    if not text:
        return None
    if _HOST.fullmatch(text) is None:
        row.lose_cell(column, "a name of a host")
        return None
    return made.observable("domain-name", row.where, "value", value=text)


def _system(row: Row, made: Collected) -> str | None:
    column = f"{row.side}asn"
    text = row.text(column).upper().removeprefix("AS")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        row.lose_cell(column, "the number of an autonomous system")
        return None
    if int(text) > _MAX_AS:
        row.lose_cell(column, "the number of an autonomous system")
        return None
    number = int(text)
    return made.observable("autonomous-system", row.where, "number", number=number)


def _mac(row: Row, made: Collected) -> str | None:
    text = row.text("mac_address").lower().replace("-", ":")
    if not text:
        return None
    if _MAC.fullmatch(text) is None:
        row.lose_cell("mac_address", "an address such as 00:00:5e:00:53:01")
        return None
    return made.observable("mac-addr", row.where, "value", value=text)


def _traffic(
    row: Row, made: Collected, host: str, other: str | None, *, is_calling: bool
) -> str | None:
    port = _port(row, f"{row.side}port")
    ends: dict[str, Any] = {"dst_ref": host, "dst_port": port}
    if is_calling:
        ends = {"src_ref": host, "src_port": port}
        ends |= {"dst_ref": other, "dst_port": _port(row, "dst_port")}
    members = {"protocols": [row.text("protocol").lower()], **ends}
    return made.observable("network-traffic", row.where, *members, **members)


def _port(row: Row, column: str) -> int | None:
    port = row.number(column)
    if port is not None and not 0 <= port <= _MAX_PORT:
        row.lose_cell(column, "a port")
        return None
    return port


def _certificate(row: Row, made: Collected) -> str | None:
    members: dict[str, Any] = {
        "hashes": _fingerprints(row),
        "serial_number": row.text("cert_serial_number"),
        "subject": _distinguished(row, "subject"),
        "issuer": _distinguished(row, "issuer"),
        "validity_not_before": _kept_moment(row, "cert_issue_date"),
        "validity_not_after": _kept_moment(row, "cert_expiration_date"),
    }
    members = {name: value for name, value in members.items() if value}
    if not members:
        return None
    members |= {
        "signature_algorithm": row.text("signature_algorithm"),
        "subject_public_key_algorithm": row.text("key_algorithm"),
        "is_self_signed": _yes_or_no(row, "self_signed"),
    }
    return made.observable("x509-certificate", row.where, *members, **members)


def _yes_or_no(row: Row, column: str) -> bool | None:
    """Take a Y or an N; what is neither stays in the row."""
    text = row.text(column)
    found = {"Y": True, "N": False}.get(text)
    if found is None:
        row.put(column, text)
    return found


def _fingerprints(row: Row) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, (algorithm, digits) in _HASHES.items():
        column = f"{name}_fingerprint"
        text = row.text(column)
        value = text.replace(":", "").lower()
        if len(value) == digits and set(value) <= set("0123456789abcdef"):
            found[algorithm] = value
        elif text:
            row.lose_cell(column, f"{digits} hexadecimal digits")
    return found


def _distinguished(row: Row, whose: str) -> str:
    parts = [
        (short, row.text(f"{whose}_{name}")) for name, short in _NAME_PARTS.items()
    ]
    return ", ".join(f"{name}={_escape(text)}" for name, text in parts if text)


def _escape(text: str) -> str:
    return _ESCAPED.sub(r"\\\1", text)


def _kept_moment(row: Row, column: str) -> str | None:
    """Take a time; one written otherwise stays in the row."""
    text = row.text(column)
    found = moment(text)
    if text and found is None:
        row.put(column, text)
    return found


def _locate(row: Row, made: Collected, host: str | None, time: str) -> None:
    text = row.text(f"{row.side}geo")
    country = _COUNTRIES.get(text.upper(), text.upper())
    if text and _COUNTRY.fullmatch(text) is None:
        row.lose_cell(f"{row.side}geo", "a country as in ISO 3166-1")
        country = ""
    elif country != text.upper():
        row.put(f"{row.side}geo", text)
    area, city = row.text(f"{row.side}region"), row.text(f"{row.side}city")
    if not (country or area or city):
        return
    location = made.add(
        {
            "type": "location",
            "id": derived_id("location", country, area, city),
            "created": time,
            "country": country,
            "administrative_area": area,
            "city": city,
        },
        row.where,
    )
    if host is not None and location is not None:
        made.add(
            {
                "type": "relationship",
                "id": derived_id("relationship", "located-at", host, location),
                "created": time,
                "relationship_type": "located-at",
                "source_ref": host,
                "target_ref": location,
            },
            row.where,
        )
