"""Cyber-observables: facts about networks and hosts (STIX 2.1, Cyber-observable Objects).

They have no versions, and most ids are derived from the values (UUIDv5).
"""

from msgspec import UNSET, UnsetType

from schemas.stix.core import StixObject
from schemas.stix.values import Count, Id, Ids, Open, Opens, Port, Texts, Timestamp
from schemas.vocabularies.words import EncryptionAlgorithm


class Artifact(StixObject, frozen=True, kw_only=True, tag="artifact"):
    """Bytes: here (at most `MAX_TEXT_CHARS` of base64) or behind a URL."""

    mime_type: str | UnsetType = UNSET
    payload_bin: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    hashes: Open | UnsetType = UNSET
    encryption_algorithm: EncryptionAlgorithm | UnsetType = UNSET
    decryption_key: str | UnsetType = UNSET


class AutonomousSystem(StixObject, frozen=True, kw_only=True, tag="autonomous-system"):
    """An AS of the internet."""

    number: Count | UnsetType = UNSET
    name: str | UnsetType = UNSET
    rir: str | UnsetType = UNSET


class Directory(StixObject, frozen=True, kw_only=True, tag="directory"):
    """A folder of a file system."""

    path: str | UnsetType = UNSET
    path_enc: str | UnsetType = UNSET
    ctime: Timestamp | UnsetType = UNSET
    mtime: Timestamp | UnsetType = UNSET
    atime: Timestamp | UnsetType = UNSET
    contains_refs: Ids | UnsetType = UNSET


class DomainName(StixObject, frozen=True, kw_only=True, tag="domain-name"):
    """A name of the DNS."""

    value: str | UnsetType = UNSET
    resolves_to_refs: Ids | UnsetType = UNSET


class EmailAddr(StixObject, frozen=True, kw_only=True, tag="email-addr"):
    """A mail address; `display_name` often repeats it."""

    value: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    belongs_to_ref: Id | UnsetType = UNSET


class EmailMessage(StixObject, frozen=True, kw_only=True, tag="email-message"):
    """A mail."""

    is_multipart: bool | UnsetType = UNSET
    date: Timestamp | UnsetType = UNSET
    content_type: str | UnsetType = UNSET
    from_ref: Id | UnsetType = UNSET
    sender_ref: Id | UnsetType = UNSET
    to_refs: Ids | UnsetType = UNSET
    cc_refs: Ids | UnsetType = UNSET
    bcc_refs: Ids | UnsetType = UNSET
    message_id: str | UnsetType = UNSET
    subject: str | UnsetType = UNSET
    received_lines: Texts | UnsetType = UNSET
    additional_header_fields: Open | UnsetType = UNSET
    body: str | UnsetType = UNSET
    body_multipart: Opens | UnsetType = UNSET
    raw_email_ref: Id | UnsetType = UNSET


class File(StixObject, frozen=True, kw_only=True, tag="file"):
    """A file; the hashes of a known private picture identify it.

    Attributes:
        size: Bytes.
    """

    hashes: Open | UnsetType = UNSET
    size: Count | UnsetType = UNSET
    name: str | UnsetType = UNSET
    name_enc: str | UnsetType = UNSET
    magic_number_hex: str | UnsetType = UNSET
    mime_type: str | UnsetType = UNSET
    ctime: Timestamp | UnsetType = UNSET
    mtime: Timestamp | UnsetType = UNSET
    atime: Timestamp | UnsetType = UNSET
    parent_directory_ref: Id | UnsetType = UNSET
    contains_refs: Ids | UnsetType = UNSET
    content_ref: Id | UnsetType = UNSET


class Ipv4Addr(StixObject, frozen=True, kw_only=True, tag="ipv4-addr"):
    """An IPv4 address or, in CIDR notation, a range."""

    value: str | UnsetType = UNSET
    resolves_to_refs: Ids | UnsetType = UNSET
    belongs_to_refs: Ids | UnsetType = UNSET


class Ipv6Addr(StixObject, frozen=True, kw_only=True, tag="ipv6-addr"):
    """An IPv6 address or, in CIDR notation, a range."""

    value: str | UnsetType = UNSET
    resolves_to_refs: Ids | UnsetType = UNSET
    belongs_to_refs: Ids | UnsetType = UNSET


class MacAddr(StixObject, frozen=True, kw_only=True, tag="mac-addr"):
    """An address of a network card."""

    value: str | UnsetType = UNSET


