"""Guided tours: JSON files that a teacher can write, read and checked here, with one clear sentence on a mistake.

    {"title": "What is water storage?", "summary": "...", "minutes": 5, "cover": "v=1&var=tws",
     "steps": [{"title": "...", "text": "...", "view": "v=1&var=tws&t=05", "look": "map",
                "question": {"ask": "...", "options": ["...", "..."], "answer": 1, "explain": "..."}}]}

`view` is what stands after the '?' of the app's address, `cover` the same of the view whose map stands on the card (not
given: that of the first step); `answer` counts the options from 1. Text may have **bold** words and empty lines between
paragraphs.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dashboard import links
from dashboard.state import State, apply, defaults
from hdlcore.assets import assets_dir
from hdlcore.errors import DataError

Look = Literal["", "map", "curves", "memory", "filters", "runs", "pulse", "controls"]
MAX_BYTES = 300_000
#: What a link says of the tour itself, not of the view.
OF_TOUR = ("tour", "stop", "presenting")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_BOLD, _STRONG = re.compile(r"[*]{2}(.+?)[*]{2}"), r"<b>\1</b>"
_STRICT = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Question(BaseModel):
    """A question with options, of which `answer` (from 1) is right, or an open one whose answer is `explain`."""

    model_config = _STRICT
    ask: str = Field(min_length=1, max_length=400)
    options: tuple[str, ...] = Field(default=(), max_length=6)
    answer: int | None = None
    explain: str = Field(min_length=1, max_length=1500)

    @model_validator(mode="after")
    def _answered(self) -> Question:
        if self.options and not (self.answer and 1 <= self.answer <= len(self.options)):
            raise ValueError(f"'answer' must be the number of the right option, 1 to {len(self.options)}")
        if not self.options and self.answer is not None:
            raise ValueError("'answer' is a number of an option, but there are no 'options'")
        return self


class Step(BaseModel):
    """One stop: what is said, the view it is said of, what to look at, and a question if any."""

    model_config = _STRICT
    title: str = Field(min_length=1, max_length=120)
    text: str = Field(min_length=1, max_length=3000)
    view: str = Field(default="", max_length=4000)
    look: Look = ""
    question: Question | None = None

    @model_validator(mode="after")
    def _shown(self) -> Step:
        found = links.decode(query_of(self.view))
        if found.notices:
            raise ValueError(f"'view' cannot be read: {found.notices[0]}")
        if found.values.get("page") == "learn":
            raise ValueError("'view' is the page Learn itself; take the view of another page")
        return self

    def values(self) -> dict[str, Any]:
        """The state of the step, every field."""
        return values_of(self.view)


class Tour(BaseModel):
    """A tour: its steps in order."""

    model_config = _STRICT
    title: str = Field(min_length=1, max_length=120)
    summary: str = Field(min_length=1, max_length=400)
    minutes: int = Field(default=5, ge=1, le=120)
    cover: str = Field(default="", max_length=4000)
    steps: tuple[Step, ...] = Field(min_length=1, max_length=40)

    @model_validator(mode="after")
    def _covered(self) -> Tour:
        notices = links.decode(query_of(self.cover)).notices
        if notices:
            raise ValueError(f"'cover' cannot be read: {notices[0]}")
        return self

    @property
    def card(self) -> str:
        """The view whose map stands on the card."""
        return self.cover or self.steps[0].view

    def text(self) -> str:
        """The JSON of the tour, as a file holds it."""
        return json.dumps(self.model_dump(exclude_defaults=True), indent=2, ensure_ascii=False) + "\n"


def query_of(view: str) -> str:
    """The query of a view, given as such or as a whole address."""
    return view.partition("?")[2] if "?" in view else view


def values_of(view: str) -> dict[str, Any]:
    """The state of a view, every field, without what its link says of a tour."""
    found = links.decode(query_of(view)).values
    return defaults() | {name: value for name, value in found.items() if name not in OF_TOUR}


def read_tour(text: str, name: str, words: Mapping[str, str] = MappingProxyType({})) -> Tour:
    """A tour from the text of its file, called `name` in messages; raises `DataError` with one sentence.

    `words` are what the reader of the messages knows its fields by, where that is not their names in the file.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise DataError(f"{name} is larger than {MAX_BYTES // 1000} kB; a tour is a short text.")
    try:
        raw = json.loads(text)
    except ValueError as error:
        where = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "somewhere"
        raise DataError(f"{name} is not JSON: {where} a comma, quote or bracket is missing or too many.") from None
    if not isinstance(raw, dict):
        raise DataError(f"{name} must be one object in braces with title, summary and steps.")
    try:
        return Tour.model_validate(raw)
    except ValidationError as error:
        raise DataError(_sentence(error, name, words)) from None


