"""A model folder that lacks something is told in one sentence, and what it still has is served beside the others."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from hdlcore.data.cube import open_world
from hdlcore.data.cubes import place_coordinates, write_cube
from hdlcore.data.schema import GridSpec
from hdlcore.errors import DataError, ModelError, RequestError
from hdlcore.runtime.datasets import DataSource
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.fields import FIELDS, fields_of_world
from hdlcore.runtime.requests import SimulationRequest

Card = dict[str, Any]


@pytest.fixture
def copied(small_model: Path, tmp_path: Path) -> Callable[[Callable[[Card], object] | None], Path]:
    """Return a function that copies the small model and changes its card."""

    def copy(change: Callable[[Card], object] | None = None) -> Path:
        folder = tmp_path / "models" / "mine"
        shutil.copytree(small_model, folder)
        card = json.loads((folder / "card.json").read_text()) | {"id": "mine"}
        if change:
            change(card)
        (folder / "card.json").write_text(json.dumps(card))
        return folder

    return copy


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda card: card.update(kind="of-my-own"), r"card\.json.*No kind of model is called 'of-my-own'; there are "),
        (lambda card: card["recipe"].update(data="mine"), "recipe on the card of 'mine'.*key 'data'.*train the model"),
        (lambda card: card.update(members=[]), r"card\.json, key 'members'.*at least 1"),
        (lambda card: card.update(id="small"), r"mine.card\.json has the id 'small'.*give it one of its own"),
    ],
    ids=["kind", "recipe", "members", "id"],
)
def test_a_card_that_asks_for_what_there_is_not_leaves_the_others_alone(
    copied: Any, small_model: Path, small_cube: Path, change: Any, said: str
) -> None:
    folder = copied(change)
    engine = Engine([small_model, folder.parent], small_cube)
    ids = [info.id for info in engine.sources()]
    assert "small" in ids and "mine" not in ids
    assert any(re.search(said, problem) for problem in engine.problems), engine.problems


def test_a_model_is_never_fed_other_features_than_those_it_learned_from(copied: Any, small_cube: Path) -> None:
    def another(card: Card) -> None:
        card["statics"][0] = "elevation_of_mine"

    engine = Engine([copied(another)], small_cube)
    cell = int(engine.world["cell"].values[0])
    with pytest.raises(ModelError, match=r"trained on 'elevation_of_mine' of each cell.*it has elevation\).*--data"):
        engine.simulate(SimulationRequest("mine", (cell,), "2003-01-01", "2003-01-31"))


def test_features_are_found_by_name_not_by_place(small_model: Path, small_cube: Path) -> None:
    engine = Engine([small_model], small_cube)
    ensemble = engine.ensemble("small")
    names = list(ensemble.card.statics)
    turned = ensemble.domain.statics(names[::-1])
    assert (turned.flip(-1) == ensemble.statics).logical_or(turned.flip(-1).isnan()).all()


def test_a_model_cut_to_one_member_still_runs(copied: Any, small_cube: Path) -> None:
    engine = Engine([copied(lambda card: card.update(members=card["members"][:1]))], small_cube)
    cell = int(engine.world["cell"].values[0])
    run = engine.simulate(SimulationRequest("mine", (cell,), "2003-01-01", "2003-01-31"))
    assert float(run["tws_spread"].max()) == 0.0


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda fields: fields.isel(month=slice(0, 2)), "the year has the months 1, 2 where 1 to 12 are needed"),
        (lambda fields: fields[[]], "they hold no variable"),
        (lambda fields: _without(fields, "tws", "units"), "'tws' has the unit '1' where 'mm' is needed"),
        (lambda fields: fields.assign(tws=fields["tws"].isel(cell=0, drop=True)), r"'tws' has dimensions \('month',\)"),
        (lambda fields: fields.isel(cell=slice(0, 5)), "are of another world cube; open that cube with --data"),
    ],
    ids=["months", "none", "unit", "dimensions", "cells"],
)
def test_malformed_fields_say_what_is_wrong_and_how_to_mend_it(
    copied: Any, small_cube: Path, edit: Any, said: str
) -> None:
    folder = copied()
    _rewrite(folder, edit)
    with pytest.raises(ModelError, match=said) as error:
        fields_of_world(folder, "mine", open_world(small_cube))
    assert "hdl train" in str(error.value)


def test_fields_in_another_order_and_without_places_are_the_same_fields(copied: Any, small_cube: Path) -> None:
    folder, world = copied(), open_world(small_cube)
    before = fields_of_world(folder, "mine", world)
    _rewrite(folder, lambda fields: fields.transpose("cell", ...).drop_vars(["lat", "lon", "area"]))
    xr.testing.assert_equal(fields_of_world(folder, "mine", world), before)


@pytest.mark.parametrize("held", [["elevation"], ["precipitation"]], ids=["constant", "season"])
def test_a_grid_without_series_has_a_map_of_what_it_holds(small_cube: Path, tmp_path: Path, held: list[str]) -> None:
    """One cell of it, too."""
    world, path = open_world(small_cube), tmp_path / "mine.zarr"
    about = {"kind": "grid", "title": "Mine", "source": "observed", "attribution": "me", "provenance": []}
    write_cube(path, world[held].isel(cell=[3]), attrs={**about, "grid": world.attrs["grid"]})
    source = Engine([], [small_cube, path]).source("mine")
    assert source.has_map
    values = source.fields()[held[0]]
    assert values.notnull().any() and values.notnull().any([d for d in values.dims if d != "cell"]).sum() == 1


def test_series_of_a_finer_grid_are_those_of_the_place_that_was_chosen(small_cube: Path, tmp_path: Path) -> None:
    """Means over the cells of its own in a cell of the world; ids of both grids are never mixed up."""
    world, path, grid = open_world(small_cube), tmp_path / "mine.zarr", GridSpec(360, 720, 90.0, -180.0, 0.5)
    chosen, other = int(world["cell"][40]), int(world["cell"][41])
    row, column = divmod(chosen, 360)
    ids = np.sort([r * 720 + c for r in (2 * row, 2 * row + 1) for c in (2 * column, 2 * column + 1)])
    lat, lon = grid.centres(ids)
    cells = xr.Dataset(coords=place_coordinates(ids, lat, lon, np.ones(4)))
    time = np.arange("2001-01", "2003-01", dtype="datetime64[M]").astype("datetime64[ns]")
    values = np.arange(time.size * 4, dtype=np.float32).reshape(-1, 4) ** 2
    monthly = xr.Dataset({"swe": (("time", "cell"), values, {"units": "mm"})}, {"time": time, "cell": ids})
    about = {"kind": "grid", "title": "Mine", "source": "observed", "attribution": "me", "provenance": []}
    write_cube(path, cells, monthly=monthly, attrs={**about, "grid": grid.to_json()})
    source = Engine([], [small_cube, path]).source("mine")
    assert isinstance(source, DataSource)
    ask = partial(SimulationRequest, "mine", start="2001-01-01", end="2002-12-31", frequency="monthly")
    found = source.series_on_world(ask((chosen, other)), None, None)
    assert found["swe"].attrs["units"] == "mm" and list(found["cell"].values) == [chosen, other]
    np.testing.assert_allclose(
        found["swe"][:, 0], np.average(values, axis=1, weights=np.cos(np.deg2rad(lat))), rtol=1e-5
    )
    assert found["swe"][:, 1].isnull().all()
    with pytest.raises(RequestError, match="Mine holds nothing here; choose one of the 1 cells of the map"):
        source.series_on_world(ask((other,)), None, None)
    shutil.rmtree(path / "monthly" / "swe")
    with pytest.raises(DataError, match=r"'swe' is gone from .*mine\.zarr since it was opened"):
        source.series_on_world(ask((chosen,)), None, None)


def _without(fields: xr.Dataset, name: str, attribute: str) -> xr.Dataset:
    del fields[name].attrs[attribute]
    return fields


def _rewrite(folder: Path, edit: Callable[[xr.Dataset], xr.Dataset]) -> None:
    with xr.open_zarr(folder / FIELDS, consolidated=False, chunks=None) as stored:
        fields = edit(stored.load())
    for variable in fields.variables.values():
        variable.encoding = {}
    shutil.rmtree(folder / FIELDS)
    fields.to_zarr(folder / FIELDS, zarr_format=3, consolidated=False)