class Mutex(StixObject, frozen=True, kw_only=True, tag="mutex"):
    """A named lock of an operating system."""

    name: str | UnsetType = UNSET


class NetworkTraffic(StixObject, frozen=True, kw_only=True, tag="network-traffic"):
    """A connection.

    Attributes:
        protocols: Outermost first.
    """

    start: Timestamp | UnsetType = UNSET
    end: Timestamp | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    src_ref: Id | UnsetType = UNSET
    dst_ref: Id | UnsetType = UNSET
    src_port: Port | UnsetType = UNSET
    dst_port: Port | UnsetType = UNSET
    protocols: Texts | UnsetType = UNSET
    src_byte_count: Count | UnsetType = UNSET
    dst_byte_count: Count | UnsetType = UNSET
    src_packets: Count | UnsetType = UNSET
    dst_packets: Count | UnsetType = UNSET
    ipfix: Open | UnsetType = UNSET
    src_payload_ref: Id | UnsetType = UNSET
    dst_payload_ref: Id | UnsetType = UNSET
    encapsulates_refs: Ids | UnsetType = UNSET
    encapsulated_by_ref: Id | UnsetType = UNSET


class Process(StixObject, frozen=True, kw_only=True, tag="process"):
    """A running program."""

    is_hidden: bool | UnsetType = UNSET
    pid: int | UnsetType = UNSET
    created_time: Timestamp | UnsetType = UNSET
    cwd: str | UnsetType = UNSET
    command_line: str | UnsetType = UNSET
    environment_variables: Open | UnsetType = UNSET
    opened_connection_refs: Ids | UnsetType = UNSET
    creator_user_ref: Id | UnsetType = UNSET
    image_ref: Id | UnsetType = UNSET
    parent_ref: Id | UnsetType = UNSET
    child_refs: Ids | UnsetType = UNSET


class Software(StixObject, frozen=True, kw_only=True, tag="software"):
    """A product; `languages` are RFC 5646 tags."""

    name: str | UnsetType = UNSET
    cpe: str | UnsetType = UNSET
    swid: str | UnsetType = UNSET
    languages: Texts | UnsetType = UNSET
    vendor: str | UnsetType = UNSET
    version: str | UnsetType = UNSET


class Url(StixObject, frozen=True, kw_only=True, tag="url"):
    """A URL, possibly defanged."""

    value: str | UnsetType = UNSET


class UserAccount(StixObject, frozen=True, kw_only=True, tag="user-account"):
    """An account; a handle stands in up to four of these at once."""

    user_id: str | UnsetType = UNSET
    credential: str | UnsetType = UNSET
    account_login: str | UnsetType = UNSET
    account_type: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    is_service_account: bool | UnsetType = UNSET
    is_privileged: bool | UnsetType = UNSET
    can_escalate_privs: bool | UnsetType = UNSET
    is_disabled: bool | UnsetType = UNSET
    account_created: Timestamp | UnsetType = UNSET
    account_expires: Timestamp | UnsetType = UNSET
    credential_last_changed: Timestamp | UnsetType = UNSET
    account_first_login: Timestamp | UnsetType = UNSET
    account_last_login: Timestamp | UnsetType = UNSET


class WindowsRegistryKey(
    StixObject, frozen=True, kw_only=True, tag="windows-registry-key"
):
    """A key of the Windows registry."""

    key: str | UnsetType = UNSET
    values: Opens | UnsetType = UNSET
    modified_time: Timestamp | UnsetType = UNSET
    creator_user_ref: Id | UnsetType = UNSET
    number_of_subkeys: Count | UnsetType = UNSET


class X509Certificate(StixObject, frozen=True, kw_only=True, tag="x509-certificate"):
    """A certificate."""

    is_self_signed: bool | UnsetType = UNSET
    hashes: Open | UnsetType = UNSET
    version: str | UnsetType = UNSET
    serial_number: str | UnsetType = UNSET
    signature_algorithm: str | UnsetType = UNSET
    issuer: str | UnsetType = UNSET
    validity_not_before: Timestamp | UnsetType = UNSET
    validity_not_after: Timestamp | UnsetType = UNSET
    subject: str | UnsetType = UNSET
    subject_public_key_algorithm: str | UnsetType = UNSET
    subject_public_key_modulus: str | UnsetType = UNSET
    subject_public_key_exponent: int | UnsetType = UNSET
    x509_v3_extensions: Open | UnsetType = UNSET
