"""docs/models.md, followed to the letter: its example becomes a model that closes, is fast, trains and serves."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from hdlcore import variables
from hdlcore.models import kinds
from hdlcore.models.hybrid import HybridModel
from hdlcore.models.kernels import fast
from hdlcore.models.registry import KINDS, find_kinds, model_kind
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.publish import publish
from hdlcore.runtime.requests import SimulationRequest
from hdlcore.training.ensemble import train_members
from hdlcore.training.recipes import load_recipe
from hdlcore.variables import VARIABLES
from hdlcore.workers import Here
from tests.physics.test_kernels import assert_close, plain, setting
from tests.physics.test_water_balance import random_model, residual

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"
KIND, MODULE = "leaky-soil", "leaky_soil"


def blocks() -> dict[str, str]:
    """The text of each fenced block of the page whose first line is a comment that names a file, by that name."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"^```\w+\n# (\S+\.\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module", autouse=True)
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The file in a folder that counts as one of kinds, and the line in the table, for as long as these tests last."""
    folder, page = tmp_path_factory.mktemp("kinds"), blocks()
    (folder / f"{MODULE}.py").write_text(page[f"hdlcore/models/kinds/{MODULE}.py"], encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        entry = eval(page["hdlcore/variables.py"], dict(vars(variables)))
        assert entry.name not in VARIABLES, "the page says that this name is new"
        patch.setitem(VARIABLES, entry.name, entry)
        patch.setattr(kinds, "__path__", [*kinds.__path__, str(folder)])
        patch.setitem(KINDS, KIND, find_kinds()[KIND])
        yield
    sys.modules.pop(f"{kinds.__name__}.{MODULE}")
    delattr(kinds, MODULE)


@pytest.fixture
def kind() -> type[HybridModel]:
    """The new kind, as a recipe or card asks for it."""
    return model_kind(KIND)


def test_its_water_closes_and_stays_within_bounds(kind: type[HybridModel]) -> None:
    for seed in range(3):
        model = random_model(kind, seed, spread=1.0)
        assert residual(model, torch.float64, seed, days=365).max() < 1e-6
        assert residual(random_model(kind, seed, spread=1.0), torch.float32, seed, days=365).max() < 0.05


def test_its_names_have_units_and_a_meaning(kind: type[HybridModel]) -> None:
    model = kind(["a"])
    parameters = {p.name: p.units for p in model.parameters_table}
    assert set(model.outputs) | set(model.forcing) | set(parameters) <= set(VARIABLES)
    assert {name: VARIABLES[name].units for name in parameters} == parameters


def test_its_fast_path_gives_the_numbers_of_the_plain_one(kind: type[HybridModel]) -> None:
    model, statics, forcing = setting(kind, 1, 13, 120)
    assert fast.why_plain(model) == ""
    with torch.no_grad():
        prepared, state = model.prepare(statics), model.initial_state(13)
        ours, _ = fast.run(model, prepared, forcing, state)
        theirs, _ = model.run(prepared, forcing, state)
    assert_close(ours, theirs, plain(model, statics, forcing, torch.float64), list(model.outputs), (0, 1))


def test_a_soil_that_is_full_leaks_fastest(kind: type[HybridModel]) -> None:
    leak = sys.modules[kind.__module__].leak
    amounts = np.linspace(0, 200, 50)
    left, drainage = leak(amounts, 200.0, 0.3)
    np.testing.assert_allclose(left + drainage, amounts)
    assert (np.diff(drainage) > 0).all() and drainage[-1] == pytest.approx(60) and (left >= 0).all()


def test_its_recipe_trains_and_its_model_serves(small_cube: Path, tmp_path: Path) -> None:
    """Two passes on a tiny piece of the world, published and asked as the app asks."""
    recipe = tmp_path / f"{KIND}.toml"
    recipe.write_text(blocks()[recipe.name], encoding="utf-8")
    asked = load_recipe(recipe)
    assert (asked.id, asked.model) == (KIND, KIND)
    tiny = {"passes": 2, "members": 2, "folds": 2, "lattice": 1, "batches": 2, "head_steps": 10, "years": (2001, 2004)}
    short = asked.model_copy(update=tiny)
    heard: list[dict] = []
    train_members(short, tmp_path / "work", small_cube, Here(), report=lambda member, done, said: heard.append(said))
    assert len(heard) == 4 and np.isfinite([said["loss"] for said in heard]).all()
    card = publish(short, tmp_path / "work", tmp_path / KIND, small_cube, memory=False)
    assert card.scores["mass_balance"]["max_abs_residual_mm_per_year"] < 0.05
    engine = Engine([tmp_path / KIND], small_cube)
    cells = tuple(int(cell) for cell in engine.world["cell"].values[:3])
    run = engine.simulate(SimulationRequest(KIND, cells, "2004-01-01", "2004-12-31"))
    assert "leak_rate" in engine.fields(KIND)
    assert run["soil_drainage"].attrs["units"] == "mm d-1" and float(run["soil_drainage"].min()) >= 0
