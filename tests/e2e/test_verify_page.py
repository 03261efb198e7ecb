"""docs/verify.html: the format, implemented a second time from docs/protocol.md alone.

It gives the manifest's answer to every vector, shows what was signed and nothing else,
and asks nobody for anything. One long file: all of it is one page, driven by the same
few gestures.
"""

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support import records
from tests.support.browser import Page, open_browser
from tests.support.hub import tocsin

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = Path(__file__).parents[2] / "docs" / "verify.html"
VECTORS = Path(__file__).parents[1] / "vectors"
MANIFEST = json.loads((VECTORS / "manifest.json").read_text("utf-8"))
# What a reader of evidence may leave to the hub (docs/protocol.md, 6).
LEFT_TO_THE_HUB = {"stix", "gate"}
ANSWER = "document.querySelector('.verdict')"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Page]:
    """One browser for all: the page keeps nothing, and is opened anew for each."""
    async with open_browser() as page:
        yield page


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Page) -> Page:
    """The page, opened, in a time zone that the tests know."""
    await browser.command("Emulation.clearDeviceMetricsOverride")
    await browser.command("Emulation.setTimezoneOverride", timezoneId="UTC")
    await browser.goto(PAGE)
    browser.asked.clear()
    browser.errors.clear()
    return browser


@pytest.fixture
def write(tmp_path: Path):
    def write(name: str, content: bytes | str) -> Path:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return write


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real deliveries with receipts, and the directory, as `tocsin demo` leaves them."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    tocsin("demo", "--keep", str(folder))
    return folder


def delivery(demo: Path, member: str = "monitor-veritas") -> list[Path]:
    [folder] = (demo / "received" / member).glob("00000001-*")
    return sorted(folder.iterdir())


def jwk_file(write, by: Any = records.CERT) -> Path:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": by.jwk.x, "kid": by.kid}
    return write(f"{by.org}.jwk", json.dumps(jwk))


async def give(page: Page, where: str, *files: Path) -> None:
    """Choose files, and wait until the page checks anew."""
    before = await page.evaluate("turn")
    await page.upload(f"#{where}-files", *files)
    await page.wait_for(f"turn > {before}")


async def paste(page: Page, where: str, text: str) -> None:
    await page.evaluate(
        f"(area => {{ area.value = {json.dumps(text)}; area.dispatchEvent("
        "new InputEvent('input', {inputType: 'insertFromPaste'})) })"
        f"(document.querySelector('#{where}-text'))"
    )


async def judge_as_of_the_records(page: Page) -> None:
    """Set the clock of the page to that of `tests.support.records`."""
    await page.evaluate("document.querySelector('#now').value = '2026-12-01T12:00:00'")


async def answer(page: Page) -> str:
    await page.wait_for(ANSWER)
    return await page.text(".verdict")


def is_silent(page: Page) -> bool:
    return page.asked == [] and page.errors == []


# ------------------------------------------------------------------- vectors


def token(vector: dict[str, Any]) -> bytes:
    """Give the token of a vector; recipes as in tests/vectors/README.md."""
    if "token" in vector:
        return (VECTORS / vector["token"]).read_bytes()
    recipe = vector["recipe"]
    if "parts" in recipe:
        return b"".join(map(part, recipe["parts"]))
    jwt, *texts = (VECTORS / recipe["of"]).read_bytes().split(b"~")
    return b"".join(text + b"~" for text in [jwt, *(texts[i] for i in recipe["keep"])])


def part(of: dict[str, Any]) -> bytes:
    text = (VECTORS / of["of"]).read_bytes() if "of" in of else of["text"].encode()
    return text * of.get("times", 1)


async def ask(page: Page, vector: dict[str, Any]) -> dict[str, Any]:
    keys = MANIFEST["keys"] + MANIFEST["services"]
    times = {"now": vector.get("now", MANIFEST["now"])}
    if vector.get("first_seen") is not None:
        times["firstSeen"] = vector["first_seen"]
    text = base64.b64encode(token(vector)).decode()
    return await page.evaluate(
        f"tocsinVerify(Uint8Array.from(atob('{text}'), c => c.charCodeAt(0)), "
        f"{json.dumps(keys)}, {json.dumps(times)})"
    )


