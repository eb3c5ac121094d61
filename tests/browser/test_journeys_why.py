"""Journeys on the Why page: a day's story with its check, other methods and days, a pulse, a phone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from playwright.sync_api import Locator, expect

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer, NewExplorer

pytestmark = pytest.mark.browser


def story(app: Explorer) -> Locator:
    """The sentence of the day."""
    return app.page.get_by_text(re.compile(r"^[^:]+, \d+ \w+ 200\d: "))


def test_a_day_is_told_checked_by_a_rerun_and_taken_away(app: Explorer, tmp_path: Path) -> None:
    """Sentence, plots on the weather, how far it adds up, the rerun, the methods; and the file holds the days."""
    app.visit("v=1&page=why&at=50.5,10.5&day=2005-03-20")
    expect(app.page.get_by_text(re.compile(r"^Germany.*, 20 March 2005: total water storage")).first).to_be_visible()
    for name in ("Precipitation", "Air temperature", "Net radiation"):
        expect(app.page.get_by_role("img", name=re.compile(f"^{name} of the days before", re.I))).to_be_visible()
    account = app.page.get_by_text(re.compile(r"The contributions add up to .* of .*Checked by running again with"))
    expect(account).to_be_visible()
    expect(app.page.get_by_role("table", name=re.compile("^Methods of attribution"))).to_be_visible()
    app.button("Export").click()
    with app.page.expect_download() as got:
        app.button("Story as CSV").click()
    got.value.save_as(tmp_path / "why.csv")
    table = pd.read_csv(tmp_path / "why.csv")
    assert table["time"].max() == "2005-03-20" and len(table) == 3 * 365


def test_days_and_methods_by_keys_and_a_refusal_that_leaves_the_page_alive(app: Explorer) -> None:
    """Step a month back by key; a day or method that cannot be asked says why; another one answers."""
    app.visit("v=1&page=why&way=gradient_x_input")
    expect(app.page.get_by_text("15 May 2005: ").first).to_be_visible()
    app.button("30 days earlier").focus()
    app.page.keyboard.press("Enter")
    expect(app.page).to_have_url(re.compile("day=2005-04-15"))
    expect(app.page.get_by_text("15 April 2005: ").first).to_be_visible()
    day = app.page.get_by_role("textbox", name="On the day")
    day.fill("2005-04-31")
    day.press("Enter")
    expect(app.page.get_by_text("'2005-04-31' is not a day")).to_be_visible()
    app.visit("v=1&page=why&way=additive_decomposition")
    expect(app.page.get_by_text("cannot be asked by additive decomposition; choose another method")).to_be_visible()
    app.pick("Method", "Carriers")
    expect(app.page.get_by_text(re.compile("as it stood .* before makes")).first).to_be_visible()
    expect(app.page).to_have_url(re.compile("way=carriers"))


# A second view of a figure, into which marks come when it has been built and does not hear of changes yet, since its
# brothers are still being built; how many of them it has in the end.
LATE = """async () => {
    const models = Bokeh.documents.flatMap((doc) => [...doc._all_models.values()])
    const figure = models.find((each) => each.type === "Figure" && each.visible && each.renderers.length > 1)
    const view = new figure.default_view({ model: figure, parent: null }), marks = figure.renderers
    figure.renderers = []
    view.initialize()
    await view.lazy_initialize()
    figure.renderers = marks
    view.connect_signals()
    const place = document.body.appendChild(document.createElement("div"))
    view.render_to(place)
    await new Promise((done) => setTimeout(done, 500))
    const held = marks.filter((mark) => view.renderer_views.has(mark)).length
    view.remove()
    place.remove()
    return [held, marks.length]
}"""


def test_what_is_drawn_while_controls_are_still_built_is_seen(app: Explorer) -> None:
    """As the pulse, whose answer may come before the figure that was made for it listens."""
    app.visit("v=1&page=why")
    expect(app.page.get_by_role("img", name=re.compile("more on the day itself"))).to_be_visible()
    held, marks = app.page.evaluate(LATE)
    assert held == marks > 1


def test_an_answer_is_tried_out_from_its_link_and_by_the_button(app: Explorer, tmp_path: Path) -> None:
    """Deletion and insertion: a sentence, two curves, a table, a file; closed again, the link forgets it."""
    app.visit("v=1&page=why&at=50.5,10.5&trial=on")
    said = app.page.get_by_text(
        re.compile(r"most important back to usual first, and the answer moves .* mm on average")
    )
    expect(said).to_be_visible()
    for name in ("as the most important weather goes back to usual", "as it comes back first"):
        expect(
            app.page.get_by_role("img", name=re.compile(f"^The answer {name}: from .* to .* in 45 steps"))
        ).to_be_visible()
    app.button(re.compile("^Deletion and insertion as a table")).click()
    expect(app.page.get_by_role("table", name=re.compile("tried out"))).to_be_visible()
    app.button("Export").click()
    with app.page.expect_download() as got:
        app.button("Trial as CSV").click()
    got.value.save_as(tmp_path / "trial.csv")
    assert set(pd.read_csv(tmp_path / "trial.csv")["curve"]) == {"deletion", "insertion", "random"}
    app.page.keyboard.press("Escape")
    app.button("Hide the trial").click()
    expect(said).to_be_hidden()
    expect(app.page).not_to_have_url(re.compile("trial=on"))


def test_a_pulse_of_warmth_is_checked_here_and_counted_over_the_land(app: Explorer) -> None:
    """Driver, tiles, checks; then the share of responses that are not plausible."""
    app.visit("v=1&page=why&way=gradient_x_input&at=0.5,38.5")
    expect(app.page.get_by_text(re.compile(r"\+10 mm of precipitation on 15 May 2005: ")).first).to_be_visible()
    expect(app.page.get_by_text("All water of the pulse is somewhere.")).to_be_visible()
    app.radio("Temperature").click()
    expect(app.page.get_by_text(re.compile(r"\+5 K of temperature on 15 May 2005: ")).first).to_be_visible()
    app.page.get_by_role("radio", name=re.compile("^Runoff")).click()
    expect(app.page.get_by_text(re.compile(r"on 15 May 2005: runoff ")).first).to_be_visible()
    app.button("Count over the land").click()
    expect(app.page.get_by_text(re.compile(r"Of \d+ responses of places without snow .* \(\d+ %\)"))).to_be_visible()


def test_why_on_a_phone(visitor: NewExplorer) -> None:
    """Nothing is wider than the screen, and the story is there."""
    app = visitor(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    app.visit("v=1&page=why&way=gradient_x_input")
    expect(story(app).first).to_be_visible()
    assert app.page.evaluate("document.documentElement.scrollWidth") <= 390
