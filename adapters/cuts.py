"""What a redaction says of itself: a reason for every cut, or for giving nothing. Pure."""

import msgspec

Part = tuple[str, str]
"""(id of the object as signed, property as policies spell it; "" for all of it)"""


class Cut(msgspec.Struct, frozen=True):
    """One part that was withheld, or changed, and why.

    Attributes:
        object_id: As signed; "" for a claim.
        place: Property as policies spell it, "" for the whole object.
        reason: `tlp-*`, `granular-*`, `marking-unknown`, `marking-withheld`, `iep-*`,
            `attribution-visible`, `pap-*`, `protected`, `held`, `policy-*`, `mask-hit`,
            `not-listed`, `guard`, `reference-withheld`, `required-withheld`,
            `not-named`, `type-not-named`.
        row: Row of the policy that says so, 0 if none does.
        made: Whether a made value stands in the projection instead.
        limit: Limit of the policy that made the row stricter, 0 if none did.
        approvals: The part waits for so many persons to agree; 0: it does not wait.
        element: Index of the element or sentence that was cut; -1: all of it.
        found: Kinds of personal data that were found in it.
    """

    object_id: str
    object_type: str
    place: str
    reason: str
    row: int = 0
    made: bool = False
    limit: int = 0
    approvals: int = 0
    element: int = -1
    found: tuple[str, ...] = ()

    @property
    def part(self) -> Part:
        """What persons agree to, if they do: the object and the place in it."""
        return self.object_id, self.place


class NotGivenError(Exception):
    """The record is not for this view at all.

    Attributes:
        reason: `community`, `kind`, `retention`, `tlp-*`, `primary-withheld`,
            `guard-visible`.
        cuts: Those of the primary object, where they are the reason.
    """

    def __init__(self, reason: str, cuts: tuple[Cut, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cuts = cuts
