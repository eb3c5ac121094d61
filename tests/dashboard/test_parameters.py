"""Notes on the parameters of components: who watches hears the same, whether each has its note or they share one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import panel as pn
import panel_material_ui as pmui
import param
import pytest
from bokeh.document import Document
from hypothesis import given
from hypothesis import strategies as st
from panel.custom import ReactiveESM
from param.parameterized import Parameters

from dashboard.lighter import parameters
from dashboard.widgets import Player

_SHARED = parameters._shared
NAMES = ("a", "b", "c")


class Three(param.Parameterized):
    """Something to watch."""

    a = param.Integer(0)
    b = param.Integer(0)
    c = param.Integer(0)


@contextmanager
def noted_by(register: object) -> Iterator[None]:
    """Watchers are noted by that method of Param's, and then again as they were."""
    before = Parameters._register_watcher
    Parameters._register_watcher = register
    try:
        yield
    finally:
        Parameters._register_watcher = before


def heard(register: object, acts: list[tuple[str, int, tuple[str, ...]]]) -> list[list[tuple[int, list[str]]]]:
    """What watchers are told by each act: which watcher, of which parameters; at the end all parameters change."""
    told: list[tuple[int, list[str]]] = []
    with noted_by(register):
        three, watchers, result = Three(), [], []
        for kind, number, names in [*acts, ("set", 99, NAMES)]:
            if kind == "watch":
                mark = len(watchers)
                watchers.append(three.param.watch(
                    lambda *events, mark=mark: told.append((mark, sorted(event.name for event in events))),
                    list(names), precedence=number % 3,
                ))  # fmt: skip
            elif kind == "unwatch" and watchers:
                three.param.unwatch(watchers[number % len(watchers)])
            elif kind == "set":
                three.param.update(dict.fromkeys(names, number))
            result.append(told[:])
            told.clear()
    return result


ACTS = st.tuples(
    st.sampled_from(["watch", "unwatch", "set"]), st.integers(0, 9),
    st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple),
)  # fmt: skip


@given(acts=st.lists(ACTS, max_size=12))
def test_watchers_hear_the_same(acts: list[tuple[str, int, tuple[str, ...]]]) -> None:
    assert heard(_SHARED, acts) == heard(parameters._register, acts)


def test_watching_what_is_not_there_is_refused() -> None:
    with noted_by(_SHARED), pytest.raises(ValueError, match="nothing parameter was not found"):
        Three().param.watch(print, ["nothing"])


def notes(make: type[pn.viewable.Viewable], register: object) -> int:
    """Notes that a new component holds."""
    with noted_by(register):
        return len({id(note) for note in make()._param__private.watchers.values()})


@pytest.mark.parametrize("make", [Player, pmui.Select, pn.Column, pn.pane.HTML])
def test_parameters_of_a_component_share_their_note(make: type[pn.viewable.Viewable]) -> None:
    assert notes(make, parameters._register) > 20, "Param shares them itself: this is no longer needed"
    assert notes(make, _SHARED) < 12


@pytest.mark.parametrize("make", [Player, pmui.Select, pmui.Page])
def test_looking_at_all_parameters_leaves_no_copies(make: type[pn.viewable.Viewable]) -> None:
    parameters.share()
    part = make()
    before = set(part._param__private.params)
    part.get_root(Document())
    assert set(part._param__private.params) - before == set()


def test_a_copy_that_is_watched_or_changed_before_stays() -> None:
    parameters.share()
    part, heard = pmui.Select(options=["one"]), []
    part.param.value.constant = True
    part.param.watch(lambda *_: heard.append(part.param.label.constant), "label", what="constant")
    part.get_root(Document())
    part.param.label.constant = True
    assert part.param.value.constant and not type(part).param.value.constant and heard == [True]


def sent() -> str:
    """A page as a browser gets it, its models numbered as they come."""
    document = Document()
    document.add_root(pn.Column(Player(labels=["May", "June"]), pmui.Select(options=["one", "two"])).get_root(document))
    numbers: dict[str, str] = {}
    text = re.sub(r"([a-z])\d{5}\b", r"\1", str(document.to_json()))
    return re.sub(r"\bp\d+", lambda found: numbers.setdefault(found[0], f"m{len(numbers)}"), text)


def test_what_is_sent_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters.share()
    ours = sent()
    monkeypatch.setattr(Parameters, "_register_watcher", parameters._register)
    for name in ("_get_properties", "_get_children"):
        monkeypatch.setattr(ReactiveESM, name, getattr(ReactiveESM, name).__wrapped__)
    assert sent() == ours and "June" in ours
