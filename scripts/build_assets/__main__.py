"""Rebuild assets/data, assets/maps and assets/fonts from the public packages: ``python -m scripts.build_assets``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from scripts.build_assets.fine import build_fine, write_fine
from scripts.build_assets.font import build_font
from scripts.build_assets.layers import from_folder, from_packages
from scripts.build_assets.maps import PROJECTIONS, build_map, write_map
from scripts.build_assets.packages import fetch
from scripts.build_assets.sites import build_sites
from scripts.build_assets.world import build_world, write_world

log = logging.getLogger("build_assets")
ROOT = Path(__file__).resolve().parents[2]
CACHE = Path.home() / ".cache" / "hdl-explorer" / "sources"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.build_assets", description=__doc__)
    parser.add_argument("--from", dest="folder", type=Path, help="folder of layers on their grids, not the packages")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where packages are kept (about 400 MB)")
    parser.add_argument("--out", type=Path, default=ROOT / "assets", help="the assets folder to write to")
    parser.add_argument(
        "--only", choices=("world", "sites", "font"), help="only the world with its maps, the sites, the font"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.only in (None, "font"):
        build_font(options.cache, options.out / "fonts")
    if options.only in (None, "sites"):
        build_sites(options.cache, options.out / "data")
    if options.only in ("font", "sites"):
        return
    layers = from_folder(options.folder) if options.folder else from_packages(fetch(options.cache))
    world = build_world(layers)
    write_world(world, options.out / "data" / "world.zarr")
    log.info("world.zarr: %d cells, version %s", world.sizes["cell"], world.attrs["version"])
    fine = build_fine(layers.fine)
    write_fine(fine, options.out / "data" / "fine.zarr")
    log.info("fine.zarr: version %s", fine.attrs["version"])
    for name in PROJECTIONS:
        write_map(build_map(name, world, layers.land), options.out / "maps" / f"{name}.npz")
        log.info("maps/%s.npz", name)


if __name__ == "__main__":
    main()
