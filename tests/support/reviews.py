"""Two reviewers, and a part that waits for them."""

import msgspec

from adapters.reviewing import Waiting, waiting_in
from broker.keys import PublicKey
from tests.support import records
from tests.support.views import INCIDENT, NOW, PLATFORM, POLICY, cut_new, new

ANA, BEN = records.signer("ana"), records.signer("ben")
REVIEWERS = {s.kid: (s.org, PublicKey(s.jwk)) for s in (ANA, BEN)}
ACTOR = new("threat-actor", "Hollow Reed")
DAY = 86_400


def waiting(**changes: object) -> Waiting:
    [found] = waiting_in(cut_new(PLATFORM, INCIDENT, ACTOR), POLICY, now=NOW)
    return msgspec.structs.replace(found, **changes)
