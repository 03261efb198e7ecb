"""All that decisions about records depend on, besides the record and the clock. Pure."""

import msgspec

from adapters.basis import Bases, Basis
from adapters.interests import EVERYTHING, Interests
from adapters.personal_data import Recogniser
from adapters.policy import Policy
from adapters.projection import Author
from adapters.pseudonyms import PseudonymKeys
from broker.directory import Directory, Member
from broker.signing import RecordSigner


class Subscriber(msgspec.Struct, frozen=True):
    """A member that this adapter serves, its sinks by name, and what it wants."""

    member: Member
    sinks: tuple[str, ...]
    interests: Interests = EVERYTHING


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """All that a decision depends on, besides the message and the clock.

    Attributes:
        author: Without pseudonyms; `author_at` has them.
        recogniser: Finds names in texts that are masked, beside the detectors.
        bases: Digests that were made before, to be shared by contexts that follow one
            another.
    """

    directory: Directory
    policy: Policy
    author: Author
    pseudonyms: PseudonymKeys
    signer: RecordSigner
    subscribers: tuple[Subscriber, ...]
    recogniser: Recogniser | None = None
    bases: Bases = msgspec.field(default_factory=Bases)

    def basis_of(self, subscriber: Subscriber, trust: str) -> Basis:
        """Say what decisions for a member rest on (`adapters.basis`).

        Args:
            trust: What `trust_at` gives: once for all members.
        """
        view = self.bases.view(
            self.policy.sha256, subscriber.member, subscriber.interests
        )
        return Basis(view, trust)

    def trust_at(self, now: float) -> str:
        """Say what decides *now* who is believed."""
        return self.bases.trust(self.directory, now)

    def author_at(self, first_seen: float) -> Author:
        """Give the author of what is made of a record, by its period."""
        pseudonyms = self.pseudonyms.at(first_seen)
        return msgspec.structs.replace(self.author, pseudonyms=pseudonyms)
