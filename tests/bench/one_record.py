"""One record in one process: verify, sign, redact, receipt, against what none can beat."""

from collections.abc import Callable
from functools import partial
from typing import Any

from jwcrypto.jwk import JWK
from sd_jwt.verifier import SDJWTVerifier

from adapters.reading import Reading
from adapters.receipts import receipt
from adapters.sources import stix21
from tests.bench.material import NOW, Case, medium, sample, small
from tests.bench.rounds import Report, Row, side_by_side

LIMIT, VERIFY = "limit", "verify"
_LIMIT_IS = (
    "limit: bare `cryptography` Ed25519 verification of the same signed bytes and "
    "msgspec decoding of the same bundle as plain JSON"
)


def cases() -> dict[str, Case]:
    """A small record, a medium one, and a whole sample."""
    whole = sample()
    found = (Case(small(whole)), Case(medium(whole)), Case(whole))
    return {f"{len(case.draft.objects)} objects": case for case in found}


def verify(*, quick: bool) -> Report:
    """Strict verification, against the limit and against the reference library."""
    rows: list[Row] = []
    for size, case in cases().items():
        found = side_by_side(
            {
                LIMIT: case.limit(),
                "verify": case.verify,
                "sd-jwt": _reference(case),
            },
            3 if quick else 11,
        )
        for anchor in (LIMIT, "sd-jwt"):
            what = f"`trust.verify`, {size}"
            rows.append(Row(what, anchor, found["verify"], found[anchor]))
    return Report(
        "verify: strict verification of one record",
        f"Processor time of one call; {_LIMIT_IS}; sd-jwt: the reference library on "
        "PyPI, which checks less. "
        + "; ".join(case.describe() for case in cases().values())
        + ".",
        tuple(rows),
    )


def redact(*, quick: bool) -> Report:
    """Read, compose, sign, redact for each audience, receipt; against the limit."""
    rows: list[Row] = []
    for size, case in cases().items():
        steps = _steps(case)
        found = side_by_side(
            {LIMIT: case.limit(), VERIFY: case.verify, **steps}, 3 if quick else 11
        )
        rows += [
            Row(f"{step}, {size}", anchor, found[step], found[anchor])
            for step in steps
            for anchor in ((LIMIT, VERIFY) if "redact" in step else (LIMIT,))
        ]
    return Report(
        "redact: sign, redact and receipt of one record",
        f"Processor time of one call; {_LIMIT_IS}; verify: `trust.verify` of the same "
        "token. Redaction includes the projection. The next view: what was read of the "
        "record for another view is at hand, as for the second and third of `decide`.",
        tuple(rows),
    )


def _steps(case: Case) -> dict[str, Callable[[], object]]:
    steps: dict[str, Callable[[], object]] = {
        "read and check STIX": lambda: stix21.read(case.bundle),
        "`compose` (reading included)": case.compose,
        "`sign`": case.sign,
    }
    for audience, view in case.views().items():
        steps[f"`redact` for {audience}"] = partial(case.redact, view)
    reading = Reading(case.verified)
    for audience, view in case.views().items():
        again = partial(case.redact, view, reading)
        steps[f"`redact` for {audience}, the next view"] = again
    redacted = case.redact(case.views()["platform"])
    steps["`receipt`"] = lambda: receipt(redacted, case.seen, case.hub, now=NOW)
    return steps


def _reference(case: Case) -> Callable[[], object]:
    key = JWK(kty="OKP", crv="Ed25519", x=case.signer.jwk.x)
    token = case.token.decode()

    def check() -> Any:
        verifier = SDJWTVerifier(token, lambda _issuer, _header: key)
        return verifier.get_verified_payload()

    assert check()["sub"] == case.verified.claims.sub
    return check