async def disagreements(page: Page, result: str) -> list[Any]:
    chosen = [each for each in MANIFEST["vectors"] if each["result"] == result]
    assert chosen
    given = [(each, await ask(page, each)) for each in chosen]
    return [(each["name"], got) for each, got in given if not agrees(each, got)]


def agrees(vector: dict[str, Any], got: dict[str, Any]) -> bool:
    if vector["result"] == "ok":
        expected = json.loads((VECTORS / vector["expected"]).read_text("utf-8"))
        return got == {"ok": True, "result": expected}
    if got["ok"]:
        return vector["level"] in LEFT_TO_THE_HUB
    return got["reason"] in {vector["reason"], *vector.get("also", [])}


async def test_every_good_vector_says_what_the_manifest_expects(page: Page):
    assert await disagreements(page, "ok") == []
    assert is_silent(page)


async def test_every_bad_vector_is_refused_for_the_reason_in_the_manifest(page: Page):
    assert await disagreements(page, "refused") == []
    assert is_silent(page)


async def test_every_reason_has_a_sentence_and_an_advice(page: Page):
    protocol = (PAGE.parent / "protocol.md").read_text("utf-8")
    rows = re.findall(r"^\| (?:format|record|directory) \|.*", protocol, re.MULTILINE)
    reasons = set(re.findall(r"`([a-z0-9-]+)`", " ".join(rows)))
    assert len(reasons) > 40
    assert reasons <= set(await page.evaluate("Object.keys(REASONS)"))
    assert await page.evaluate("Object.values(REASONS).every(([, a]) => ADVICE[a])")


async def test_every_text_that_the_page_uses_is_in_its_table(page: Page):
    source = PAGE.read_text("utf-8")
    used = {
        *re.findall(r"TEXT\.(\w+)", source),
        *re.findall(r"""(?:data-t="|row\("|plainList\(")(\w+)""", source),
    }
    assert len(used) > 60
    assert used - {"aud"} <= set(await page.evaluate("Object.keys(TEXT)"))


# ----------------------------------------------------------------- the page


async def test_a_delivery_and_the_directory_are_dropped_and_read(
    page: Page, demo: Path
):
    members = sorted((demo / "directory" / "members").iterdir())
    await page.drop("#key-zone", *members, demo / "directory" / "services" / "hub.json")
    await page.wait_for(
        "document.querySelector('#key-list').innerText.includes('hub/')"
    )
    await page.drop("#evidence-zone", *delivery(demo))
    said = await answer(page)
    assert "Genuine, with parts withheld" in said
    assert re.search(r"signed by CERT Aquenia\..* at most \d+ parts .* withheld", said)
    everything = await page.text()
    assert "The receipt was signed by Tocsin demo hub" in everything
    assert "projection.json is the file that the receipt names" in everything
    assert "delivery.json names this token" in everything
    assert "TLP:GREEN May be passed on within the community" in everything
    assert is_silent(page)


async def test_whole_folders_are_dropped(page: Page, demo: Path):
    await page.drop("#key-zone", demo / "directory")
    await page.wait_for("trusted.some(key => key.services)")
    await page.drop("#evidence-zone", delivery(demo)[0].parent)
    assert "Genuine, with parts withheld" in await answer(page)
    assert "The receipt was signed by Tocsin demo hub" in await page.text()


async def test_a_folder_that_the_browser_keeps_shut_is_said_to_be_one(
    page: Page, demo: Path
):
    await page.evaluate(
        "DataTransferItem.prototype.getAsFileSystemHandle = undefined;"
        "DataTransferItem.prototype.webkitGetAsEntry = () => ({createReader: () =>"
        " ({readEntries: (done, failed) => failed(new DOMException('shut'))})})"
    )
    await page.drop("#evidence-zone", delivery(demo)[0].parent)
    await page.wait_for("document.querySelector('#evidence-list li')")
    assert "open it and drop the files" in await page.text("#evidence-list")
    assert is_silent(page)


async def test_a_file_that_cannot_be_read_is_named(page: Page, write):
    await page.evaluate(
        "Blob.prototype.arrayBuffer = async () => { throw new DOMException('gone') }"
    )
    await give(page, "evidence", write("evidence.sdjwt", records.token()))
    assert "evidence.sdjwt could not be read" in await page.text("#evidence-list")
    assert is_silent(page)