def _sentence(error: ValidationError, name: str, words: Mapping[str, str]) -> str:
    """The first mistake: where it is, what it is, how to mend it."""
    first = error.errors()[0]
    place = [part for part in first["loc"] if part != "function-after[_answered(), Question]"]
    where, field = [], ""
    for before, part in zip([None, *place], place, strict=False):
        if isinstance(part, int):
            where.append(f"{'step' if before == 'steps' else 'option'} {part + 1}")
        else:
            field = str(part)
            if part == "question":
                where.append("question")
    at = f"{name}{''.join(f', {part}' for part in where)}"
    if field in ("question", "steps") and first["type"] == "value_error":
        field = ""
    called = f"'{words.get(field, field)}'"
    if first["type"] == "missing":
        return f"{at}: {called} is missing; add it."
    if first["type"] == "string_too_short":
        return f"{at}: {called} is empty; write something."
    if first["type"] == "string_too_long":
        return f"{at}: {called} is too long; {first['ctx']['max_length']:,} characters are the most."
    if first["type"] == "extra_forbidden":
        fields = Question if "question" in where else Step if where else Tour
        near = get_close_matches(field, fields.model_fields, n=1)
        return f"{at}: '{field}' is not known{f'; did you mean {near[0]}?' if near else '; leave it out.'}"
    if first["type"] == "value_error":
        said = str(first["ctx"]["error"])
        return f"{at}: {said}{'' if said.endswith(('.', '?')) else '.'}"
    return f"{at}: {called} is wrong: {first['msg'][0].lower()}{first['msg'][1:]}."


def folders() -> list[Path]:
    """Where tours are: those of the project, and of ``HDL_TOURS`` (folders)."""
    own = [Path(part) for part in os.environ.get("HDL_TOURS", "").split(os.pathsep) if part]
    return [assets_dir() / "tours", *own]


@lru_cache(maxsize=1)
def all_tours() -> tuple[dict[str, Tour], tuple[str, ...]]:
    """Tours by id (the name of the file) in the order of their file names, and a sentence for each that is broken."""
    found: dict[str, Tour] = {}
    problems = []
    for folder in folders():
        if not folder.is_dir():
            problems.append(f"The folder of tours {folder} does not exist; check HDL_TOURS.")
            continue
        for path in sorted(folder.glob("*.json")):
            name = re.sub(r"^\d+-", "", path.stem)
            try:
                if not _ID.fullmatch(name):
                    raise DataError(f"{path.name}: name the file with small letters, digits and hyphens.")
                found[name] = read_tour(path.read_text(encoding="utf-8"), path.name)
            except (DataError, OSError, UnicodeDecodeError) as error:
                problems.append(str(error))
    return found, tuple(problems)


def prose(text: str) -> str:
    """HTML of a step's text: paragraphs, **bold**; everything else as it is written."""
    paragraphs = [escape(part.strip()) for part in re.split(r"\n\s*\n", text) if part.strip()]
    return "".join(f"<p>{_BOLD.sub(_STRONG, part)}</p>" for part in paragraphs)


def go(state: State, tour: str, steps: tuple[Step, ...], stop: int) -> None:
    """Show a step (from 1): its view, with the tour's place in the link."""
    stop = min(max(stop, 1), len(steps))
    apply(state, steps[stop - 1].values() | {"tour": tour, "stop": stop, "presenting": state.presenting})


def opening(values: Mapping[str, Any], tours: Mapping[str, Tour]) -> dict[str, Any]:
    """What a link opens: one that names a tour and nothing else begins with the view of its step."""
    tour = tours.get(str(values.get("tour", "")))
    if tour is None or set(values) - set(OF_TOUR):
        return dict(values)
    stop = min(max(int(values.get("stop", 1)), 1), len(tour.steps))
    return tour.steps[stop - 1].values() | {**values, "stop": stop}
