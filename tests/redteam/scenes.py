"""What is attacked: samples, generated records, real ones, and sequences of versions."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from structlog.testing import capture_logs

from adapters.cli.demo import command as demo
from adapters.reviewing import Agreed, view_digest
from adapters.scopes import received
from adapters.view import view_of
from broker.blinding import BlindMap
from broker.sdjwt import token_id
from broker.signing import Address, FeedPosition, sign
from broker.trust import Verified, verify
from schemas import stix
from schemas.composing import compose
from schemas.errors import SchemaError
from schemas.markings import Tlp
from schemas.protection import PROTECTION_IDS
from schemas.timestamps import epoch
from tests.redteam import world
from tests.redteam.world import NAMED_PEER, NAMED_PLATFORM, Case, Got, Version
from tests.support import records
from tests.support.real_data import DATA
from tests.support.tangles import ACCOUNT, tangles
from tests.support.views import (
    BANK,
    CLEAR,
    INCIDENT,
    MALWARE,
    NOW,
    PERSON,
    POLICY,
    TIME,
    core,
    link,
    marked,
    new,
)  # fmt: skip

NAMED: Final = Address(to=(NAMED_PEER,), concerns=(NAMED_PLATFORM,))
LATER: Final = "2026-02-10T04:05:06.789Z"
NEXT_PERIOD: Final = epoch("2027-01-10T12:00:00Z")
MAX_REAL_OBJECTS: Final = 400  # of one bundle: the rest would only take time
Objects = Sequence[dict[str, Any]]


def version(
    objects: Objects,
    *,
    issuer: str = "cert-aq",
    address: Address = NAMED,
    number: int = 1,
    replaces: Version | None = None,
    lineage: dict[str, str] | None = None,
    given: Any = world.give,
    tlp: Tlp | None = Tlp.CLEAR,
    **composing: Any,
) -> Version:
    """Publish one version, and give it to all members.

    Args:
        number: Of the version; salts and new ids differ by it.
        lineage: Ids that were replaced before; new ones are added.
    """
    lineage = {} if lineage is None else lineage

    def signing(plain: Objects) -> bytes:
        # Signed again, what is in it keeps its ids.
        ids = BlindMap(records.new_uuids(number + 500 + len(lineage)), dict(lineage))
        made = sign(
            compose(stix.decode_bundle(list(plain)), now=TIME, tlp=tlp, **composing),
            records.signer(issuer),
            blind_map=ids,
            now=NOW - 60,
            entropy=records.entropy(number),
            address=address,
            position=FeedPosition(f"{issuer}/main/epoch", number, "p" * 43),
            replaces=None if replaces is None else token_id(replaces.token),
        )
        lineage.update(ids.added)
        return made

    token = signing(objects)
    return Version(
        token=token,
        got=given(token),
        objects=tuple(objects),
        sign=signing,
        give=given,
    )


def samples() -> Iterator[Case]:
    """Each shipped sample by itself; correction and retraction after what they mend."""
    for number, entry in enumerate(records.SAMPLE_INDEX, 1):
        yield Case(
            name=f"sample {entry['file'].removesuffix('.json')}",
            versions=(_sample(entry["file"], number),),
        )
    for first, second in (
        ("bank-phishing.json", "bank-phishing-correction.json"),
        ("ai-video-campaign.json", "ai-video-retraction.json"),
    ):
        lineage: dict[str, str] = {}
        one = _sample(first, 31, lineage=lineage)
        two = _sample(second, 32, lineage=lineage, replaces=one)
        yield Case(name=f"versions of {first[:-5]}", versions=(one, two))


def _sample(name: str, number: int, **more: Any) -> Version:
    (entry,) = (e for e in records.SAMPLE_INDEX if e["file"] == name)
    objects = json.loads((records.SAMPLES / name).read_bytes())["objects"]
    address = Address(
        communities=tuple(entry["communities"]),
        to=tuple(entry["to"]),
        concerns=tuple(entry["concerns"]),
    )
    return version(
        objects,
        issuer=entry["issuer"],
        address=address,
        kind=entry["kind"],
        number=number,
        tlp=None,
        **more,
    )


def generated(count: int) -> Iterator[Case]:
    """Records of `tests.support.tangles`, always the same ones."""
    found: list[list[dict[str, Any]]] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(tangles())
    def collect(objects: list[dict[str, Any]]) -> None:
        found.append(objects)

    collect()
    for number, objects in enumerate(found, 1000):
        made = version(objects, primary=INCIDENT["id"], number=number)
        yield Case(name=f"generated {number - 1000}", versions=(made,))


def real(most: int = MAX_REAL_OBJECTS) -> Iterator[Case]:
    """The real bundles, where they are; of large ones the first *most* objects."""
    files = sorted(
        path
        for pattern in (
            "amnesty_stix21/wintego*", "fimi_viginum_stix21/*.json",
            "misp_stix_pairs/*_stix21.json", "oasis_incident_extension/*.json",
        )
        for path in DATA.glob(pattern)
    )  # fmt: skip
    for number, path in enumerate(files, 5000):
        content = json.loads(path.read_text(encoding="utf-8"))
        objects = content["objects"] if isinstance(content, dict) else content
        options: dict[str, Any] = {"report": "Findings"}
        for kinds in ({"incident", "campaign"}, {"report", "grouping"}):
            main = [one["id"] for one in objects if one["type"] in kinds]
            if main:
                options = {"primary": main[0]}
                break
        first = [one for one in objects if one["id"] == options.get("primary")]
        rest = [one for one in objects if one not in first]
        chosen = [*first, *rest][:most]
        try:
            made = version(chosen, number=number, **options)
        except SchemaError:
            continue  # RED in part: nobody can sign it yet
        yield Case(name=f"real {path.name[:40]}", versions=(made,))


def sequences() -> Iterator[Case]:
    """Yield what only shows over several records, members, audiences or periods."""
    yield _one_victim_two_records()
    yield _two_periods()
    yield _mover()
    yield _growing()
    yield _one_audience_two_views()
    yield _protected()
    yield _supplement()


VICTIM: Final = [
    PERSON | {"sectors": ["media"]}, BANK, ACCOUNT | {"display_name": "Ilvara T."}, MALWARE,
    new("email-addr", "hers", value="ilvara@saltmere.example"),
]  # fmt: skip


def _one_victim_two_records() -> Case:
    other = new("incident", "Another case", description="Ilvara Temcott was hit again.")
    return Case(
        name="two records about one victim",
        probed=True,
        versions=(
            version([INCIDENT, *VICTIM], number=101, primary=INCIDENT["id"]),
            version(
                [other, *VICTIM], issuer="platform-lumen", number=102,
                primary=other["id"],
            ),
        ),
    )  # fmt: skip


def _two_periods() -> Case:
    lineage: dict[str, str] = {}
    one = version([INCIDENT, *VICTIM], number=111, lineage=lineage,
                  primary=INCIDENT["id"])  # fmt: skip
    newer = INCIDENT | {"modified": LATER}

    def later(token: bytes, **more: Any) -> Any:
        return world.give(token, seen=NEXT_PERIOD, pos=7, **more)

    two = version([newer, *VICTIM], number=112, lineage=lineage, replaces=one,
                  given=later, primary=INCIDENT["id"])  # fmt: skip
    return Case(name="two periods", versions=(one, two))


def _mover() -> Case:
    """A platform that became a peer between two versions, beside one that stayed."""
    members = {
        "mover": {"audience": "platform"},
        "platform-far": {"audience": "platform"},
        "cert-bv": {"audience": "peer-cert"},
    }
    moved = members | {"mover": {"audience": "peer-cert"}}
    lineage: dict[str, str] = {}

    def before(token: bytes, **more: Any) -> Any:
        return world.give(token, members=members, **more)

    def after(token: bytes, **more: Any) -> Any:
        had = received([("mover", "cert-aq", INCIDENT["id"], "platform")])
        return world.give(token, members=moved, scopes=had, **more)

    one = version([INCIDENT, *VICTIM], number=121, lineage=lineage, given=before,
                  primary=INCIDENT["id"])  # fmt: skip
    two = version([INCIDENT | {"modified": LATER}, *VICTIM], number=122, given=after,
                  lineage=lineage, replaces=one, primary=INCIDENT["id"])  # fmt: skip
    return Case(name="a member that moved", versions=(one, two))


def _growing() -> Case:
    """Counts that cross a power of ten from one version to the next."""
    lineage: dict[str, str] = {}
    versions: list[Version] = []
    for number, count in enumerate((8, 12, 96, 104), 131):
        one = INCIDENT | {
            "modified": f"2026-02-{number - 121:02}T04:05:06.789Z",
            "extensions": core(impacted_entity_counts={"individual": count}),
        }
        versions.append(
            version(
                [one, *VICTIM], number=number, lineage=lineage, primary=one["id"],
                replaces=versions[-1] if versions else None,
            )
        )  # fmt: skip
    return Case(name="a number that grows", versions=tuple(versions))


def _one_audience_two_views() -> Case:
    """Two platforms that differ in one name: only one of them is concerned."""
    both = {"audience": "platform"}
    members = {NAMED_PLATFORM: both, "platform-far": both}

    def given(token: bytes, **more: Any) -> Any:
        return world.give(token, members=members, **more)

    campaign, channel = new("campaign"), new("channel", "Morning Lantern")
    run_by = link(campaign, "uses", channel)
    made = version([campaign, channel, run_by, new("attack-pattern")], given=given,
                   number=141, primary=campaign["id"])  # fmt: skip
    return Case(name="one audience, two views", versions=(made,))


def _protected() -> Case:
    """A child among others: the case itself may be known, not that there is one."""
    child = new(
        "identity", "Wren Ashby", sectors=["education"], labels=["protect:minors"]
    )
    mark = next(ref for ref, group in PROTECTION_IDS.items() if group == "minors")
    definition = new("marking-definition") | {"id": mark}
    school = marked(new("location", "school", country="XB"), CLEAR, mark)
    story = [
        INCIDENT,
        child,
        school,
        definition,
        BANK,
        link(child, "located-at", school),
    ]
    made = version([*story, MALWARE], number=151, primary=INCIDENT["id"])
    return Case(name="a protected child", versions=(made,))


def _supplement() -> Case:
    """A name that waited for persons, and came with a second delivery."""
    minister = new("identity", "Orsola Venn", roles=["minister"])
    both = Address(to=(NAMED_PEER, "cert-bv"))
    first = version(
        [INCIDENT, minister, BANK], number=161, address=both, primary=INCIDENT["id"]
    )
    whole = first.whole
    found = next(o for o in whole.plain if o.get("name") == "Orsola Venn")
    facts = world.MEMBERS["cert-bv"]
    seen_by = view_of(records.member(records.signer("cert-bv"), **facts), whole.claims)
    agreed = Agreed(
        view_digest(seen_by), POLICY.sha256, frozenset({(str(found["id"]), "name")})
    )
    second = Version(token=first.token, got=world.give(first.token, agreed=agreed))
    return Case(name="a name that waited", versions=(first, second))


def played() -> Case:
    """The demo, from publisher to folder, with all that the programs log."""
    with TemporaryDirectory() as folder, capture_logs() as logged:
        story = asyncio.run(demo.perform(Path(folder)))
    directory = story.world.directory
    audiences = {m.org: m.audience for m in story.world.members}

    def read(data: bytes) -> Verified:
        return verify(data, directory, now=time.time())

    versions = []
    for each in story.played.published:
        got = tuple(
            Got(
                member=one.member,
                audience=audiences[one.member],
                scope=audiences[one.member],
                evidence=one.evidence,
                projection=one.projection,
                receipt=one.receipt,
                about=f"{one.folder.name} {one.about.decode()}",
                read=read,
            )
            for one in story.played.received
            if one.token_id == each.verified.token_id
        )
        versions.append(Version(token=each.token, got=got, read=read))
    said = [
        *map(str, logged),
        *(f"{m.routing_key} {dict(m.headers)} {m.user_id}" for m in story.played.dead),
        *map(str, story.played.told),
    ]
    return Case(name="demo", versions=tuple(versions), said="\n".join(said))


def everything(tangled: int, real_objects: int = MAX_REAL_OBJECTS) -> Iterator[Case]:
    """Yield all scenes; *tangled*: how many generated records."""
    yield from samples()
    yield from sequences()
    yield played()
    yield from generated(tangled)
    yield from real(real_objects)