def vector_keys(write) -> list[Path]:
    """The keys of the manifest, as members of a directory."""
    return [
        write(
            f"{entry['org']}.json",
            json.dumps({"org": entry["org"], "kinds": entry["kinds"], "keys": [entry]}),
        )
        for entry in MANIFEST["keys"]
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("joint-two-of-two", "cert-aq and cert-bv have signed it, 2 of 2 that must."),
        (
            "joint-one-may-not-others-enough",
            "cert-aq and cert-bv have signed it, 2 of 2 that must. Signed as well, but "
            "not counted, because of its key or of what it may publish: monitor-veritas.",
        ),
        ("joint-stripped", "not enough have: a signature is missing"),
    ],
)
async def test_who_signed_a_joint_record_is_said(page: Page, write, name, said):
    [vector] = [each for each in MANIFEST["vectors"] if each["name"] == name]
    await judge_as_of_the_records(page)
    await give(page, "key", *vector_keys(write))
    await give(page, "evidence", write("evidence.sdjwt.json", token(vector)))
    assert said in await answer(page)
    assert is_silent(page)


async def test_text_is_dropped_like_a_file(page: Page, write):
    await judge_as_of_the_records(page)
    await give(page, "key", jwk_file(write))
    await page.evaluate(
        "(data => { data.setData('text/plain', "
        f"{json.dumps(records.token().decode())});"
        "document.querySelector('#evidence-text').dispatchEvent(new DragEvent('drop',"
        " {bubbles: true, dataTransfer: data})) })(new DataTransfer())"
    )
    assert "Genuine and whole" in await answer(page)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("projection.json", "projection.json is not the file that it names"),
        ("receipt.jwt", "The signature does not fit"),
        ("evidence.sdjwt", "The evidence is not the file that it names"),
    ],
)
async def test_a_receipt_ties_the_files_of_a_delivery_together(
    page: Page, demo: Path, write, changed: str, said: str
):
    files = {each.name: each.read_bytes() for each in delivery(demo)}
    if changed == "evidence.sdjwt":  # another cut of the same token
        files[changed] = files[changed].split(b"~")[0] + b"~"
    elif changed == "receipt.jwt":
        files[changed] = files[changed][:-8] + b"AAAAAAAA"
    else:
        files[changed] = files[changed].replace(b"voter", b"later", 1)
    directory = demo / "directory"
    await give(page, "key", directory / "members" / "cert-aq.json")
    await give(page, "key", directory / "services" / "hub.json")
    await give(page, "evidence", *(write(name, text) for name, text in files.items()))
    await answer(page)
    everything = await page.text("#content")
    assert f"The receipt does not hold: {said}" in everything


HUB = records.signer("hub")


def key_of(by: Any, **changes: Any) -> dict[str, Any]:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": by.jwk.x, "kid": by.kid}
    return {"jwk": jwk, "not_before": "2026-01-01T00:00:00Z"} | changes


def receipt(by: Any = HUB, **changes: Any) -> bytes:
    """Make the receipt of `records.token()`, given out as it is."""
    header = {"alg": "EdDSA", "kid": by.kid, "typ": "vnd.tocsin.receipt+jwt"}
    text = records.token()
    claims = {
        "iss": "urn:tocsin:org:hub",
        "iat": records.NOW,
        "token": records.sha(text.split(b"~")[0].rpartition(b".")[0]),
        "audience": "civil-society",
        "evidence": records.sha(text),
    } | changes
    signed = b".".join(records.b64(records.as_json(each)) for each in (header, claims))
    signature = records.private_key(by.org).sign(signed)
    return signed + b"." + records.b64(signature)


