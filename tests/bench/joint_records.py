"""What further signatures on a record cost whoever verifies it."""

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import carried, trust
from broker.carried import Carried
from broker.cosigning import cosign
from broker.directory import Directory, KeyEntry, Member, build
from broker.signers import Signer
from schemas.record import Need, org_urn
from tests.bench.material import ISSUER, NOW, Case, medium, sample, sign, small
from tests.bench.rounds import Report, Row, side_by_side

OTHERS = ("cert-bv", "cert-cw", "cert-dx")


def measure(*, quick: bool) -> Report:
    """Verify a record that three have cosigned, against the same signed by one."""
    rows: list[Row] = []
    whole = sample()
    for bundle in (small(whole), medium(whole)):
        case = Case(bundle)
        record, known = _joint(case)
        text = carried.encode(record)
        found = side_by_side(
            {
                "one": lambda case=case: trust.verify(
                    case.token, case.directory, now=NOW
                ),
                "joint": lambda text=text, known=known: trust.verify(
                    text, known, now=NOW
                ),
            },
            3 if quick else 11,
        )
        what = f"`trust.verify`, cosigned by 3, {len(case.draft.objects)} objects"
        rows.append(Row(what, "signed by one", found["joint"], found["one"]))
    return Report(
        "joint: a record that three have cosigned",
        "Processor time of one call, the JSON serialization read included; lead and "
        "three others, all Ed25519, so four signatures against one.",
        tuple(rows),
    )


def _joint(case: Case) -> tuple[Carried, Directory]:
    signers = [Signer(org, Ed25519PrivateKey.generate()) for org in OTHERS]
    need = Need(4, tuple(map(org_urn, (ISSUER, *OTHERS))))
    record = Carried(sign(case.draft, case.signer, need=need))
    for each in signers:
        record = cosign(record, each)
    lead = case.directory.members[ISSUER]
    return record, build([lead, *(_member(lead, each) for each in signers)])


def _member(like: Member, signer: Signer) -> Member:
    key = KeyEntry(signer.jwk, like.keys[0].not_before, like.keys[0].not_after)
    return msgspec.structs.replace(like, org=signer.org, name=signer.org, keys=(key,))
