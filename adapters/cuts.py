"""What a redaction says of itself: a reason for every cut, or for giving nothing. Pure."""

import msgspec


class Cut(msgspec.Struct, frozen=True):
    """One part that was withheld, or changed, and why.

    Attributes:
        object_id: As signed; "" for a claim.
        place: Property as policies spell it, "" for the whole object.
        reason: `tlp-*`, `granular-*`, `marking-unknown`, `marking-withheld`, `iep-*`,
            `attribution-visible`, `pap-red`, `policy-*`, `mask-hit`, `guard`,
            `reference-withheld`, `required-withheld`, `not-named`, `type-not-named`.
        row: Row of the policy that says so, 0 if none does.
        made: Whether a made value stands in the projection instead.
    """

    object_id: str
    object_type: str
    place: str
    reason: str
    row: int = 0
    made: bool = False


class NotGivenError(Exception):
    """The record is not for this view at all.

    Attributes:
        reason: `community`, `tlp-*`, `primary-withheld`, `guard-visible`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
