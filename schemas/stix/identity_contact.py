"""Identity contact information: how to reach an identity. All of it is personal data.

Reference: OASIS cti-stix-common-objects, identity-66e. The extension stays as received
in `extensions`; this is a view of it.
"""

from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from schemas.stix.core import StixObject
from schemas.stix.extension_views import read, written
from schemas.stix.values import InnerId

IDENTITY_CONTACT: Final = "extension-definition--66e2492a-bbd3-4be6-88f5-cc91a017a498"


class ContactNumber(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A number for calls or faxes.

    Attributes:
        contact_number_type: personal-landline-phone, personal-mobile-phone,
            personal-fax, work-phone, work-fax; open vocabulary.
        classified: It reaches a network for classified matters.
    """

    contact_number: str
    contact_number_type: str
    classified: bool | UnsetType = UNSET
    description: str | UnsetType = UNSET


class EmailAddress(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mail address.

    Attributes:
        digital_contact_type: organizational, personal, work; open vocabulary.
    """

    email_address_ref: InnerId
    digital_contact_type: str
    classified: bool | UnsetType = UNSET
    description: str | UnsetType = UNSET


class SocialMediaAccount(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account; `digital_contact_type` is that of a mail address."""

    user_account_ref: InnerId
    digital_contact_type: str
    classified: bool | UnsetType = UNSET
    description: str | UnsetType = UNSET


class IdentityContact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the extension says of an identity."""

    contact_numbers: tuple[ContactNumber, ...] = ()
    email_addresses: tuple[EmailAddress, ...] = ()
    social_media_accounts: tuple[SocialMediaAccount, ...] = ()
    first_name: str | UnsetType = UNSET
    middle_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    prefix: str | UnsetType = UNSET
    suffix: str | UnsetType = UNSET


def identity_contact(identity: StixObject, where: str = "$") -> IdentityContact | None:
    """Read the extension of *identity*; members it does not know are passed over.

    *where* is the place of the identity, in front of the places in refusals.

    Raises:
        SchemaError: `bad-property`.
    """
    return read(identity, IDENTITY_CONTACT, IdentityContact, where)


def contact_extension(contact: IdentityContact) -> dict[str, Any]:
    """Write *contact* as a value for `extensions[IDENTITY_CONTACT]`, plain JSON."""
    return written(contact)
