"""Tours: the shipped ones open what they say, mistakes get one clear sentence, a lesson file needs nothing else."""

from __future__ import annotations

import base64
import io
import json
import re
import zlib

import numpy as np
import pytest
from PIL import Image

from dashboard import handout, links, tours
from dashboard.cover import WIDTH, cover
from dashboard.layers import available
from dashboard.pages.learn import LearnPage
from dashboard.pages.learn_editor import WORDS, EditorPart, blank_step
from dashboard.pages.view import View
from dashboard.state import PAGES, History, State, apply, defaults
from dashboard.theme import tokens
from dashboard.widgets import TourEditor
from hdlcore.errors import DataError
from hdlcore.variables import VARIABLES

NAMED = {
    "what-is-water-storage", "snow-soil-or-groundwater", "memory-of-a-dry-season", "same-fit-different-stores",
    "what-a-gradient-says", "droughts-wet-and-dry", "how-sure-are-we", "make-your-own-experiment",
}  # fmt: skip


def _tour(**changes) -> str:
    step = {"title": "One", "text": "Look.", "view": "v=1&var=swe"}
    return json.dumps({"title": "T", "summary": "S", "steps": [step | changes.pop("step", {})]} | changes)


def test_the_shipped_tours_are_whole() -> None:
    found, problems = tours.all_tours()
    assert problems == () and set(found) >= NAMED
    for name, tour in found.items():
        assert len(tour.steps) >= 4 and any(step.question for step in tour.steps), name
        assert len({step.title for step in tour.steps}) == len(tour.steps)
        assert tours.read_tour(tour.text(), name) == tour


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_step_shows_what_is_there(name: str, world) -> None:
    """Each step's quantity is one its source has, so that nothing falls back to something else."""
    fields: dict[str, set[str]] = {}
    for step in tours.all_tours()[0][name].steps:
        values = step.values()
        assert values["page"] in PAGES and values["variable"] in VARIABLES
        if values["page"] == "whatif":
            continue
        state = State()
        apply(state, {**values, "page": "explore"})
        if values["model"] not in fields:
            view = View(state)
            assert view.notice == "", f"{step.title}: {view.notice}"
            groups = available(view.observed, view.fields, view.generated)
            fields[values["model"]] = {item for group in groups.values() for item in group.values()}
        assert values["variable"] in fields[values["model"]], step.title


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "a.json is not JSON: line 1"),
        ("[]", "must be one object"),
        (_tour(steps=[]), "steps"),
        (_tour(step={"txt": "x"}), "a.json, step 1: 'txt' is not known; did you mean text?"),
        (_tour(step={"view": "v=1&var=sweet"}), "step 1: 'view' cannot be read: Dropped from the link, var"),
        (_tour(step={"view": "page=learn"}), "Learn itself"),
        (_tour(step={"look": "sky"}), "step 1: 'look' is wrong"),
        (_tour(step={"title": ""}), "step 1: 'title' is empty; write something."),
        (_tour(summary="x" * 500), "'summary' is too long; 400 characters are the most."),
        (_tour(step={"question": {"ask": "Why?"}}), "step 1, question: 'explain' is missing; add it."),
        (
            _tour(step={"question": {"ask": "Why?", "options": ["a", "b"], "answer": 3, "explain": "x"}}),
            "number of the right option, 1 to 2",
        ),
        (_tour(minutes=0), "'minutes' is wrong"),
        (json.dumps({"title": "T", "steps": []}), "'summary' is missing"),
        (_tour(cover="v=1&var=nonsense"), "'cover' cannot be read"),
        (_tour(summary="x" * 400_000), "larger than"),
    ],
)
def test_a_mistake_gets_one_sentence_that_says_where(text: str, said: str) -> None:
    with pytest.raises(DataError) as refused:
        tours.read_tour(text, "a.json")
    sentence = str(refused.value)
    assert said in sentence and "\n" not in sentence and len(sentence) < 300 and sentence.endswith((".", "?"))


@pytest.mark.parametrize("name", tours.all_tours()[0])
def test_a_card_shows_the_map_of_its_view(name: str) -> None:
    """Land in the colours of the values, clear outside the globe; the ring stands at the view's place."""
    tour = tours.all_tours()[0][name]
    state = State()
    apply(state, tours.values_of(tour.card))
    view = View(state)
    assert not view.notice, "the card's view is one that there is"
    pictures = {dark: cover(view, dark) for dark in (False, True)}
    assert pictures[False] != pictures[True]
    for dark, address in pictures.items():
        head, _, packed = address.partition(",")
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(packed))).convert("RGBA")).astype(int)
        assert head == "data:image/webp;base64" and len(packed) < 48_000
        assert picture.shape[1] == WIDTH and picture[0, 0, 3] == 0 and picture[175, 360, 3] == 255
        lived = picture[picture[..., 3] > 0][:, :3]
        ocean = np.array([int(tokens(dark)["ocean"][i : i + 2], 16) for i in (1, 3, 5)])
        assert 0.15 < (np.abs(lived - ocean).max(1) > 12).mean() < 0.5, "a quarter of the globe is land"


def test_without_a_cover_the_first_step_stands_on_the_card() -> None:
    assert tours.read_tour(_tour(), "a.json").card == tours.read_tour(_tour(), "a.json").steps[0].view
    assert tours.read_tour(_tour(cover="v=1&var=swe"), "a.json").card == "v=1&var=swe"


