"""The page of `tocsin compare` in a real browser: it shows, asks for nothing, fits."""

from pathlib import Path
from typing import Any

import pytest

from adapters.compare_page import page
from adapters.comparing import compare, give
from tests.support.browser import Page
from tests.support.views import (
    AUTHOR,
    CIVIL,
    INCIDENT,
    NOW_TEXT,
    PEER,
    POLICY,
    VIEWS,
    sample,
    signed,
)

PHONE = 380


@pytest.fixture
def write(tmp_path: Path):
    def write(record: Any, *to: Any) -> Path:
        given = [give(record, v, POLICY, author=AUTHOR, now=NOW_TEXT) for v in to]
        file = tmp_path / "page.html"
        file.write_text(page(compare(record, POLICY, given), made_at=NOW_TEXT), "utf-8")
        return file

    return write


async def test_it_shows_its_tables_in_its_own_style_and_asks_for_nothing(
    browser: Page, write
):
    await browser.goto(write(sample("election-leak"), PEER, CIVIL))
    assert browser.errors == []
    assert browser.asked == []
    assert "whole record" in await browser.text(".warn")
    assert await browser.evaluate("document.querySelectorAll('.card').length") == 30
    # The policy of the page lets its style in: a withheld cell is grey.
    plain, grey = [
        await browser.evaluate(
            f"getComputedStyle(document.querySelector('td.{state}')).backgroundColor"
        )
        for state in ("full", "withheld")
    ]
    assert plain != grey
    assert "Free text is where names slip through" in await browser.text("#object-1")


@pytest.mark.parametrize("count", [1, 2, 4])
async def test_it_can_be_read_on_a_phone(browser: Page, write, count):
    await browser.command(
        "Emulation.setDeviceMetricsOverride",
        width=PHONE, height=800, deviceScaleFactor=1, mobile=True,
    )  # fmt: skip
    await browser.goto(
        write(sample("ai-video-campaign"), *list(VIEWS.values())[:count])
    )
    width = await browser.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE


async def test_it_has_a_dark_form(browser: Page, write):
    file = write(sample("bank-phishing"), PEER)
    colours = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await browser.command("Emulation.setEmulatedMedia", features=features)
        await browser.goto(file)
        colours.append(
            await browser.evaluate("getComputedStyle(document.body).backgroundColor")
        )
    assert colours[0] != colours[1]


async def test_a_hostile_record_does_nothing(browser: Page, write):
    words = (
        "</script><img src=http://127.0.0.1:9/x onerror=alert(1)><script>x()</script>"
    )
    record = signed(INCIDENT | {"name": words, "labels": ["\u202eevil"]})
    await browser.goto(write(record, PEER))
    assert browser.errors == []
    assert browser.asked == []
    assert words in await browser.text("#object-1")
    assert "U+202E" in await browser.text("#object-1")
    assert (
        await browser.evaluate("document.querySelectorAll('img, script').length") == 0
    )


async def test_it_prints(browser: Page, write):
    await browser.goto(write(sample("bank-phishing"), PEER, CIVIL))
    printed = await browser.command("Page.printToPDF", preferCSSPageSize=True)
    assert len(printed["data"]) > 10_000
