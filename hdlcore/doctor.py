"""What `hdl doctor` checks: the parts an installation needs, each with what was found and how to mend it."""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from hdlcore.assets import assets_dir
from hdlcore.data.cube import open_world, validate
from hdlcore.data.weather import generate_arrays
from hdlcore.errors import HDLError
from hdlcore.models.checkpoint import load_member
from hdlcore.models.kernels import arrays, fast
from hdlcore.models.kernels.compiled import kernel_folder
from hdlcore.models.registry import KINDS, model_kind
from hdlcore.runtime.engine import Engine


@dataclass(frozen=True)
class Finding:
    """One thing checked."""

    what: str
    ok: bool
    detail: str


def findings() -> Iterator[Finding]:
    """Check Python, torch, assets, world cube, weather, shipped models' hashes, fast paths, and the app's packages."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("Python", _python),
        ("torch", _torch),
        ("assets", lambda: str(assets_dir())),
        ("world cube", _world),
        ("weather", _weather),
        ("models", _models),
        ("fast path", _fast),
        ("app", _app),
    )
    for what, check in checks:
        try:
            yield Finding(what, True, check())
        except (HDLError, OSError) as error:
            yield Finding(what, False, str(error))


def _python() -> str:
    return f"{platform.python_version()} at {sys.executable}"


def _torch() -> str:
    kind = "CUDA build" if torch.version.cuda else "CPU build"
    return f"{torch.__version__} ({kind}), {torch.get_num_threads()} thread(s)"


def _world() -> str:
    world = open_world()
    problems = validate(world)
    if problems:
        raise HDLError("; ".join(problems))
    return f"{world.sizes['cell']} land cells, version {world.attrs.get('version')}"


def _weather() -> str:
    values = generate_arrays(open_world(), open_world()["cell"].values[:1], "2004-02-29", "2004-02-29")
    return f"generator works (first cell, 29 February 2004: {values[0, 0, 1]:.1f} degC)"


def _models() -> str:
    engine = Engine()
    if engine.problems or not engine.models():
        raise HDLError("; ".join(engine.problems) or "no model is at hand; reinstall, or train one with 'hdl train'.")
    for info in engine.models():
        for index in range(info.members):
            load_member(info.folder, info.card, index)
    return ", ".join(f"{info.id} ({info.members} members, weights match their hashes)" for info in engine.models())


def _fast() -> str:
    states = []
    for name in KINDS:
        reason = fast.why_plain(model_kind(name)(["a"]))
        states.append(f"{name} runs plain ({reason})" if reason else f"{name} runs fast")
    return f"{', '.join(states)}; {arrays.threads()} thread(s), kernels kept in {kernel_folder()}"


def _app() -> str:
    missing = [n for n in ("panel", "panel_material_ui", "bokeh", "datashader") if not importlib.util.find_spec(n)]
    if missing:
        raise HDLError(f"{', '.join(missing)} missing; install with 'pip install hdl-explorer'.")
    return "its packages are installed; start it with 'hdl serve'"
