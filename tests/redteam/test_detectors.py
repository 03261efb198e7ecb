"""Each attack finds its leak where one was put: in a copy, or in a broken step.

An attack that finds nothing proves something only if it can find something.
"""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from adapters import applying, receipts
from adapters.projection import EXTENSION_ID
from broker import base64url, signing, trust
from broker.errors import TrustError
from schemas import composing, facts
from schemas.markings import TLP_IDS
from tests.redteam import (
    on_counts,
    on_hashes,
    on_ids,
    on_probes,
    on_pseudonyms,
    on_times,
    on_twins,
    on_values,
    scenes,
)  # fmt: skip
from tests.redteam.leaks import MUST_FAIL
from tests.redteam.scenes import VICTIM, version
from tests.redteam.world import Case, Got, Version
from tests.support.views import INCIDENT, PERSON, new

replace = msgspec.structs.replace
NAME = PERSON["name"]
ADDRESS = new("ipv4-addr", "hers", value="198.51.100.23")
OBJECTS = [INCIDENT, *VICTIM, ADDRESS]
Change = Callable[[Got], Got]


def published(**more: Any) -> Version:
    return version(OBJECTS, number=801, primary=INCIDENT["id"], **more)


def changed(one: Version, change: Change, member: str = "") -> Version:
    """Change what members got, or one of them."""
    got = tuple(change(g) if member in ("", g.member) else g for g in one.got)
    return replace(one, got=got)


def of(*versions: Version, **more: Any) -> Case:
    return Case(name="planted", versions=versions, **more)


def edited(got: Got, edit: Callable[[list[dict[str, Any]]], None]) -> Got:
    """Write another projection."""
    bundle = json.loads(got.projection)
    edit(bundle["objects"])
    return replace(got, projection=json.dumps(bundle).encode())


def saying(text: str) -> Change:
    """Put words into the description of the incident."""

    def edit(objects: list[dict[str, Any]]) -> None:
        next(o for o in objects if o["type"] == "incident")["description"] = text

    return lambda got: edited(got, edit)


def numbered(number: str) -> Change:
    """Give the incident another number."""

    def edit(objects: list[dict[str, Any]]) -> None:
        one = next(o for o in objects if o["type"] == "incident")
        one["id"] = f"incident--{number}"

    return lambda got: edited(got, edit)


def disclosing(value: Any) -> Change:
    """Put a disclosure into the evidence; it is read as before."""
    text = base64url.encode(json.dumps(value).encode())

    def change(got: Got) -> Got:
        before = got.opened
        evidence = got.evidence + text + b"~"
        return replace(got, evidence=evidence, read=lambda _: before)

    return change


def accounting(**claims: Any) -> Change:
    """Write another receipt."""

    def change(got: Got) -> Got:
        body = base64url.encode(json.dumps(got.account | claims).encode())
        head, _, signature = got.receipt.split(b".")
        return replace(got, receipt=b".".join([head, body, signature]))

    return change


def with_pseudonym(value: str) -> Change:
    def edit(objects: list[dict[str, Any]]) -> None:
        one = next(o for o in objects if o["type"] == "incident")
        one["name"] = value
        one["extensions"].setdefault(EXTENSION_ID, {})["made"] = ["name"]

    return lambda got: edited(got, edit)


def found(attack: Any, case: Case) -> set[str]:
    return {hit.leak for hit in attack(case)}


# ------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    "written", [NAME, NAME.upper(), f"so {NAME}!", "Ilvara\u200b  Temcott"]
)
def test_a_name_that_stands_in_a_text(written):
    case = of(changed(published(), saying(written)))
    assert "values.standing" in found(on_values.standing, case)


@pytest.mark.parametrize(
    "written",
    [
        base64.b64encode(b"see " + NAME.encode()).decode(),
        base64.b64encode(b"a " + NAME.encode() + b" b").decode(),
        NAME.encode().hex(),
        NAME.encode().hex().upper(),
        NAME[::-1],
        "Ilvara%20Temcott".replace("l", "%6c").replace("e", "%65"),
        "Ilva-ra Tem_cott",
        " ".join(NAME),
    ],
)
def test_a_name_in_another_spelling(written):
    case = of(changed(published(), saying(written)))
    # What a folding reader makes of it may be the plain name.
    both = found(on_values.encoded, case) | found(on_values.standing, case)
    spelled = "%" in written
    assert both & {"values.encoded", "values.standing"} or spelled
    if spelled:
        escaped = "".join(f"%{byte:02x}" for byte in NAME.encode())
        case = of(changed(published(), saying(escaped)))
        assert "values.encoded" in found(on_values.encoded, case)


