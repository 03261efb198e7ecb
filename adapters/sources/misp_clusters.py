"""Clusters of galaxies in an event, and tags that name them, read into objects."""

from typing import Final

from adapters.sources import misp_galaxies
from adapters.sources.found import Intake, derived_id
from adapters.sources.misp_galaxies import Cluster
from adapters.sources.misp_making import Making, is_uuid
from adapters.sources.misp_marks import Tags, effective
from schemas.markings import Tlp

_META: Final = (
    "external_id", "synonyms", "refs", "kill_chain", "ISO", "iso-code", "uuid",
)  # fmt: skip


def read_clusters(
    making: Making, thing: Intake, tags: Tags, tlp: Tlp | None, when: str
) -> tuple[list[tuple[str, str]], list[str]]:
    """Add what galaxies and their tags name: (id, tag), and tags that stay labels."""
    ids: list[tuple[str, str]] = []
    labels: list[str] = []
    read: set[str] = set()
    for galaxy in making.each(thing, "Galaxy"):
        kind = galaxy.text("type")
        for block in making.each(galaxy, "GalaxyCluster"):
            cluster, given = _cluster(making, block, kind)
            read.add(given)
            if given == cluster.tag:
                # Of everybody's galaxies: somebody's own are tagged by their UUID.
                # There it says nothing, and older MISP wrote 0 for all.
                block.ignore("distribution")
            mark = effective(block, None, tlp, making.losses)
            if block.flag("deleted"):
                block.lose("deleted")
                continue
            # No label may name what is marked stricter than what bears it.
            tag = given or (cluster.tag if mark == tlp else "")
            known = _named(making, cluster, mark, when, block.where)
            if known is None:
                block.lose("label-only" if tag else "no-equivalent")
                labels += [tag] * bool(tag)
            else:
                ids.append((known, tag))
            making.close(block)
        # The galaxy's own words, which stand in every event that uses it.
        galaxy.ignore("description", "icon", "kill_chain_order", "name")
        galaxy.ignore("namespace", "uuid", "version", "enabled", "distribution")
        making.close(galaxy)
    for tag in tags.galaxies:
        if tag in read:
            continue
        named = misp_galaxies.of_tag(tag)
        known = None if named is None else _named(making, named, tlp, when, thing.where)
        if known is None:
            making.losses.add("label-only", thing.place("Tag"))
            labels.append(tag)
        else:
            ids.append((known, tag))
    return ids, labels


def _cluster(making: Making, block: Intake, galaxy: str) -> tuple[Cluster, str]:
    block.ignore("type", "source", "version", "relationship_type")
    name, uuid = block.text("value"), block.text("uuid").lower()
    meta = block.members("meta")
    found: dict[str, tuple[str, ...]] = {}
    if meta is not None:
        for key in _META:
            found[key] = tuple(_texts(meta, key))
        making.close(meta)
    codes = found.get("ISO", ()) + found.get("iso-code", ())
    uuid = next((u for u in (*found.get("uuid", ()), uuid) if is_uuid(u)), "")
    cluster = Cluster(
        galaxy,
        name,
        uuid,
        block.text("description"),
        next(iter(found.get("external_id", ())), ""),
        found.get("synonyms", ()),
        found.get("refs", ()),
        found.get("kill_chain", ()),
        next(iter(codes), ""),
    )
    return cluster, block.text("tag_name")


def _texts(thing: Intake, name: str) -> list[str]:
    """Take a text or a list of texts."""
    if thing.has_text(name):
        return [thing.text(name)]
    return [text for _, text in thing.texts(name)]


def _named(
    making: Making, cluster: Cluster, tlp: Tlp | None, when: str, where: str
) -> str | None:
    members = misp_galaxies.members_of(cluster)
    if members is None or not cluster.name:
        return None
    kind = members["type"]
    derived = derived_id(kind, cluster.galaxy, cluster.name)
    stix_id = f"{kind}--{cluster.uuid}" if cluster.uuid else derived
    # Older MISP gives every cluster of a galaxy the UUID of the galaxy.
    if not making.is_named(stix_id, cluster.name):
        stix_id = derived
    return making.add({"id": stix_id, "created": when, **members}, tlp, where)
