"""Model folders: ``card.json`` + one safetensors file per member, checked by hash. Weights are data, never code.

A card carries the number of its `FORMAT`; another one is refused, for its keys and the weights may mean other things.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from hdlcore.errors import ModelError
from hdlcore.models.hybrid import HybridModel
from hdlcore.models.registry import model_kind

CARD = "card.json"
#: Of cards and the weights they name. A change after which older folders would be misread is a new number.
FORMAT = 1


class Member(BaseModel):
    """One member of an ensemble: its weights, their SHA-256, seed, and the fold it never saw."""

    model_config = ConfigDict(extra="forbid")

    weights: str
    sha256: str
    seed: int
    held_out_fold: int


class Card(BaseModel):
    """What a model is, where it comes from, how good it is, and where not to trust it."""

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    id: str
    title: str
    kind: str
    summary: str
    hidden: int
    statics: list[str]
    members: list[Member] = Field(min_length=1)
    recipe: dict[str, Any]
    data: dict[str, Any]
    split: str
    scores: dict[str, Any]
    baselines: dict[str, Any]
    limits: list[str]
    created: str
    software: dict[str, str]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_tensors(tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write safetensors beside `path`, then rename: a reader never sees half a file."""
    beside = path.with_name(path.name + ".part")
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, beside, metadata)
    os.replace(beside, path)


def load_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Read safetensors and their metadata; `ModelError` when the file is missing, truncated or no safetensors."""
    if not path.is_file():
        raise ModelError(f"The weights {path} are missing; copy the whole model folder again or train it anew.")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"The weights {path} cannot be read ({error}); copy the model folder again.") from error


def write_card(card: Card, folder: Path) -> None:
    """Write the card beside, then rename."""
    beside = folder / (CARD + ".part")
    beside.write_text(card.model_dump_json(indent=1) + "\n")
    os.replace(beside, folder / CARD)


def read_card(folder: Path) -> Card:
    """Read and check a model's card; raises `ModelError` saying which key is wrong, or that its format is another."""
    path = folder / CARD
    try:
        found = json.loads(path.read_text())
        if not isinstance(found, dict):
            raise TypeError("it is no JSON object")
        _check_format(path, found.get("format"))
        return Card(**found)
    except FileNotFoundError:
        raise ModelError(f"{folder} holds no {CARD}; it is not a model folder.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, TypeError) as error:
        raise ModelError(f"{path} cannot be read ({error}); copy the model folder again.") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(f"{path}, key '{'.'.join(map(str, first['loc']))}': {first['msg']}.") from error


def _check_format(path: Path, found: object) -> None:
    if found != FORMAT:
        what = "names no format" if found is None else f"is of format {found!r}"
        raise ModelError(
            f"{path} {what}, and this version of HDL Explorer reads format {FORMAT}; "
            "train the model anew, or use the version that made it."
        )


def load_member(folder: Path, card: Card, index: int) -> HybridModel:
    """Build member `index` and load its weights, after checking their hash; raises `ModelError`."""
    member = card.members[index]
    path = folder / member.weights
    if path.resolve().parent != folder.resolve():
        raise ModelError(f"{folder / CARD} names weights outside its own folder ('{member.weights}'); do not trust it.")
    tensors, _ = load_tensors(path)
    if sha256_of(path) != member.sha256:
        raise ModelError(
            f"The weights {path} do not match the hash on their card: they were changed or damaged; "
            "copy the model folder again."
        )
    model = model_kind(card.kind)(card.statics, card.hidden)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"The weights {path} are of another shape than the card says: {reason}") from error
    return model.eval().requires_grad_(False)