@pytest.mark.parametrize(
    ("services", "dates", "changes", "said"),
    [
        (["adapter"], {}, {}, "The receipt was signed by Hub"),
        (["gate"], {}, {}, "its signature was not checked"),
        (["adapter"], {}, {"by": records.STRANGER}, "its signature was not checked"),
        (["adapter"], {}, {"token": "A" * 43}, "(receipt-token)"),
        (["adapter"], {}, {"evidence": "A" * 43}, "(receipt-evidence)"),
        (["adapter"], {}, {"iss": "urn:tocsin:org:cert-aq"}, "(claims)"),
        (["adapter"], {}, {"iat": "now"}, "(claims)"),
        (["adapter"], {}, {"iat": records.NOW + 121}, "(issued-in-future)"),
        (["adapter"], {"not_before": "2026-12-01T12:00:01Z"}, {}, "(key-not-valid)"),
        (["adapter"], {"revoked_at": "2026-12-01T12:00:00Z"}, {}, "(key-revoked)"),
    ],
)
async def test_a_receipt_counts_only_if_all_of_it_holds(
    page: Page,
    write,
    services: list[str],
    dates: dict[str, str],
    changes: dict[str, Any],
    said: str,
):
    entry = {"org": "hub", "name": "Hub", "services": services}
    entry["keys"] = [key_of(HUB, **dates)]
    await judge_as_of_the_records(page)
    await give(page, "key", jwk_file(write), write("hub.json", json.dumps(entry)))
    evidence = write("evidence.sdjwt", records.token())
    await give(page, "evidence", evidence, write("receipt.jwt", receipt(**changes)))
    assert "Genuine and whole" in await answer(page)
    await page.wait_for("document.querySelector('#content ul')")
    everything = await page.text("#content")
    assert said in everything
    assert ("The receipt was signed" in everything) == ("was signed" in said)


async def test_without_the_hubs_key_a_receipt_proves_nothing(page: Page, demo: Path):
    await give(page, "key", demo / "directory" / "members" / "cert-aq.json")
    await give(page, "evidence", *delivery(demo))
    await answer(page)
    assert "Anybody could have written such a receipt" in await page.text("#content")


async def test_a_key_among_the_evidence_is_never_trusted(page: Page, write):
    await judge_as_of_the_records(page)
    evidence = write("evidence.sdjwt", records.token())
    await give(page, "evidence", jwk_file(write), evidence)
    said = await page.text()
    assert "a key that comes with the evidence proves nothing" in said
    assert "Now add the key" in said
    assert await page.evaluate(ANSWER) is None


async def test_pasted_evidence_and_keys_are_judged_as_of_a_day(page: Page, write):
    await judge_as_of_the_records(page)
    strange = jwk_file(write, records.STRANGER).read_text()
    await paste(page, "key", f"{strange}\n{jwk_file(write).read_text()}\n")
    await paste(page, "evidence", records.token().decode() + "\n")
    assert "Genuine and whole" in await answer(page)
    everything = await page.text()
    assert "A voter register was copied" in everything
    assert "192[.]0[.]2[.]7" in everything
    assert "2026-12-01 12:00:00 UTC (chosen by you)" in everything
    assert "marked more strictly. For these, where shown: TLP:AMBER" in everything
    assert "withheld" not in await page.text("#content")
    assert "undefined" not in everything


async def test_the_computers_clock_counts_without_an_entry(page: Page, write):
    await page.evaluate("Date.now = () => Date.parse('2030-01-01T00:00:00Z')")
    await give(page, "key", jwk_file(write))
    await give(page, "evidence", write("evidence.sdjwt", records.token()))
    assert "Reason code: expired" in await answer(page)


async def test_missing_sentences_are_seen_where_they_are_missing(page: Page, write):
    [vector] = [v for v in MANIFEST["vectors"] if v["name"] == "text-two-gaps"]
    await judge_as_of_the_records(page)
    await give(page, "key", jwk_file(write))
    await give(page, "evidence", write("evidence.sdjwt", token(vector)))
    assert "Genuine, with parts withheld" in await answer(page)
    assert await page.evaluate("document.querySelectorAll('.card .gone').length") == 2


# ----------------------------------------------------------------- refusals


async def refused(page: Page, write, text: bytes, *keys: Path) -> str:
    await judge_as_of_the_records(page)
    await give(page, "key", *keys)
    await give(page, "evidence", write("evidence.sdjwt", text))
    said = await answer(page)
    assert "Refused: do not rely on this" in said
    assert await page.evaluate("document.querySelector('#content').innerText") == ""
    assert "voter" not in await page.text()
    assert is_silent(page)
    return said


