"""Weights are data, checked by hash: what is damaged, foreign or not ours is refused in one sentence."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from hdlcore.assets import assets_dir
from hdlcore.errors import ModelError
from hdlcore.models.checkpoint import FORMAT, load_member, load_tensors, read_card, save_tensors


@pytest.fixture
def folder(small_model: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(small_model, tmp_path / "model"))


def test_a_model_folder_round_trips(folder: Path) -> None:
    card = read_card(folder)
    model = load_member(folder, card, 0)
    saved, _ = load_tensors(folder / card.members[0].weights)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, saved[name], rtol=0, atol=0)


def test_changed_weights_are_refused(folder: Path) -> None:
    card = read_card(folder)
    path = folder / card.members[0].weights
    tensors, _ = load_tensors(path)
    tensors["forcing_mean"] += 1
    save_tensors(tensors, path)
    with pytest.raises(ModelError, match="do not match the hash"):
        load_member(folder, card, 0)


def test_truncated_weights_are_refused(folder: Path) -> None:
    card = read_card(folder)
    path = folder / card.members[0].weights
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be read"):
        load_member(folder, card, 0)


def test_missing_weights_are_named(folder: Path) -> None:
    card = read_card(folder)
    (folder / card.members[0].weights).unlink()
    with pytest.raises(ModelError, match="missing"):
        load_member(folder, card, 0)


def test_a_pickle_is_never_opened(folder: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "exploded",))

    card = read_card(folder)
    (folder / card.members[0].weights).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelError, match="cannot be read"):
        load_member(folder, card, 0)
    assert not (tmp_path / "exploded").exists()


def test_weights_outside_the_folder_are_refused(folder: Path) -> None:
    card = read_card(folder)
    card.members[0].weights = "../elsewhere.safetensors"
    with pytest.raises(ModelError, match="outside its own folder"):
        load_member(folder, card, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda card: card | {"surprise": 1}, "surprise"),
        (lambda card: {k: v for k, v in card.items() if k != "members"}, "members"),
    ],
)
def test_a_malformed_card_names_its_key(folder: Path, change: object, said: str) -> None:
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(change(card)))  # type: ignore[operator]
    with pytest.raises(ModelError, match=said):
        read_card(folder)


@pytest.mark.parametrize("text", ["{half", "[]", '"words"'])
def test_a_card_that_is_no_json_object_is_refused(folder: Path, text: str) -> None:
    (folder / "card.json").write_text(text)
    with pytest.raises(ModelError, match="cannot be read"):
        read_card(folder)


@pytest.mark.parametrize(
    ("number", "said"),
    [(FORMAT + 1, f"is of format {FORMAT + 1}"), ("1", "is of format '1'"), (None, "names no format")],
)
def test_a_card_of_another_format_is_refused_before_its_keys(folder: Path, number: object, said: str) -> None:
    """The sentence says which format it is and which is read, not which key of a newer card is unknown here."""
    card = json.loads((folder / "card.json").read_text())
    assert card["format"] == FORMAT
    (folder / "card.json").write_text(json.dumps(card | {"format": number, "of_a_later_version": 1}))
    with pytest.raises(ModelError, match=f"{said}, and this version of HDL Explorer reads format {FORMAT}; train"):
        read_card(folder)


@pytest.mark.parametrize("shipped", sorted((assets_dir() / "models").iterdir()), ids=lambda path: path.name)
def test_every_shipped_card_and_its_weights_are_of_this_format(shipped: Path) -> None:
    card = read_card(shipped)
    for index in range(len(card.members)):
        load_member(shipped, card, index)
