"""Where the shipped data, models, maps and tours are: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import os
from pathlib import Path

from hdlcore.errors import DataError


def assets_dir() -> Path:
    """Return the folder of shipped assets.

    ``HDL_ASSETS`` overrides the place. Raises `DataError` when no such folder exists.
    """
    here = Path(__file__).resolve().parent
    override = os.environ.get("HDL_ASSETS")
    candidates = [Path(override)] if override else [here / "_assets", here.parent / "assets"]
    for candidate in candidates:
        if (candidate / "data").is_dir():
            return candidate
    raise DataError(
        f"The shipped assets were not found in {' or '.join(map(str, candidates))}; "
        "reinstall hdl-explorer or point HDL_ASSETS at the folder that holds 'data' and 'models'."
    )