async def test_nothing_of_an_altered_token_is_shown(page: Page, write):
    jwt, rest = records.token().split(b"~", 1)
    altered = jwt[:-4] + b"AAAA~" + rest
    said = await refused(page, write, altered, jwk_file(write))
    assert "Reason code: signature" in said


async def test_an_added_part_is_refused(page: Page, write):
    added = records.token() + records.disclosure(records.SALT, "name", "voter") + b"~"
    said = await refused(page, write, added, jwk_file(write))
    assert "unreferenced-disclosure" in said


async def test_an_unknown_key_says_where_to_ask(page: Page, write):
    said = await refused(
        page, write, records.token(), jwk_file(write, records.PLATFORM)
    )
    assert "Reason code: unknown-key" in said
    assert "not the sender" in said


async def test_a_false_key_of_the_right_name_is_not_taken(page: Page, write):
    false = json.loads(jwk_file(write).read_text()) | {"x": records.STRANGER.jwk.x}
    await give(page, "key", write("cert-aq.jwk", json.dumps(false)))
    assert "was not used" in await page.text("#key-list")
    await give(page, "evidence", write("evidence.sdjwt", records.token()))
    assert "Now add the key" in await page.text()


def x_of(number: int) -> str:
    """Spell a point by its y coordinate (RFC 8032, 5.1.2)."""
    return records.b64(number.to_bytes(32, "little")).decode()


