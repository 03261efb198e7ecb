"""The next version of a record, and a record that is signed only once."""

import msgspec
import pytest

from broker.embedded import open_embedded
from schemas.errors import SchemaError
from tests.broker.test_publisher import INGRESS, publisher_bus, publishing, verified
from tests.support.issuing import NOW, PLACE, draft, rest

LATER = "2026-12-01T00:00:00.000Z"


async def run(tmp_path, *calls):
    """Make the calls on one publisher; results, and what reached the hub."""
    results = []
    async with open_embedded(None, PLACE) as broker:
        async with publishing(publisher_bus(broker), tmp_path) as publisher:
            for name, record in calls:
                results.append(await getattr(publisher, name)(record))
            await publisher.flush()
        messages = await rest(broker.login("gate"), INGRESS)
    return results, [verified(each, NOW + 100) for each in messages]


def kind(record, name):
    return msgspec.structs.replace(record, kind=name)


async def test_the_next_version_is_of_now_where_modified_was_forgotten(tmp_path):
    first, corrected = draft(), kind(draft(name="Said better"), "correction")
    (_, done), (old, new) = await run(
        tmp_path, ("enqueue", first), ("enqueue_next", corrected)
    )
    assert new.claims.kind == "correction"
    assert new.claims.ver > old.claims.ver
    assert new.claims.sup == old.token_id
    assert new.claims.sub == old.claims.sub
    assert not done.already


async def test_a_correction_without_an_earlier_version_is_refused(tmp_path):
    with pytest.raises(SchemaError, match="no-earlier-version"):
        await run(tmp_path, ("enqueue_next", kind(draft(), "correction")))


async def test_the_same_correction_again_is_not_signed_again(tmp_path):
    corrected = kind(draft(name="Said better"), "correction")
    (_, first, again), sent = await run(
        tmp_path,
        ("enqueue", draft()),
        ("enqueue_next", corrected),
        ("enqueue_next", corrected),
    )
    assert len(sent) == 2
    assert again.already
    assert again.token_id == first.token_id


async def test_a_correction_that_changes_nothing_is_not_signed(tmp_path):
    (first, same), sent = await run(
        tmp_path, ("enqueue", draft()), ("enqueue_next", kind(draft(), "correction"))
    )
    assert len(sent) == 1
    assert same.already
    assert same.token_id == first.token_id


async def test_a_second_retraction_is_not_signed(tmp_path):
    back = kind(draft(name="Taken back", revoked=True), "retraction")
    other = kind(draft(name="Taken back", revoked=True, lang="en"), "retraction")
    (_, first, again), sent = await run(
        tmp_path,
        ("enqueue", draft()),
        ("enqueue_next", back),
        ("enqueue_next", other),
    )
    assert [each.claims.kind for each in sent] == ["incident", "retraction"]
    assert again.already
    assert again.token_id == first.token_id


@pytest.mark.parametrize("name", ["enqueue", "enqueue_next"])
async def test_what_was_taken_back_stays_so(tmp_path, name):
    back = kind(draft(name="Taken back", revoked=True), "retraction")
    with pytest.raises(SchemaError, match="retracted"):
        await run(
            tmp_path,
            ("enqueue", draft()),
            ("enqueue_next", back),
            (name, kind(draft(name="Once more", modified=LATER), "correction")),
        )


async def test_what_is_signed_once_is_not_signed_again_with_another_time(tmp_path):
    (first, again), sent = await run(
        tmp_path, ("enqueue_once", draft()), ("enqueue_once", draft(version=1))
    )
    assert len(sent) == 1
    assert again.already
    assert again.token_id == first.token_id
