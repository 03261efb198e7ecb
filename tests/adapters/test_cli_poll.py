"""`tocsin poll`: what it prints, what it writes, and how it ends."""

import asyncio
import json

import pytest
from aiohttp import web

from adapters.cli import main as command
from adapters.sources import stix21
from schemas.composing import compose
from tests.support.taxii_model import thing
from tests.support.taxii_server import PATH, serving

NOW = "2026-05-01T00:00:00.000Z"
MARKING = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


@pytest.fixture
async def server():
    async with serving() as found:
        yield found


@pytest.fixture
def desk(tmp_path, capfd):
    return Desk(tmp_path, capfd)


class Desk:
    """A folder with a configuration, and the command."""

    def __init__(self, folder, capfd):
        self.folder = folder
        self._capfd = capfd

    def configure(self, url, **more):
        settings = {"url": url, "state": "poll.sqlite", "out": "out"}
        settings |= {"allow_private": True, "limit": 10, "name": "the feed"} | more
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        (self.folder / "poll.toml").write_text("\n".join(lines))

    async def __call__(self, *arguments):
        config = str(self.folder / "poll.toml")
        code = await asyncio.to_thread(
            command.run, ["poll", "--config", config, *map(str, arguments)]
        )
        return code, *self._capfd.readouterr()

    def records(self, folder="out"):
        paths = sorted((self.folder / folder).iterdir())
        return {each.stem: json.loads(each.read_text())["objects"] for each in paths}


def part(kind, number, **members):
    own = f"{kind}--0d6a7c0e-6b8a-4c1f-9a55-{number:012d}"
    times = {"created": "2026-01-02T00:00:00.000Z"}
    if kind != "marking-definition":
        times["modified"] = "2026-01-02T00:00:00.000Z"
    return {"type": kind, "spec_version": "2.1", "id": own} | times | members


def case(number, **members):
    marked = {"object_marking_refs": [MARKING], "spec_version": "2.1"}
    return thing(number) | marked | members


def tie(number, source, target):
    ends = {"source_ref": source["id"], "target_ref": target["id"]}
    return part("relationship", number, relationship_type="uses", **ends)


def malware(number):
    return part("malware", number, name="Example", is_family=False)


async def test_each_case_is_a_file_that_can_be_published(server, desk):
    tool, lost = malware(1), malware(2)
    server.model.add(case(1), case(2), tool, tie(3, case(1), tool), lost)
    desk.configure(server.url)
    code, out, err = await desk()
    assert (code, err) == (0, "")
    first, *wrote, following = out.splitlines()
    assert first == "took 5 new objects from 1 pages; 0 were known"
    folder = desk.folder / "out"
    assert wrote[0] == f"wrote {folder / case(1)['id']}.json: a case, 3 objects"
    assert wrote[2].endswith(".json: what belongs to no case, 1 objects")
    assert following == f"next: tocsin publish --config publisher.toml {folder}/*.json"
    records = desk.records()
    assert len(records) == 3
    assert case(2) in records[case(2)["id"]]
    for path in folder.iterdir():
        objects = stix21.read(path.read_bytes())
        if path.stem.startswith("campaign"):
            compose(objects, now=NOW)
        else:
            assert objects[0].name == "Objects of the feed"


async def test_a_second_run_writes_what_is_new_alone(server, desk):
    server.model.add(case(1), case(2))
    desk.configure(server.url)
    await desk()
    later = desk.folder / "later"
    code, out, _ = await desk("--out", later)
    assert (code, out) == (0, "took 0 new objects from 1 pages; 2 were known\n")
    assert not later.exists()
    server.model.add(malware(1), tie(3, case(1), malware(1)))
    code, out, _ = await desk("--out", later)
    assert "a case, 3 objects, a new version with more in it" in out
    [objects] = desk.records("later").values()
    assert objects[0] == case(1, modified="2026-01-02T00:00:00.000Z")


async def test_a_case_with_new_words_only_in_what_many_share_is_not_written(
    server, desk
):
    maker = part("identity", 1, name="CERT", identity_class="organization")
    server.model.add(maker, case(1, created_by_ref=maker["id"]))
    desk.configure(server.url)
    await desk()
    server.model.add(maker | {"modified": "2026-03-02T00:00:00.000Z"})
    code, out, _ = await desk("--out", desk.folder / "later")
    assert code == 0
    assert desk.records("later") == {}
    assert "next:" not in out


async def test_what_waits_and_what_is_left_out_is_said(server, desk):
    server.model.add(part("identity", 1, name="CERT"))
    server.change = with_item({"type": "campaign", "id": "../../campaign"})
    desk.configure(server.url)
    code, out, err = await desk()
    assert code == 0
    assert "1 markings and identities wait for what refers to them" in out
    assert err.startswith("tocsin: taxii-object: 1: without a STIX id")