def test_a_name_in_a_delivery_a_receipt_a_log_line():
    one = published()
    rows = changed(one, lambda got: replace(got, about=f"{got.about} {NAME}"))
    notes = changed(one, accounting(note=NAME))
    for case in (of(rows), of(notes), of(one, said=f"event=x name={NAME}")):
        assert found(on_values.around, case) == {"values.around"}


def test_a_name_in_an_error(monkeypatch):
    def verify(*_: Any, **__: Any) -> None:
        raise TrustError("framing", f"$.{NAME}")

    monkeypatch.setattr(trust, "verify", verify)
    assert found(on_values.errors, of(published())) == {"values.error"}


def test_an_object_that_is_named_and_withheld():
    one = published()
    person = next(o["id"] for o in one.whole.plain if o.get("name") == NAME)
    case = of(changed(one, saying(f"see {person}"), "watch-all"))
    assert found(on_values.objects_named, case) == {"ids.withheld-named"}


# ---------------------------------------------------------------------------- ids


def test_an_id_that_derives_from_a_withheld_value_or_its_neighbour():
    for value in ("198.51.100.23", "198.51.7.9"):
        number = on_ids._of_value("value", value)
        case = of(changed(published(), numbered(number), "watch-all"))
        assert "ids.of-values" in found(on_ids.values, case)


@pytest.mark.parametrize("space", [uuid.NAMESPACE_URL, on_ids._STIX, on_ids._MISP])
def test_an_id_that_derives_from_a_name(space):
    case = of(changed(published(), numbered(str(uuid.uuid5(space, NAME))), "watch-all"))
    assert "ids.of-names" in found(on_ids.names, case)


def test_a_projected_id_without_a_key():
    one = published()
    text = f"civil-society {one.whole.claims.sub}".encode()
    for mac in (hashlib.sha256(text).digest(), hmac.digest(b"tocsin", text, "sha256")):
        number = str(uuid.UUID(bytes=mac[:16], version=5))
        case = of(changed(one, numbered(number), "watch-all"))
        assert found(on_ids.without_the_key, case) == {"ids.without-key"}


def test_one_projected_id_for_two_audiences():
    case = of(changed(published(), numbered(str(uuid.uuid5(uuid.NAMESPACE_DNS, "x")))))
    assert "ids.same-for-two" in found(on_ids.two_audiences, case)


def test_an_id_of_another_version():
    case = of(changed(published(), numbered("6ba7b810-9dad-11d1-80b4-00c04fd430c8")))
    assert found(on_ids.shapes, case) == {"ids.shape"}


def test_an_id_that_had_to_be_replaced():
    case = of(changed(published(), saying(f"see {PERSON['id']}")))
    assert "ids.original" in found(on_ids.kept, case)


def test_a_map_of_ids_that_two_records_share():
    lineage: dict[str, str] = {}
    other = new("incident", "Other")
    case = of(
        published(lineage=lineage),
        version([other, *VICTIM], number=802, lineage=lineage, primary=other["id"]),
    )
    assert "ids.over-records" in found(on_ids.lineages, case)


# ------------------------------------------------------------------------- hashes


def test_a_digest_without_salt():
    text = json.dumps(["", "name", NAME], separators=(",", ":"))
    digest = on_hashes.sha(base64url.encode(text.encode()))
    case = of(changed(published(), disclosing(["A" * 22, "x", {"_sd": [digest]}])))
    assert "hashes.guessed" in found(on_hashes.guesses, case)


def test_a_salt_that_is_used_twice():
    one = published()
    salt = next(iter(on_hashes.salts(one.got[0])))
    case = of(changed(one, disclosing([salt, "another"])))
    assert found(on_hashes.salts_again, case) == {"hashes.salt-again"}
    again = version(OBJECTS, number=803, primary=INCIDENT["id"])
    case = of(one, changed(again, disclosing([salt, "another"])))
    assert found(on_hashes.salts_again, case) == {"hashes.salt-again"}


def test_a_digest_that_stays():
    one, two = published(), version(OBJECTS, number=804, primary=INCIDENT["id"])
    digest = min(on_hashes.unknown(one.got[-1]))
    case = of(one, changed(two, disclosing(["B" * 22, {"_sd": [digest]}])))
    assert found(on_hashes.unchanged, case) == {"hashes.unchanged"}


