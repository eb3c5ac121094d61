"""TopoJSON of Natural Earth (npm world-atlas) to shapely polygons and lines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray


class Topology:
    """A TopoJSON file: shared arcs, quantised and delta-encoded, and geometries that refer to them."""

    def __init__(self, path: Path) -> None:
        document = json.loads(path.read_text(encoding="utf-8"))
        scale, translate = (np.asarray(document["transform"][key]) for key in ("scale", "translate"))
        self.arcs = [np.cumsum(np.asarray(arc), axis=0) * scale + translate for arc in document["arcs"]]
        self.objects = document["objects"]

    def ring(self, indices: list[int]) -> NDArray[np.float64]:
        """Coordinates (n, 2) lon, lat of a ring; ~i means arc i read backwards, and joints are stored twice."""
        parts = [self.arcs[i] if i >= 0 else self.arcs[~i][::-1] for i in indices]
        return np.concatenate([part if k == 0 else part[1:] for k, part in enumerate(parts)])

    def polygons(self, geometry: dict) -> list[shapely.Polygon]:
        """The valid polygons of a Polygon or MultiPolygon geometry, cut at the date line."""
        nested = [geometry["arcs"]] if geometry["type"] == "Polygon" else geometry["arcs"]
        found = []
        for rings in nested:
            shell, *holes = (_cut_at_date_line(self.ring(indices)) for indices in rings)
            found += list(shapely.get_parts(shapely.difference(shell, shapely.union_all(holes))))
        return [part for part in found if part.geom_type == "Polygon" and part.area > 0]

    def land(self) -> list[shapely.Polygon]:
        """Every polygon of the object 'land'."""
        return [polygon for geometry in self.objects["land"]["geometries"] for polygon in self.polygons(geometry)]

    def countries(self) -> list[tuple[str, shapely.Polygon]]:
        """Every polygon of the object 'countries' with the name of its country."""
        geometries = [g for g in self.objects["countries"]["geometries"] if g.get("arcs")]
        return [(g["properties"]["name"], polygon) for g in geometries for polygon in self.polygons(g)]


def _cut_at_date_line(ring: NDArray[np.float64]) -> shapely.Geometry:
    """The area inside a ring (n, 2) of lon, lat, brought into -180 to 180.

    The source lets Chukotka, Fiji and Antarctica step from 180 to -180 degrees; read as plane coordinates, such a ring
    would be drawn across the whole map. A ring that goes once around the Earth holds the South Pole.
    """
    lon, lat = np.unwrap(ring[:, 0], period=360), ring[:, 1]
    if abs(lon[-1] - lon[0]) > 180:
        lon, lat = np.r_[lon, lon[-1], lon[0]], np.r_[lat, -90, -90]
    if lon.size < 4:
        return shapely.Polygon()
    shape = shapely.make_valid(shapely.Polygon(np.column_stack([lon, lat])))
    parts = []
    for turn in (-360, 0, 360):
        inside = shapely.intersection(shape, shapely.box(turn - 180, -90, turn + 180, 90))
        parts.append(shapely.transform(inside, lambda c, turn=turn: c - [turn, 0]))
    return shapely.union_all(parts)
