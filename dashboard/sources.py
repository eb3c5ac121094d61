"""What the pages show: models, the twin Earth, data sets. How each is named, grouped and labelled on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import xarray as xr

from hdlcore.runtime.sources import SourceInfo

GROUPS = {"model": "Models", "twin": "Truth, generated", "data": "Data"}

#: Weather is made from monthly means, so a model's curves have no real single years.
WEATHER = "Weather generated from the ERA5 climatology: no real year-to-year variability."
TWIN_TRAINED = (
    "Trained on generated observations of the twin Earth, under its generated weather: made to be held against a known "
    "truth. Nothing in it was observed."
)
TWIN = (
    "Twin Earth is a made-up world run by a process model whose every store and flux is known. "
    "Nothing in it was observed."
)


def picker_groups(sources: Mapping[str, SourceInfo]) -> dict[str, dict[str, str]]:
    """The picker's entries: group -> {title: id}; titles are unique within the list."""
    groups: dict[str, dict[str, str]] = {}
    for info in sources.values():
        entries = groups.setdefault(GROUPS[info.kind], {})
        taken = any(info.title in known for known in groups.values())
        entries[f"{info.title} ({info.id})" if taken else info.title] = info.id
    return {GROUPS[kind]: groups[GROUPS[kind]] for kind in GROUPS if GROUPS[kind] in groups}


def label(source: SourceInfo | None) -> str:
    """What is said beside the curves and under the pictures of where the numbers come from."""
    if source is None:
        return "Observations and reanalysis."
    if source.kind == "model":
        return TWIN_TRAINED if source.generated else WEATHER
    if source.kind == "twin":
        return TWIN
    return (
        f"{source.title}: generated data; nothing in it was observed."
        if source.generated
        else f"{source.title}: {source.note}."
    )


def observed_with(source: SourceInfo | None, world: xr.Dataset) -> xr.Dataset:
    """The part of the world cube that may stand beside a source: no real observation beside a made-up world.

    A model is shown with all of it; the twin, and a model trained on it, with the ground that world was built on; a
    data set with nothing.
    """
    if source is None or (source.kind == "model" and not source.generated):
        return world
    kept = {"elevation"} if source.kind in ("twin", "model") else set()
    return world.drop_vars([name for name in world.data_vars if name not in kept])


def unknown(wanted: str, known: Iterable[str], places: Iterable[str]) -> str:
    """One sentence for a link that names a source which is not there; `places` are data sets without a map."""
    if wanted in places:
        return f"'{wanted}' has series of places, but no map; look at it on the page Data."
    return (
        f"Nothing is called '{wanted}'; at hand: {', '.join(known) or 'none'}. "
        "Uploaded data are seen only in the session they were uploaded in."
    )
