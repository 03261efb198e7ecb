"""The issuer's own identity: visible in every token, so shown to everybody."""

import msgspec
import pytest

from adapters.view import View
from broker.blinding import org_identity
from tests.support.views import CIVIL, INCIDENT, PEER, PLATFORM, cut_new, new, projected

OWN = new("identity", "CERT Aquenia", identity_class="organization") | {
    "id": org_identity("cert-aq"),
    "contact_information": "duty@cert-aq.example",
}


@pytest.mark.parametrize("to", [PEER, PLATFORM, CIVIL])
def test_every_audience_reads_the_name_and_the_contact_of_the_issuer(to: View) -> None:
    redacted = cut_new(to, INCIDENT, OWN)
    objects = msgspec.json.decode(redacted.projection)["objects"]
    [shown] = [o for o in objects if o["id"] == OWN["id"]]
    assert shown["name"] == "CERT Aquenia"
    assert shown["contact_information"] == "duty@cert-aq.example"


def test_any_other_organisation_is_still_generalised() -> None:
    other = OWN | {"id": new("identity")["id"]}
    redacted = cut_new(CIVIL, INCIDENT, other)
    names = {o["name"] for o in projected(redacted, "identity")}
    assert "CERT Aquenia" not in names
