"""Journeys on the Memory page: live answers with cancel, brushing by mouse and keys, the truth beside it, a phone."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from playwright.sync_api import Locator, expect

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer, NewExplorer

pytestmark = pytest.mark.browser

KENYA = (0.5, 38.5)
# A click while another visitor's job runs: fractions of a second when idle; this only tells "answers" from "waits".
ANSWERS_SECONDS = 8.0
#: The longest question of the page: some seconds, so that there is something to cancel and to wait for.
LONG = "page=memory&method=expected_gradients&reach=two"


def progress(app: Explorer) -> Locator:
    """Bars of jobs under way (the page's own hidden bar of its frame has no name)."""
    return app.page.get_by_role("progressbar", name=re.compile(r"\w")).filter(visible=True)


def box_of(app: Explorer) -> dict[str, float]:
    """Where the heatmap is on the screen."""
    app.memory.first.scroll_into_view_if_needed()
    box = app.memory.first.bounding_box()
    assert box is not None
    return box  # type: ignore[return-value]


def test_a_live_answer_says_what_it_leaves_out_and_gives_way_to_the_cubes(app: Explorer) -> None:
    """Compute live: the note gives cost, memory and completeness gap; another cell is from the cubes again."""
    app.visit("v=1&page=memory&at=50.5,10.5")
    expect(app.memory).to_be_visible()
    expect(app.page.get_by_text("precomputed for the 15th of each month of 2005")).to_be_visible()
    shipped = app.picture(app.memory).tobytes()
    app.button("Compute live").click()
    note = app.page.get_by_text("every 12th day of 2005, 365 days back, computed live in")
    expect(note).to_have_text(
        re.compile(r"Mean memory \d+ days\. Not accounted for: [\d.]+ mm of [\d.]+ mm on average")
    )
    expect(progress(app)).to_have_count(0)
    app.drawn(app.memory, unlike=shipped)
    app.fill("Longitude, degrees east", "30.5")
    expect(app.place).not_to_contain_text("Germany")
    expect(app.page.get_by_text("precomputed for the 15th of each month of 2005")).to_be_visible()


def test_cancel_stops_a_job_and_leaves_the_page_as_it_was(app: Explorer) -> None:
    """After Cancel the bar goes, nothing more of the job arrives, no error is shown, and another can be asked for."""
    app.visit("v=1&page=memory&at=-25.5,135.5&reach=two")
    expect(app.page.get_by_text("every 12th day of 2005, 730 days back")).to_be_visible()
    app.pick("Method", "Expected gradients")
    expect(progress(app)).to_have_count(1)
    app.button("Cancel").filter(visible=True).click()
    expect(progress(app)).to_have_count(0)
    text = app.text_of(app.memory)
    app.page.wait_for_timeout(1500)
    assert app.text_of(app.memory) == text
    expect(app.page.get_by_text("Expected gradients, every 12th day")).to_have_count(0)
    expect(app.page.get_by_role("alert").filter(visible=True)).to_have_count(0)
    app.pick("Method", "Occlusion")
    expect(app.page.get_by_text("Occlusion, every 12th day")).to_be_visible()


def test_a_second_visitor_is_answered_while_the_first_waits(visitor: NewExplorer) -> None:
    """One visitor's long explanation holds up nobody else's clicks, and another choice ends it."""
    second = visitor().open()
    first = visitor()
    first.page.goto(f"{first._app}?v=1&at=64.5,100.5&{LONG}", wait_until="domcontentloaded")
    expect(progress(first)).to_have_count(1)
    started = time.monotonic()
    second.tap(*KENYA)
    expect(second.memory).to_have_attribute("aria-label", re.compile("Kenya"))
    took = time.monotonic() - started
    assert took < ANSWERS_SECONDS, f"the second visitor waited {took:.1f} s for a click"
    # the first visitor's own page answers too: another question ends the job that nobody waits for any more
    first.radio("Climate zone").click()
    expect(progress(first)).to_have_count(0)
    expect(first.memory).to_have_attribute("aria-label", re.compile("All land: .* longest in"))


def test_a_drag_over_the_heatmap_keeps_the_cells_that_show_it_and_the_chip_brings_all_back(app: Explorer) -> None:
    """Map, heatmap, chip and address follow the brush; the browser's back button undoes it."""
    app.visit("v=1&page=memory&rows=zone")
    expect(app.memory).to_have_attribute("aria-label", re.compile("All land"))
    every, box = app.cells_left(), box_of(app)
    # the right half of the boxes, the two rows in the middle
    left, width = box["x"] + 104, (box["width"] - 104) / 1.44
    app.page.mouse.move(left + 0.78 * width, box["y"] + 0.50 * box["height"])
    app.page.mouse.down()
    app.page.mouse.move(left + 0.97 * width, box["y"] + 0.56 * box["height"], steps=6)
    app.page.mouse.up()
    expect(app.page).to_have_url(re.compile(r"box=zone(,|%2C)"))
    chip = app.selection.get_by_role("button", name=re.compile("^Memory: "))
    expect(chip).to_be_visible()
    app.until(lambda: 0 < app.cells_left() < every, "the box filters nothing")
    expect(app.memory).to_have_attribute("aria-label", re.compile(r"[\d,]+ cells left: "))
    app.button("Remove the box").click()
    expect(app.page).not_to_have_url(re.compile("box="))
    app.until(lambda: app.cells_left() == every, "not every cell is back")


def test_keys_alone_choose_rows_a_box_and_a_map(app: Explorer, tmp_path: Path) -> None:
    """The same without a mouse: rows, box by buttons and fields, the table; and the file holds what is shown."""
    app.visit("v=1&page=memory")
    app.radio("Driver").focus()
    app.page.keyboard.press("ArrowRight")
    expect(app.page).to_have_url(re.compile("rows=month"))
    app.page.keyboard.press("ArrowLeft")
    expect(app.page).not_to_have_url(re.compile("rows="))
    rows = app.page.get_by_role("group", name="Rows of the box")
    rows.get_by_role("button", name="Precipitation").focus()
    app.page.keyboard.press("Enter")
    expect(app.page).to_have_url(re.compile("box=driver,precipitation,90,364"))
    expect(rows.get_by_role("button", name="Precipitation")).to_have_attribute("aria-pressed", "true")
    app.fill("Days back, from", "180")
    expect(app.page).to_have_url(re.compile("box=driver,precipitation,180,364"))
    app.button("Memory as a table: table").focus()
    app.page.keyboard.press("Enter")
    expect(app.page.get_by_role("table", name=re.compile("Memory of stored water"))).to_be_visible()
    app.button("Export").click()
    with app.page.expect_download() as got:
        app.button("Heatmap as CSV").click()
    got.value.save_as(tmp_path / "memory.csv")
    table = pd.read_csv(tmp_path / "memory.csv")
    assert set(table["row"]) == {"precipitation", "air_temperature", "net_radiation"}
    assert table["place"].str.startswith("Memory: precipitation").all()


def test_attributed_and_true_memory_stand_side_by_side(app: Explorer) -> None:
    """The twin-trained model stands beside the twin's own response, with how far they agree."""
    app.visit("v=1&page=memory&model=global-twin&at=50.5,10.5")
    expect(app.memory).to_have_count(2)
    expect(app.page.get_by_text("Attributed").first).to_be_visible()
    expect(app.page.get_by_text(re.compile(r"Rank correlation of the boxes [\d.−-]+; mean memory"))).to_be_visible()
    expect(app.map).to_have_attribute("aria-label", re.compile("Mean memory time"))
    expect(app.page.get_by_text("Nothing in it was observed").first).to_be_visible()


def test_memory_on_a_phone(visitor: NewExplorer) -> None:
    """Nothing is wider than the screen; a tap chooses a box; the page still scrolls over the heatmap."""
    app = visitor(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    app.visit("v=1&page=memory")
    assert app.page.evaluate("document.documentElement.scrollWidth") <= 390
    box = box_of(app)
    app.page.touchscreen.tap(box["x"] + 0.55 * box["width"], box["y"] + 0.35 * box["height"])
    expect(app.page).to_have_url(re.compile("box=driver,precipitation,"))
    expect(app.selection.get_by_role("button", name=re.compile("^Memory: precipitation"))).to_be_visible()
