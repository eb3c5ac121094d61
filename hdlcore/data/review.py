"""A validator that reads like a reviewer: what the cube is, major and minor remarks with how to mend, and a verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data import schema
from hdlcore.data.cube import cell_area, place_label
from hdlcore.data.cube_writer import stored_hash
from hdlcore.data.cubes import Cube, attribute_problems
from hdlcore.data.review_finding import Finding, Severity
from hdlcore.data.review_values import Numbers, check_numbers, read_numbers
from hdlcore.errors import DataError
from hdlcore.variables import VARIABLES

Verdict = Literal["accept", "minor revision", "major revision", "reject"]
_ADVICE = {
    "accept": "Accept. Nothing stands against using this cube.",
    "minor revision": "Accept after minor revision. The cube can be used; the remarks say what to keep in mind.",
    "major revision": "Major revision. Mend the major remarks before drawing conclusions from this cube.",
    "reject": "Reject. This cannot be used as a cube.",
}


@dataclass(frozen=True)
class Review:
    """The report on one cube. `statement` says what it is, `findings` what stands against it."""

    path: Path
    statement: str
    findings: tuple[Finding, ...]
    readable: bool = True
    notes: tuple[str, ...] = ()
    completeness: dict[str, float] = field(default_factory=dict)

    @property
    def major(self) -> list[Finding]:
        """Remarks that must be mended."""
        return [f for f in self.findings if f.severity == "major"]

    @property
    def minor(self) -> list[Finding]:
        """Remarks to keep in mind."""
        return [f for f in self.findings if f.severity == "minor"]

    @property
    def ok(self) -> bool:
        """Whether nothing major was found."""
        return self.readable and not self.major

    @property
    def recommendation(self) -> Verdict:
        """The verdict, as of a journal."""
        if not self.readable:
            return "reject"
        return "major revision" if self.major else "minor revision" if self.minor else "accept"

    def text(self) -> str:
        """The report, to be read from top to bottom."""
        lines = [f"Review of {self.path.name}", "", "General statement", self.statement, ""]
        for title, findings in (("Major remarks", self.major), ("Minor remarks", self.minor)):
            lines += [title, *(f"{i}. {finding}" for i, finding in enumerate(findings, 1))]
            lines += ["None.", ""] if not findings else [""]
        if self.notes:
            lines += ["Notes of the reader", *(f"- {note}" for note in self.notes), ""]
        return "\n".join([*lines, "Recommendation", _ADVICE[self.recommendation]])

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "path": str(self.path),
            "ok": self.ok,
            "recommendation": self.recommendation,
            "statement": self.statement,
            "major": [vars(f) for f in self.major],
            "minor": [vars(f) for f in self.minor],
            "notes": list(self.notes),
            "completeness": self.completeness,
        }


def review(cube: str | Path | Cube) -> Review:
    """Read a cube whole, in bounded memory, and report on it; a cube that cannot be opened is reported too.

    Raises `DataError` only when there is nothing at the path.
    """
    path = (cube.path if isinstance(cube, Cube) else Path(cube).expanduser()).resolve()
    if not (path / "zarr.json").is_file():
        raise DataError(f"There is no cube at {path}; give the folder of a Zarr store made by 'hdl ingest'.")
    try:
        root = _opened(path, decode_timedelta=False).load()
        groups = {n: _opened(path, group=n) for n in schema.FREQUENCIES if (path / n / "zarr.json").is_file()}
        findings = [*_about(path, root), *_cells(root)]
        sound = not any(f.where == "cells" and f.severity == "major" for f in findings)
        numbers: dict[str, dict[str, Numbers]] = {}
        for name, group in groups.items():
            problems = schema.group_problems(group, name, root["cell"].values if "cell" in root else np.empty(0))
            findings += [Finding("major", name, p, "write the cube again with 'hdl ingest'") for p in problems]
            if "time" in group and not [p for p in schema.time_problems(group["time"].values, name) if "holds" in p]:
                lat = root["lat"].values if sound else np.zeros(group.sizes.get("cell", 0))
                numbers[name] = _read(group)
                findings += _values(group, name, numbers[name], lat)
        findings += _statics(root)
    except Exception as error:  # zarr, numcodecs and xarray raise many kinds for a damaged store
        broken = Finding("major", path.name, f"cannot be read ({error})", "make it again from its sources")
        return Review(path, f"{path.name} cannot be read as a cube.", (broken,), readable=False)
    if not groups and len(root.data_vars) == 0:
        findings.append(Finding("major", path.name, "holds no variable", "ingest files that hold one"))
    complete = {f"{g}/{n}": round(v.complete, 4) for g, held in numbers.items() for n, v in held.items()}
    return Review(
        path, _statement(path, root, groups, numbers), tuple(findings), notes=_notes(root), completeness=complete
    )


def _opened(path: Path, **options: Any) -> xr.Dataset:
    """A group of a store, its variables by name: zarr lists them in whatever order the disk answers."""
    held = xr.open_zarr(path, consolidated=False, chunks=None, **options)
    return xr.Dataset({n: held[n] for n in sorted(held.data_vars, key=str)}, held.coords, held.attrs)


def _read(group: xr.Dataset) -> dict[str, Numbers]:
    return {str(n): read_numbers(a) for n, a in group.data_vars.items() if a.dims == ("time", "cell")}


def _about(path: Path, root: xr.Dataset) -> Iterator[Finding]:
    """Root attributes: schema, provenance, version."""
    attrs = root.attrs
    if attrs.get("hdl_cube") != schema.SCHEMA_VERSION:
        what = f"is of schema {attrs.get('hdl_cube')!r}, not {schema.SCHEMA_VERSION}"
        yield Finding("major", "attributes", what, "make it with 'hdl ingest'")
    for problem in attribute_problems(attrs):
        level: Severity = "minor" if "attribution" in problem or "title" in problem else "major"
        yield Finding(level, "attributes", problem, "add it, so that others know what they look at")
    try:
        entries = json.loads(str(attrs.get("provenance") or "[]"))
        unnamed = sum(1 for e in entries if not (e.get("file") and e.get("sha256")))
        if unnamed and attrs.get("kind") != "twin":
            what = f"{unnamed} of {len(entries)} inputs have no file name or checksum"
            yield Finding("minor", "provenance", what, "ingest from the original files")
    except (ValueError, AttributeError, TypeError):
        yield Finding("major", "provenance", "is not a list of inputs in JSON", "ingest from the original files")
    if attrs.get("version_of") == "stored bytes" and (now := stored_hash(path)) != attrs.get("version"):
        what = f"the content has changed since it was written (version {attrs.get('version')}, now {now})"
        yield Finding("major", "version", what, "copy it again, or make it again from its sources")


def _cells(root: xr.Dataset) -> Iterator[Finding]:
    """Places, ids and areas."""
    problems = schema.cell_problems(root, root.attrs)
    for problem in problems:
        yield Finding("major", "cells", problem, "mend the coordinates of the source and ingest it again")
    if problems:
        return
    area = root["area"].values.astype(np.float64)
    if "grid" in root.attrs:
        step = schema.GridSpec.from_json(str(root.attrs["grid"])).step
        lat = root["lat"].values.astype(np.float64)
        inner = np.abs(lat) + step / 2 <= 90
        off = inner & (np.abs(area / cell_area(lat, step) - 1) > 0.01)  # unknown areas are missing
        if off.any():
            what = f"'area' of {int(off.sum())} cells is not that of {step:g} degree cells at their latitude"
            yield Finding("major", "cells", what, "areas must be in m2, of the whole cell")
    elif np.any(area <= 0):
        yield Finding("major", "cells", f"{int((area <= 0).sum())} areas are not positive", "give areas in m2 or none")
    elif np.isfinite(area).any() and np.nanmax(area) < 1e4:
        yield Finding("minor", "cells", "the areas are very small; this looks like km2", "give areas in m2")
    together = np.stack([root["lat"].values, root["lon"].values], -1)
    doubled = len(together) - len(np.unique(together, axis=0))
    if doubled:
        yield Finding(
            "minor", "cells", f"{doubled} cells share their place with another", "check that no site is twice"
        )


def _values(group: xr.Dataset, name: str, numbers: dict[str, Numbers], lat: NDArray) -> Iterator[Finding]:
    time = group["time"].values
    yield from _years(time, name)
    for variable, seen in numbers.items():
        yield from check_numbers(seen, name, time, lat)
        attrs = group[variable].attrs
        if attrs.get("source") not in schema.ORIGINS:
            what = f"does not say whether it is observed ('source' is {attrs.get('source')!r})"
            yield Finding("minor", f"{name}/{variable}", what, f"set it to one of {', '.join(schema.ORIGINS)}")
    rain, river = numbers.get("precipitation"), numbers.get("runoff_observed")
    if rain is not None and river is not None:
        both = (rain.count > 0.5 * time.size) & (river.count > 0.5 * time.size)
        more = both & (river.mean > 1.05 * rain.mean)
        if more.any():
            what = f"more water runs off than falls in {int(more.sum())} of {int(both.sum())} places"
            level: Severity = "major" if more.sum() > 0.2 * both.sum() and both.sum() > 4 else "minor"
            yield Finding(level, name, what, "check catchment areas, the units of discharge, and undercatch of snow")


def _years(time: NDArray, name: str) -> Iterator[Finding]:
    """Years that the record holds only in part."""
    if time.size == 0:
        return
    unit = "D" if name == "daily" else "M"
    first, last = time[0].astype(f"datetime64[{unit}]"), time[-1].astype(f"datetime64[{unit}]")
    starts = first == first.astype("datetime64[Y]").astype(first.dtype)
    ends = (last + 1).astype("datetime64[Y]") != last.astype("datetime64[Y]")
    partial = [f"{str(first)[:4]} begins on {first}"] if not starts else []
    partial += [f"{str(last)[:4]} ends on {last}"] if not ends else []
    if partial:
        what = f"some years are there only in part: {' and '.join(partial)}"
        yield Finding("minor", name, what, "leave partial years out of yearly sums and means")


def _statics(root: xr.Dataset) -> Iterator[Finding]:
    """Root variables with a physical range."""
    for name, array in root.data_vars.items():
        if not np.issubdtype(array.dtype, np.floating):
            continue
        values = array.values
        if not np.isfinite(values).any():
            yield Finding("minor", str(name), "holds no value at all", "leave it out")
            continue
        limits = schema.physical_range(str(name))
        known = VARIABLES.get(str(name))
        if limits and known and array.attrs.get("units") == known.units:
            n = int(((values < limits[0]) | (values > limits[1])).sum())
            if n:
                what = f"{n} values lie outside {limits[0]:g} to {limits[1]:g} {known.units}"
                yield Finding("major", str(name), what, "state the true units in the source file and ingest it again")


def _notes(root: xr.Dataset) -> tuple[str, ...]:
    try:
        return tuple(str(n) for n in json.loads(str(root.attrs.get("notes", "[]"))))
    except ValueError:
        return ()


def _statement(
    path: Path, root: xr.Dataset, groups: dict[str, xr.Dataset], numbers: dict[str, dict[str, Numbers]]
) -> str:
    """What the cube is, in a paragraph."""
    attrs = root.attrs
    parts = [f"{attrs.get('title', path.name)} ({attrs.get('kind', 'of unknown kind')}, {attrs.get('source', '?')})."]
    if {"lat", "lon"} <= set(root.variables) and np.isfinite(root["lat"].values + root["lon"].values).any():
        lat, lon = root["lat"].values.astype(float), root["lon"].values.astype(float)
        low, high = place_label(np.nanmin(lat), np.nanmin(lon)), place_label(np.nanmax(lat), np.nanmax(lon))
        word = "place" if attrs.get("kind") == "points" else "cell"
        parts.append(f"{lat.size:,} {word}{'s' if lat.size != 1 else ''} between {low} and {high}.")
    for name, group in groups.items():
        if group.sizes.get("time", 0) and np.issubdtype(group["time"].dtype, np.datetime64):
            time = group["time"].values
            word = "days" if name == "daily" else "months"
            held = [
                f"{n} ({group[n].attrs.get('units', 'no units')}, {group[n].attrs.get('source', 'unknown')}), "
                f"{seen.complete:.1%} complete"
                for n, seen in numbers.get(name, {}).items()
            ]
            parts.append(
                f"{time.size:,} {word} from {str(time.min())[:10]} to {str(time.max())[:10]}: {'; '.join(held)}."
            )
    fixed = sorted(str(n) for n in root.data_vars)
    if fixed:
        parts.append(
            f"Fixed in time or by month of the year: {', '.join(fixed[:12])}{', ...' if len(fixed) > 12 else ''}."
        )
    return " ".join(parts)