def test_a_receipt_over_one_part_without_salt():
    one = published()
    whole = one.whole.opened
    open_text = base64url.encode(b'["","name","Ilvara Temcott"]')
    texts = (open_text, *whole.texts[1:])
    one.__dict__["whole"] = replace(one.whole, opened=replace(whole, texts=texts))
    received = on_hashes.sha(b"~".join([whole.jwt, *texts, b""]))

    def change(got: Got) -> Got:
        before = got.opened
        evidence = b"~".join([whole.jwt, *texts[1:], b""])
        got = accounting(received=received)(got)
        return replace(got, evidence=evidence, read=lambda _: before)

    # `replace` forgets what was computed: the whole must be the planted one.
    planted = changed(one, change)
    planted.__dict__["whole"] = one.whole
    assert found(on_hashes.of_received, of(planted)) == {"hashes.received"}


def test_a_bundle_id_that_everybody_can_compute():
    case = next(c for c in scenes.sequences() if c.name == "one audience, two views")
    assert found(on_hashes.of_a_neighbour, case) == set()

    def change(got: Got) -> Got:
        name = f"{got.opened.token_id} {got.audience} {got.scope}".encode()
        number = uuid.UUID(bytes=hashlib.sha256(name).digest()[:16], version=5)
        bundle = json.loads(got.projection) | {"id": f"bundle--{number}"}
        text = json.dumps(bundle, separators=(",", ":"), ensure_ascii=False).encode()
        return accounting(projection=on_hashes.sha(text))(replace(got, projection=text))

    planted = of(changed(case.versions[0], change))
    assert found(on_hashes.of_a_neighbour, planted) == {"hashes.neighbour"}


# --------------------------------------------------------------------- pseudonyms


def test_a_pseudonym_without_a_key():
    for digest in (
        hashlib.sha256(NAME.casefold().encode()).hexdigest(),
        hmac.new(b"tocsin", NAME.encode(), "sha256").hexdigest(),
    ):
        made = with_pseudonym(f"incident-{digest[:12]}")
        case = of(changed(published(), made, "cert-bv"))
        assert "pseudonyms.guessed" in found(on_pseudonyms.dictionary, case)


def test_a_pseudonym_beside_what_it_stands_for():
    one = published()
    assert found(on_pseudonyms.beside_the_value, of(one)) == set()
    case = of(changed(one, saying(f"By {NAME}."), "cert-bv"))
    assert found(on_pseudonyms.beside_the_value, case) == {"pseudonyms.beside-value"}


def test_one_pseudonym_for_two_audiences():
    case = of(changed(published(), with_pseudonym("incident-0123456789ab")))
    assert "pseudonyms.same-for-two" in found(on_pseudonyms.over_audiences, case)


def test_one_pseudonym_in_two_periods():
    one = changed(published(), with_pseudonym("incident-0123456789ab"))
    later = changed(one, accounting(period="2027-Q1"))
    earlier = changed(one, accounting(period="2026-Q4"))
    leaks = found(on_pseudonyms.over_time, of(earlier, later))
    assert "pseudonyms.same-in-two-periods" in leaks


# ------------------------------------------------------- numbers, facts, structure


def test_a_record_without_decoys(monkeypatch):
    monkeypatch.setattr(signing, "OBJECTS_FILL", 1)
    assert "counts.objects-exact" in found(on_counts.objects, of(published()))


@pytest.mark.parametrize("reason", ["protected", "held"])
def test_a_receipt_that_tells_of_a_protected_person(reason):
    case = of(changed(published(), accounting(withheld={reason: "2-9"})))
    assert found(on_counts.reasons, case) == {"counts.protected"}


def test_a_copy_for_somebody_else():
    one = published()
    named = next(got for got in one.got if got.member == "cert-named")
    wrong = replace(one, got=(replace(named, member="watch-all"),))
    assert found(on_counts.addressed, of(one)) == set()
    assert found(on_counts.addressed, of(wrong)) == {"structure.addressed"}


def test_objects_in_the_issuers_order(monkeypatch):
    many = [new("course-of-action", f"Advice {n}") for n in range(12)]
    objects = [INCIDENT, *many]
    assert found(on_counts.order, of(version(objects, primary=INCIDENT["id"]))) == set()
    monkeypatch.setattr(signing, "_shuffled", lambda items, _: items)
    case = of(version(objects, primary=INCIDENT["id"]))
    assert found(on_counts.order, case) == {"structure.order"}


def test_a_fact_of_a_protected_person(monkeypatch):
    for name in ("groups_of", "groups_of_refs"):
        monkeypatch.setattr(facts, name, lambda _: set())
    case = scenes._protected()
    assert "facts.protected" in found(on_times.facts, case)
    assert "protected.told" in found(on_twins.objects, case)


