"""One vector, and how lists of them are made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.vectors.cast import BARE, claims, issue


@dataclass(frozen=True, kw_only=True)
class Vector:
    """A token, and what a verifier has to say of it.

    Attributes:
        name: Of its file, and the seed of its salts and decoys.
        level: "format", "record", "stix" or "gate".
        why: One sentence: what is special or wrong, and why it matters.
        reason: The code of its refusal; "" for a good one.
        also: Codes that a verifier with another order of checks may give.
        now: Epoch seconds, where it is not the manifest's.
        first_seen: Epoch seconds: when the gate first saw the token.
    """

    name: str
    level: str
    why: str
    token: bytes = b""
    recipe: dict[str, Any] | None = None
    reason: str = ""
    also: tuple[str, ...] = ()
    now: int | None = None
    first_seen: int | None = None


class Shelf:
    """Vectors of one level, in order of their making."""

    def __init__(self, level: str) -> None:
        self.level = level
        self.made: list[Vector] = []

    def put(self, name: str, reason: str, why: str, token: bytes, **more: Any) -> None:
        """Add a vector whose token is made already."""
        self.made.append(
            Vector(
                name=name, level=self.level, reason=reason, why=why, token=token, **more
            )
        )

    def sign(
        self,
        name: str,
        reason: str,
        why: str,
        *objects: Any,
        with_claims: dict[str, Any] | None = None,
        change: Callable[[bytes], bytes] = lambda token: token,
        also: tuple[str, ...] = (),
        now: int | None = None,
        first_seen: int | None = None,
        **issuing: Any,
    ) -> bytes:
        """Add a vector signed by `issue`; *change* bends the token afterwards.

        Without *objects* its one object was cut, which keeps it small.
        """
        tree = claims(*(objects or (BARE,)), **(with_claims or {}))
        token = change(issue(name, tree, **issuing))
        more = {"also": also, "now": now, "first_seen": first_seen}
        self.put(name, reason, why, token, **more)
        return token