def named(jwk: dict[str, Any]) -> dict[str, Any]:
    """Give a key the name that it should have (RFC 7638)."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y") if name in jwk}
    text = json.dumps(members, separators=(",", ":")).encode()
    return jwk | {"kid": f"cert-aq/{records.sha(text)[:16]}"}


P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022


@pytest.mark.parametrize(
    "changes",
    [
        *({"x": x_of(y)} for y in (0, 1, P - 1, ORDER_8, P - ORDER_8)),
        {"x": x_of(P + 3)},  # y = 3, spelled a second way
        {"x": x_of(2)},  # no x fits y = 2
        {"x": records.CERT.jwk.x[:-1]},
        {"crv": "X25519"},
        {"y": records.CERT.jwk.x},
        {"use": "sig"},
        {"kty": "RSA"},
        {"kty": "constructor"},
        {"kty": "EC", "crv": "P-256", "y": records.CERT.jwk.x},
    ],
)
async def test_a_bad_key_is_refused_before_any_token_is_read(
    page: Page, changes: dict[str, Any]
):
    assert await verdict_under(page, named(key_of(records.CERT)["jwk"])) is None
    bad = named(key_of(records.CERT)["jwk"] | changes)
    assert await verdict_under(page, bad) == "bad-key"


@pytest.mark.parametrize("kid", ["cert-aq/AAAAAAAAAAAAAAAA", None, "cert-aq", 1])
async def test_a_key_has_the_name_that_its_thumbprint_gives(page: Page, kid: Any):
    jwk = key_of(records.CERT)["jwk"] | {"kid": kid}
    assert await verdict_under(page, jwk) == "bad-key"


async def test_two_names_for_one_key_are_refused(page: Page):
    good = key_of(records.CERT)["jwk"]
    assert await verdict_under(page, good, kid=good["kid"]) is None
    other = good | {"kid": records.STRANGER.kid}
    assert await verdict_under(page, other, kid=good["kid"]) == "bad-key"


async def test_a_signature_whose_r_is_of_small_order_is_refused(page: Page):
    """R the neutral point, S = h·a: it holds by the equation of RFC 8032, 5.1.7."""
    jwt, rest = records.token().split(b"~", 1)
    signed = jwt.rpartition(b".")[0]
    seed = hashlib.sha256(b"cert-aq").digest()
    scalar = bytearray(hashlib.sha512(seed).digest()[:32])
    scalar[0] &= 248
    scalar[31] = scalar[31] & 127 | 64
    r = b"\x01" + bytes(31)
    public = base64.urlsafe_b64decode(records.CERT.jwk.x + "=")
    h = int.from_bytes(hashlib.sha512(r + public + signed).digest(), "little")
    s = h * int.from_bytes(scalar, "little") % ORDER
    signature = records.b64(r + s.to_bytes(32, "little"))
    token = b"~".join([signed + b"." + signature, rest])
    jwk = key_of(records.CERT)["jwk"]
    bare = jwk | {"key_ops": ["verify"]}
    raw = ", ".join(
        f"Uint8Array.from(atob('{base64.b64encode(each).decode()}'), c => c.charCodeAt(0))"
        for each in (r + s.to_bytes(32, "little"), signed)
    )
    assert await page.evaluate(
        f"crypto.subtle.importKey('jwk', {json.dumps(bare)}, 'Ed25519', false, ['verify'])"
        f".then(key => crypto.subtle.verify('Ed25519', key, {raw}))"
    )
    assert await verdict_under(page, jwk, token=token) == "signature"


async def verdict_under(
    page: Page, jwk: dict[str, Any], token: bytes | None = None, **entry: Any
) -> str | None:
    """Give the reason for which a token, a good one if none, is refused under a key."""
    text = json.dumps((token or records.token()).decode())
    entries = json.dumps([entry | {"jwk": jwk}])
    got = await page.evaluate(
        f"tocsinVerify({text}, {entries}, {{now: {records.NOW}}})"
    )
    return got.get("reason")


async def test_no_bare_key_takes_a_withdrawal_back(page: Page, write):
    entry = {"org": "cert-aq", "name": "CERT", "kinds": ["incident"]}
    dates = {"not_after": "2027-01-01T00:00:00Z", "revoked_at": "2026-06-01T00:00:00Z"}
    member = write(
        "m.json", json.dumps(entry | {"keys": [key_of(records.CERT, **dates)]})
    )
    await judge_as_of_the_records(page)
    await give(page, "evidence", write("evidence.sdjwt", records.token()))
    await give(page, "key", jwk_file(write))
    assert "Genuine" in await answer(page)
    for after in (member, jwk_file(write)):
        await give(page, "key", after)
        await page.wait_for(f"{ANSWER}?.classList.contains('bad')")
        assert "Reason code: key-revoked" in await answer(page)
    assert await page.evaluate("trusted.length") == 1


async def test_a_private_key_is_not_taken_and_its_owner_warned(page: Page, write):
    secret = json.loads(jwk_file(write).read_text()) | {"d": "A" * 43}
    await give(page, "key", write("cert-aq.jwk", json.dumps(secret)))
    assert "Never hand that to anybody" in await page.text("#key-list")


async def test_a_refused_token_takes_the_place_of_a_good_one(page: Page, write):
    await judge_as_of_the_records(page)
    await give(page, "key", jwk_file(write))
    await give(page, "evidence", write("evidence.sdjwt", records.token()))
    assert "Genuine" in await answer(page)
    await give(page, "evidence", write("evidence.sdjwt", records.token()[:-1]))
    await page.wait_for(f"{ANSWER}.classList.contains('bad')")
    assert "Reason code: framing" in await answer(page)
    assert "voter" not in await page.text()


async def test_another_token_takes_nothing_over_from_the_one_before(
    page: Page, demo: Path, write
):
    await give(page, "key", demo / "directory" / "members" / "cert-aq.json")
    await give(page, "evidence", *delivery(demo))
    assert "receipt" in await page.text("#evidence-list")
    [evidence] = [each for each in delivery(demo) if each.suffix == ".sdjwt"]
    await give(page, "evidence", evidence)
    await page.wait_for(ANSWER)
    assert "receipt" not in await page.text("#evidence-list")
    assert "receipt" not in await page.text("#content")


async def test_what_was_given_can_be_taken_back(page: Page, write):
    await judge_as_of_the_records(page)
    await give(page, "key", jwk_file(write))
    await give(page, "evidence", write("evidence.sdjwt", records.token()))
    assert "Genuine" in await answer(page)
    await page.click("#key-list button")
    await page.wait_for(f"!{ANSWER}")
    assert "voter" not in await page.text()
    await give(page, "key", jwk_file(write))
    assert "Genuine" in await answer(page)
    await page.click("#evidence-clear")
    await page.wait_for(f"!{ANSWER}")
    assert "voter" not in await page.text()


# ------------------------------------------------------------------ safety

HOSTILE = (
    "<img src=x onerror='window.ran=1'><script>window.ran=1</script>"
    "</pre></style><a href='javascript:ran=1'>x</a> https://evil.example/a?b \u202egnp"
)


async def test_markup_in_a_record_stays_text(page: Page, write):
    incident = records.incident(
        name=HOSTILE,
        description=HOSTILE,
        labels=[HOSTILE, "second"],
        x_constructor={"constructor": {"prototype": {"polluted": HOSTILE}}},
        external_references=[{"source_name": HOSTILE, "url": "https://evil.example/"}],
    )
    await judge_as_of_the_records(page)
    await give(page, "key", jwk_file(write))
    token = records.token(records.draft(incident))
    await give(page, "evidence", write("evidence.sdjwt", token))
    assert "Genuine and whole" in await answer(page)
    shown = await page.text(".card")
    assert "<script>window.ran=1</script>" in shown
    assert "hxxps://evil[.]example/a?b" in shown
    assert "⟨U+202E⟩gnp" in shown
    assert "https://evil" not in shown
    assert await page.evaluate("window.ran") is None
    assert await page.evaluate("({}).polluted") is None
    assert await page.evaluate("document.querySelectorAll('#content img').length") == 0
    links = "[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"
    assert all(re.fullmatch(r"#object-\d+", to) for to in await page.evaluate(links))
    assert is_silent(page)


async def test_the_policy_allows_this_script_and_this_style_alone():
    source = PAGE.read_text("utf-8")
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', source)
    hashes = {}
    for name in ("script", "style"):
        [text] = re.findall(rf"<{name}>(.*?)</{name}>", source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes[name] = f"'sha256-{digest}'"
    assert policy == (
        f"default-src 'none'; script-src {hashes['script']}; "
        f"style-src {hashes['style']}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


@pytest.mark.parametrize(
    "script",
    [
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))",
        "document.body.setAttribute('onclick', 'window.ran = 1'); document.body.click()",
        "document.body.innerHTML = '<p>x'",
        "new Function('window.ran = 1')()",
        "fetch('https://somewhere.example/')",
        "document.body.append(Object.assign(new Image(), {src: 'https://somewhere.example/'}))",
    ],
)
async def test_the_policy_stops_what_the_page_never_does(page: Page, script: str):
    await page.evaluate(
        "globalThis.stopped = []; document.addEventListener("
        "'securitypolicyviolation', event => stopped.push(event.violatedDirective))"
    )
    await page.evaluate(
        f"(async () => {{ try {{ await new Promise(setTimeout); {script} }} catch {{}} }})()"
    )
    await page.wait_for("stopped.length")
    assert await page.evaluate("window.ran") is None
    assert page.asked == []


async def test_a_browser_without_ed25519_says_so_and_judges_nothing(page: Page, write):
    await page.evaluate(
        "SubtleCrypto.prototype.importKey = async () => { throw new DOMException("
        "'Unrecognized name.', 'NotSupportedError') }"
    )
    await judge_as_of_the_records(page)
    await give(page, "key", jwk_file(write))
    await give(page, "evidence", write("evidence.sdjwt", records.token()))
    said = await answer(page)
    assert "This browser cannot check it" in said
    assert "does not know the signature algorithm Ed25519" in said
    assert "Refused" not in said
    assert "voter" not in await page.text()


async def test_all_that_is_used_has_a_label_and_can_be_reached_by_keyboard(page: Page):
    unnamed = await page.evaluate(
        "[...document.querySelectorAll('input, textarea, button')].filter(each =>"
        " !(each.labels?.length || each.textContent || each.ariaLabel)).length"
    )
    assert unnamed == 0
    assert await page.evaluate("document.querySelectorAll('[tabindex]').length") == 0
    assert await page.evaluate("document.documentElement.lang") == "en"
    assert await page.evaluate(
        "[...document.querySelectorAll('[data-t]')].every(e => e.innerText || e.closest('details'))"
    )


@pytest.mark.parametrize("width", [320, 640])
async def test_nothing_is_wider_than_a_phone(page: Page, demo: Path, width: int):
    await page.command(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=800, deviceScaleFactor=1, mobile=True,
    )  # fmt: skip
    await give(page, "key", demo / "directory" / "members" / "cert-aq.json")
    await give(page, "evidence", *delivery(demo))
    await answer(page)
    await page.evaluate(
        "document.querySelectorAll('details').forEach(d => d.open = true)"
    )
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