def test_a_folder_of_ones_own_stands_beside_the_shipped_tours(tmp_path, monkeypatch) -> None:
    (tmp_path / "mine.json").write_text(_tour(), encoding="utf-8")
    (tmp_path / "Bad Name.json").write_text(_tour(), encoding="utf-8")
    monkeypatch.setenv("HDL_TOURS", f"{tmp_path}")
    tours.all_tours.cache_clear()
    try:
        found, problems = tours.all_tours()
    finally:
        tours.all_tours.cache_clear()
    assert {"mine", *NAMED} <= set(found)
    assert len(problems) == 1 and "small letters" in problems[0]


def test_walking_a_tour_sets_the_view_and_stays_in_the_link() -> None:
    tour, state = tours.all_tours()[0]["droughts-wet-and-dry"], State()
    apply(state, {"climate_zones": (1,), "presenting": True})
    tours.go(state, "droughts-wet-and-dry", tour.steps, 2)
    assert (state.page, state.stop, state.climate_zones, state.presenting) == ("whatif", 2, (), True)
    again = State()
    apply(again, tours.opening(links.decode(links.encode(state.snapshot())).values, tours.all_tours()[0]))
    assert again.snapshot() == state.snapshot()
    tours.go(state, "droughts-wet-and-dry", tour.steps, 99)
    assert state.stop == len(tour.steps)


def test_a_link_that_names_only_a_tour_opens_its_view() -> None:
    found = tours.all_tours()[0]
    values = tours.opening({"tour": "same-fit-different-stores"}, found)
    assert values["page"] == "compare" and values["tour"] == "same-fit-different-stores"
    assert tours.opening({"tour": "nothing"}, found) == {"tour": "nothing"}
    wandered = {"tour": "same-fit-different-stores", "variable": "swe"}
    assert tours.opening(wandered, found) == wandered


def test_text_is_escaped_and_bold() -> None:
    assert tours.prose("**a** <script>\n\nb") == "<p><b>a</b> &lt;script&gt;</p><p>b</p>"


def test_the_form_tells_what_a_draft_lacks_by_its_own_labels() -> None:
    editor = EditorPart(View(State()))
    assert all(f'"{label}' in TourEditor._esm for label in WORDS.values())
    for draft, said in (
        ({"title": "T", "summary": ""}, "The draft: 'What it is about' is empty; write something."),
        ({"title": "T", "summary": "S"}, "The draft, step 1: 'Title' is empty; write something."),
    ):
        editor.form.draft = {**draft, "steps": [blank_step("")]}
        assert editor.checked() is None and editor.form.problem == said


def _unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)


@pytest.fixture(scope="module")
def lesson() -> tuple[View, str]:
    state = State()
    apply(state, {"variable": "swe"})
    view = View(state)
    question = tours.Question(ask="Why <so>?", options=("a", "b"), answer=2, explain="Since.")
    return view, handout.lesson(view, "Snow", tours.prose("Look."), question, ["<p>more</p>"], "v=1").decode("utf-8")


def test_a_lesson_asks_nobody_for_anything(lesson) -> None:
    _, page = lesson
    assert not re.findall(r"(?:src|href)\s*=|https?://(?!doi)", re.sub(r'id="data".*?</script>', "", page, flags=re.S))
    assert (
        "@@" not in page and "Why &lt;so&gt;?" in page and "<summary>Show the answer</summary><p><b>b</b></p>" in page
    )
    assert len(page) < 3_000_000


def test_a_lesson_holds_the_numbers_of_the_view(lesson) -> None:
    view, page = lesson
    found = re.search(r'id="data" type="application/json">(.*?)</script>', page, re.S)
    assert found is not None
    data = json.loads(found.group(1))
    shown = data["map"]
    levels = _unpacked(shown["values"], "u1").reshape(12, -1)
    assert levels.shape[1] == view.world.sizes["cell"]
    back = shown["low"] + levels[view.state.month - 1] / 254 * (shown["high"] - shown["low"])
    clipped = np.clip(view.layer.values, shown["low"], shown["high"])
    assert np.nanmax(np.abs(back - clipped)) <= (shown["high"] - shown["low"]) / 254
    tws = next(one for one in data["curves"]["stores"] if one["name"] == "Total")
    curve = _unpacked(tws["values"], "<i2").reshape(12, -1)[:, view.selection.position] / 10
    np.testing.assert_allclose(curve, view.season()["tws"].values, atol=0.06)
    lengths = _unpacked(shown["lengths"], "<i4")
    assert lengths.sum() == np.prod(shown["size"])


def test_the_opening_view_of_a_step_is_everything_at_its_default() -> None:
    step = tours.Step(title="a", text="b")
    assert step.values() == defaults()


def test_pictures_of_the_cards_are_sent_once_and_when_they_are_seen() -> None:
    """Those of the other colours only when the page is looked at in them; going back sends nothing anew."""
    state = State()
    apply(state, {"page": "learn"})
    view = View(state)
    page = LearnPage(view, History(state))
    for step in page.steps():
        step()
    cards, sent = page.cards, []
    cards.param.watch(lambda event: sent.append(event.name), ["day", "night"])
    assert len(cards.day) == len(tours.all_tours()[0]) and not cards.night and not cards.dark
    apply(state, {"page": "explore"})
    view.dark = True
    assert not cards.night and not cards.dark, "nobody sees them"
    apply(state, {"page": "learn"})
    view.opened()
    assert cards.dark and len(cards.night) == len(cards.day)
    view.dark = False
    view.dark = True
    assert sent == ["night"]