def with_item(item):
    def change(response):
        envelope = json.loads(response.body)
        envelope["objects"].append(item)
        response.body = json.dumps(envelope).encode()
        return response

    return change


async def test_objects_that_are_not_valid_are_written_as_they_came(server, desk):
    odd = case(1, name=7, confidence="certain", x_more={"a": [None]})
    server.model.add(odd)
    desk.configure(server.url)
    assert (await desk())[0] == 0
    assert desk.records() == {odd["id"]: [odd]}


async def test_json_has_a_line_per_record_and_one_for_the_run(server, desk):
    server.model.add(case(1), malware(1))
    desk.configure(server.url)
    _, out, _ = await desk("--json")
    first, second, summary = map(json.loads, out.splitlines())
    assert first == {
        "ok": True,
        "file": str(desk.folder / "out" / f"{case(1)['id']}.json"),
        "case": True,
        "objects": 1,
        "raised": False,
    }
    assert second["case"] is False
    assert summary == {
        "ok": True,
        "pages": 1,
        "new": 2,
        "known": 0,
        "records": 2,
        "same": 0,
        "waiting": 0,
        "findings": [],
    }


async def test_a_reason_to_stop_is_said_and_what_came_is_written(server, desk):
    server.model.gives_next = "never"
    server.model.headers = "absent"
    for number in range(15):
        server.model.add(case(number))
    desk.configure(server.url)
    code, out, err = await desk()
    assert code == 1
    assert "took 10 new objects" in out
    assert err.startswith("tocsin: stopped: taxii-instant: there is more")
    assert len(desk.records()) == 10
    _, out, _ = await desk("--json")
    summary = json.loads(out.splitlines()[-1])
    assert (summary["ok"], summary["reason"]) == (False, "taxii-instant")


async def test_a_page_that_cannot_be_read_is_named_by_its_place(server, desk):
    def doubled(response):
        response.body = b'{"objects": [{"a": 1, "a": 2}]}'
        return response

    server.change = doubled
    desk.configure(server.url)
    code, _, err = await desk()
    assert code == 1
    assert "duplicate-key at $.objects[0]" in err


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [(401, 2, "taxii-login"), (404, 2, "taxii-missing"), (400, 1, "taxii-refused")],
)
async def test_a_refusal_has_its_exit_code(server, desk, status, code, reason):
    server.before = lambda _: refusal(status)
    desk.configure(server.url)
    found, _, err = await desk()
    assert found == code
    assert f"stopped: {reason}: " in err


def refusal(status):
    return web.Response(status=status)


async def test_a_server_that_is_away_keeps_cases_until_they_are_whole(
    server, desk, monkeypatch
):
    async def at_once(_seconds):
        pass

    monkeypatch.setattr("adapters.taxii.polling.asyncio.sleep", at_once)
    for number in range(15):
        server.model.add(case(number))
    server.before = lambda _: refusal(503) if len(server.requests) > 1 else None
    desk.configure(server.url)
    code, out, err = await desk()
    assert code == 3
    assert "took 10 new objects" in out
    assert "stopped: taxii-busy" in err
    assert not (desk.folder / "out").exists()
    server.before = lambda _: None
    assert (await desk())[0] == 0
    assert len(desk.records()) == 15


async def test_nothing_listens(desk, monkeypatch):
    async def at_once(_seconds):
        pass

    monkeypatch.setattr("adapters.taxii.polling.asyncio.sleep", at_once)
    desk.configure(f"http://127.0.0.1:1{PATH}")
    code, _, err = await desk()
    assert code == 3
    assert "taxii-unreachable" in err


async def test_a_folder_that_cannot_be_written_loses_nothing(server, desk):
    server.model.add(case(1))
    desk.configure(server.url)
    (desk.folder / "out").write_text("a file")
    code, _, err = await desk()
    assert code == 2
    assert "cannot use the folder" in err
    (desk.folder / "out").unlink()
    assert (await desk())[0] == 0
    assert set(desk.records()) == {case(1)["id"]}


async def test_a_run_cut_short_while_it_writes_writes_the_same_again(
    server, desk, monkeypatch
):
    server.model.add(case(1), case(2), malware(1))
    desk.configure(server.url)

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("adapters.taxii.polling._sync_folder", dies)
        assert (await desk())[0] == 130
    first = desk.records()
    left = desk.folder / "out" / ".unfinished-campaign"
    left.write_text("half")
    assert (await desk())[0] == 0
    assert desk.records() == first
    assert not left.exists()


@pytest.mark.parametrize(
    "change", [{"url": "http://taxii.example/c/1/"}, {"limit": 0}, {"user": "cert"}]
)
async def test_a_configuration_that_cannot_be_right_ends_with_2(desk, change):
    settings = {"url": "https://taxii.example/c/1/", "allow_private": False}
    desk.configure(**(settings | change))
    code, _, err = await desk()
    assert code == 2
    assert err.startswith("tocsin: configuration: ")
