"""Train one member of an ensemble, whatever its data: steps, learned task weights, early stopping, checkpoints.

All chance comes from the recipe's seed, the member and the number of the pass, so a training that is killed and taken
up again ends with the same bits as one that ran through.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hdlcore.errors import ModelError
from hdlcore.models.checkpoint import load_tensors, save_tensors
from hdlcore.models.hybrid import HybridModel
from hdlcore.models.registry import model_kind
from hdlcore.training.land import LandTask
from hdlcore.training.losses import TaskWeights
from hdlcore.training.recipes import Recipe
from hdlcore.training.sites import SitesTask
from hdlcore.training.task import Task, scale_inputs

logger = logging.getLogger(__name__)

SAVE_EVERY = 5
#: Validation scores of this many passes are averaged: windows differ in how easy they are.
SMOOTHED = 5
#: What a training's checkpoint holds; another number is refused.
FORMAT = 2


def make_task(recipe: Recipe, member: int, path: Path | None) -> Task:
    """The data that `recipe` asks for, as member `member` may see it."""
    return (SitesTask if recipe.data == "catchments" else LandTask)(recipe, member, path)


class Trainer:
    """Trains one member and keeps all that is needed to go on after an interruption in ``out``."""

    def __init__(self, recipe: Recipe, member: int, task: Task, out: Path) -> None:
        self.recipe, self.member, self.task, self.out = recipe, member, task, out
        torch.manual_seed(self.seed(recipe, member))
        self.model: HybridModel = model_kind(recipe.model)(task.features, recipe.hidden)
        scale_inputs(self.model, task)
        self.weights = TaskWeights(len(task.targets))
        self.optimizer = torch.optim.AdamW(parameter_groups(self.model, self.weights, recipe))
        self.states: Tensor | None = None
        self.done = 0
        self.history: list[dict[str, Any]] = []
        #: weights at the best validation score so far, and after which pass that was
        self.best: dict[str, Tensor] = {}
        self.best_pass = 0
        out.mkdir(parents=True, exist_ok=True)

    @staticmethod
    def seed(recipe: Recipe, member: int) -> int:
        """Seed of a member's starting weights."""
        return recipe.seed * 100 + member

    @property
    def checkpoint(self) -> Path:
        """Where the state of the training is kept."""
        return self.out / f"training-{self.member}.safetensors"

    @property
    def result(self) -> Path:
        """Where the finished member's weights are written."""
        return self.out / f"member-{self.member}.safetensors"

    @property
    def finished(self) -> bool:
        """True when all passes are done, or there has been nothing better for long."""
        waited = self.done - self.best_pass
        return self.done >= self.recipe.passes or bool(self.recipe.patience and waited >= self.recipe.patience)

    def train(self, report: Callable[[int, dict[str, Any]], None] | None = None) -> None:
        """Do the passes that are left; a checkpoint every few passes, the best weights at the end."""
        if self.states is None:
            self.states = self.task.warm(self.model)
        while not self.finished:
            record = self._pass(self.states)
            self.done += 1
            self.history.append(record)
            self._keep_best()
            if self.done % SAVE_EVERY == 0 or self.finished:
                self.save()
            if report:
                report(self.done, record)
        save_tensors(self.best, self.result)

    def _pass(self, states: Tensor) -> dict[str, Any]:
        rate = one_cycle(self.done, self.recipe.passes)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * rate
        total, norm, steps = 0.0, 0.0, 0
        chosen = self.task.begin(self.model, states, self.done)
        for losses in chosen:
            loss = self.weights(losses.targets) + losses.penalty
            if not math.isfinite(float(loss.detach())):
                raise ModelError(
                    f"Training of '{self.recipe.id}', member {self.member}: the loss is {float(loss.detach())} in pass "
                    f"{self.done + 1}. The last checkpoint is kept in {self.out}; lower 'learning_rate' in the recipe."
                )
            self.optimizer.zero_grad()
            loss.backward()
            norm += float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.gradient_clip))
            self.optimizer.step()
            total, steps = total + float(losses.targets.detach().mean()), steps + 1
        self.states, scores = chosen.end()
        return {"pass": self.done + 1, "loss": total / steps, "gradient_norm": norm / steps, **scores}

    def _keep_best(self) -> None:
        """Put the weights aside if the validation score, averaged over some passes, is the best of the second half."""
        if self.done < max(1, self.recipe.passes // 2) and self.done < self.recipe.passes:
            self.best_pass = self.done
            return
        scores = [record["score_validation"] for record in self.history]
        smoothed = [sum(scores[max(0, i - SMOOTHED) : i]) / min(i, SMOOTHED) for i in range(1, len(scores) + 1)]
        rivals = smoothed[max(1, self.recipe.passes // 2) - 1 : -1]
        if not self.best or all(not smoothed[-1] < rival for rival in rivals):
            self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
            self.best_pass = self.done

    # -- resuming -----------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write all that a later `resume` needs, atomically."""
        if self.states is None:
            return
        tensors = {f"model.{n}": t for n, t in self.model.state_dict().items()} | {"states": self.states}
        tensors |= {f"best.{n}": t for n, t in self.best.items()}
        tensors |= {f"weights.{n}": t for n, t in self.weights.state_dict().items()}
        for i, entry in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{name}": value for name, value in entry.items()}
        meta = {
            "format": str(FORMAT),
            "done": str(self.done),
            "best_pass": str(self.best_pass),
            "history": json.dumps(self.history),
            "recipe": self.recipe.model_dump_json(),
        }
        save_tensors(tensors, self.checkpoint, meta)

    def resume(self) -> bool:
        """Take up an earlier training of the same recipe; False when there is none.

        A recipe may ask for more members than before. Raises `ModelError` for a checkpoint of another recipe or
        version, which is left as it is.
        """
        if not self.checkpoint.is_file():
            return False
        tensors, meta = load_tensors(self.checkpoint)
        if meta.get("format") != str(FORMAT):
            raise ModelError(
                f"{self.checkpoint} was written by another version (format {meta.get('format', '1')}, not {FORMAT}); "
                "train anew without --resume, into another folder if you want to keep it."
            )
        if _own(Recipe.model_validate_json(meta["recipe"])) != _own(self.recipe):
            raise ModelError(
                f"{self.checkpoint} is of another recipe than '{self.recipe.id}' is now; go on with the recipe it was "
                "begun with, or train anew without --resume."
            )
        self.model.load_state_dict(_under("model.", tensors))
        self.weights.load_state_dict(_under("weights.", tensors))
        self.best = _under("best.", tensors)
        entries: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under("optimizer.", tensors).items():
            index, key = name.split(".", 1)
            entries.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": entries})
        self.states = tensors["states"]
        self.done, self.best_pass = int(meta["done"]), int(meta["best_pass"])
        self.history = json.loads(meta["history"])
        return True


def _own(recipe: Recipe) -> dict[str, Any]:
    """What of a recipe a member's training depends on: an ensemble on land may grow, its first members stay."""
    return recipe.model_dump(exclude={"title", "summary"} | ({"members"} if recipe.data != "catchments" else set()))


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def parameter_groups(model: HybridModel, weights: TaskWeights, recipe: Recipe) -> list[dict[str, Any]]:
    """Network weights, global parameters (single numbers without decay that may step further), and task weights."""
    networks = [p for name, p in model.named_parameters() if not name.startswith("global_raw")]
    rate, decay = recipe.learning_rate, recipe.weight_decay
    own = list(model.global_raw.parameters())
    return [
        {"params": networks, "lr": rate, "peak": rate, "weight_decay": decay},
        {"params": own, "lr": rate, "peak": rate * recipe.global_rate, "weight_decay": 0.0},
        {"params": list(weights.parameters()), "lr": rate, "peak": rate, "weight_decay": 0.0},
    ]


def one_cycle(done: int, passes: int) -> float:
    """Share of the peak rate for the pass after `done`: a linear rise over the first fifth, then a cosine to 1 %."""
    rise = max(1, passes // 5)
    if done < rise:
        return (done + 1) / rise
    progress = (done - rise) / max(1, passes - rise)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))