def test_a_definition_that_protects_somebody(monkeypatch):
    monkeypatch.setattr(
        applying, "is_known_by_id", frozenset(TLP_IDS.values()).__contains__
    )
    monkeypatch.setattr(composing.terms, "KNOWN_BY_ID", frozenset(TLP_IDS.values()))
    case = scenes._protected()
    assert "protected.told" in found(on_counts.definitions, case)


def test_a_receipt_that_tells_protection_from_a_stricter_mark(monkeypatch):
    case = scenes._protected()
    assert found(on_twins.disguised, case) == set()
    monkeypatch.setattr(receipts, "_BY_MARKS", ("tlp-", "granular-"))
    assert found(on_twins.disguised, scenes._protected()) == {"protected.told"}


# -------------------------------------------------------------------------- twins


def telling(tell: Callable[[str, Got], Got | None]) -> Case:
    """Break the pipeline: what members get depends on the name in the whole record."""

    def given(token: bytes, **more: Any) -> tuple[Got, ...]:
        whole = version_of(token)
        name = next(
            (str(o["name"]) for o in whole.plain if o["type"] == "identity"
             and o.get("identity_class") == "individual"), ""
        )  # fmt: skip
        done = (tell(name, got) for got in scenes.world.give(token, **more))
        return tuple(got for got in done if got is not None)

    return of(published(given=given))


def version_of(token: bytes) -> Any:
    return Version(token=token, got=()).whole


def test_a_copy_that_holds_the_beginning_of_a_name():
    case = telling(lambda name, got: saying(f"By {name[:1]}.")(got))
    assert "twins.read" in found(on_twins.values, case)
    assert "twins.read-of-object" in found(on_twins.objects, case)


def test_a_copy_that_is_as_long_as_a_name():
    case = telling(
        lambda name, got: replace(got, projection=got.projection + b" " * len(name))
    )
    assert "twins.sizes" in found(on_twins.values, case)


def test_a_copy_with_a_gap_for_each_letter():
    def tell(name: str, got: Got) -> Got:
        before = got.opened
        origin = before.opened.origin
        gaps = origin.gaps | {("stix", "objects"): len(name)}
        opened = replace(before.opened, origin=replace(origin, gaps=gaps))
        return replace(got, read=lambda _: replace(before, opened=opened))

    assert "twins.gaps" in found(on_twins.values, telling(tell))


def test_a_fact_that_follows_a_name(monkeypatch):
    honest = composing.facts_of

    def with_a_letter(objects: Any, *more: Any) -> Any:
        made = honest(objects, *more)
        names = [getattr(o, "name", "") for o in objects if o.type == "identity"]
        letter = next(
            (n[:1].upper() for n in names if n != "Saltmere Savings Bank"), "A"
        )
        return replace(made, countries=(*made.countries, f"X{letter}"))

    monkeypatch.setattr(composing, "facts_of", with_a_letter)
    assert "twins.facts" in found(on_twins.values, of(published()))


def test_a_record_that_is_given_or_not_because_of_a_name():
    case = telling(lambda name, got: got if name == NAME else None)
    assert "twins.given" in found(on_twins.values, case)
    assert "twins.given-of-object" in found(on_twins.objects, case)


# ------------------------------------------------------------------------- probes


def test_a_guard_that_remembers_others_records(monkeypatch):
    case = of(published(), probed=True)
    assert found(on_probes.guard_of_others, case) == set()
    forgetful = SimpleNamespace(audience="peer-cert", words="So it is.")
    broken = SimpleNamespace(got=[forgetful])
    monkeypatch.setattr(on_probes, "version", lambda *_, **__: broken)
    assert found(on_probes.guard_of_others, case) == {"probes.guard"}


def test_pseudonyms_that_are_the_same_for_two_names(monkeypatch):
    case = of(published(), probed=True)
    assert found(on_probes.pseudonym_of_a_guess, case) == {"probes.pseudonym"}
    one = ("identity--1", "name", "identity-0123456789ab")
    monkeypatch.setattr(on_probes, "pseudonyms", lambda _: [one])
    assert "probes.collision" in found(on_probes.pseudonym_of_a_guess, case)


# ------------------------------------------------------------------- and all of them


def test_every_kind_that_must_fail_is_planted_here():
    with open(__file__, encoding="utf-8") as file:
        code = file.read()
    assert [leak for leak in MUST_FAIL if f'"{leak}"' not in code] == []


def test_nothing_is_found_where_nothing_was_put():
    case = of(published(), probed=True)
    modules = (on_values, on_ids, on_hashes, on_pseudonyms, on_counts, on_times)
    hits = [h for module in modules for attack in module.ALL for h in attack(case)]
    assert {hit.leak for hit in hits}.isdisjoint(MUST_FAIL)
