"""The directory that tests write: python-tuf's own client takes it, and no attack."""

import json
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from tuf.api import exceptions
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from tests.support.tuf_groups import Groups, signer

MEMBER = "members/cert-aq.json"


class Files(FetcherInterface):
    def _fetch(self, url):
        path = Path(unquote(urlparse(url).path))
        if not path.exists():
            raise exceptions.DownloadHTTPError("missing", 404)
        return iter([path.read_bytes()])


def client(groups: Groups, cache: Path) -> Updater:
    cache.mkdir(exist_ok=True)
    updater = Updater(
        str(cache),
        f"file://{groups.folder}/metadata/",
        str(cache),
        f"file://{groups.folder}/targets/",
        Files(),
        bootstrap=groups.pinned,
    )
    updater.refresh()
    return updater


def loaded(updater: Updater, path: str) -> dict[str, object]:
    found = updater.get_targetinfo(path)
    assert found is not None
    return json.loads(Path(updater.download_target(found)).read_bytes())


@pytest.fixture
def groups(tmp_path):
    made = Groups(tmp_path / "directory")
    made.put(MEMBER, {"org": "cert-aq"})
    made.publish()
    return made


def test_a_client_reads_members_and_suspensions(groups, tmp_path):
    entry = {"org": "cert-aq", "reason": "stolen", "since": "2026-01-01T00:00:00Z"}
    groups.suspend("hub", [entry])
    updater = client(groups, tmp_path / "cache")
    assert loaded(updater, MEMBER) == {"org": "cert-aq"}
    assert loaded(updater, "suspensions/hub.json") == {"suspensions": [entry]}
    assert loaded(updater, "suspensions/industry.json") == {"suspensions": []}


@pytest.mark.parametrize("by", [("industry",), ("industry", "industry"), ("hub",)])
def test_a_client_refuses_fewer_groups_than_two(groups, tmp_path, by):
    groups.publish(by)
    with pytest.raises(exceptions.UnsignedMetadataError):
        client(groups, tmp_path / "cache")


def test_a_key_replaced_by_old_and_new_threshold_counts(groups, tmp_path):
    old = groups.replace_key("industry", signer("another", "industry"))
    groups.publish(root=True, root_signers=["government", "industry", old])
    updater = client(groups, tmp_path / "cache")
    assert loaded(updater, "suspensions/industry.json") == {"suspensions": []}


def test_a_key_replaced_by_one_group_alone_is_refused(groups, tmp_path):
    groups.replace_key("industry", signer("another", "industry"))
    groups.publish(root=True, root_signers=["industry"])
    with pytest.raises(exceptions.UnsignedMetadataError):
        client(groups, tmp_path / "cache")
