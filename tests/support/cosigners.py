"""Joint records for tests: signed by a lead, and by others beside it."""

from broker.carried import Carried
from broker.cosigning import cosign
from schemas.record import Need, org_urn
from tests.support.issuing import Feed, draft, signer

LEAD, SECOND, THIRD = "cert-aq", "cert-bv", "cert-cw"


def need(threshold: int, *orgs: str) -> Need:
    return Need(threshold, tuple(map(org_urn, orgs)))


def joint(
    *others: str,
    wanted: Need = need(2, LEAD, SECOND),  # noqa: B008  frozen
    record=None,
    feed: Feed | None = None,
) -> Carried:
    """A record that `LEAD` leads and *others* have cosigned."""
    token = (feed or Feed(LEAD)).sign(record or draft(), need=wanted)
    made = Carried(token)
    for org in others:
        made = cosign(made, signer(org))
    return made
