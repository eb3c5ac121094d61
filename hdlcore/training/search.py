"""Search for better settings of a recipe with Optuna (optional: pip install "hdl-explorer[search]").

A trial trains one member and is judged by its validation score, never by what is held out for evaluation; trials that
lag behind are given up early. The search is kept in a file beside its trials, so it goes on where it stopped.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hdlcore.errors import ModelError, RequestError
from hdlcore.training.recipes import Recipe
from hdlcore.training.trainer import SMOOTHED, Trainer, make_task

#: Settings that are searched, and how: low, high, whether on a log scale.
SPACE: dict[str, tuple[float, float, bool]] = {
    "learning_rate": (1e-3, 2e-2, True),
    "weight_decay": (1e-4, 1e-1, True),
    "hidden": (16, 128, True),
}
#: Called with (trials done, score of the best, its settings).
Report = Callable[[int, float, dict[str, Any]], None]


def search(recipe: Recipe, out: Path, trials: int, data: Path | None = None, report: Report | None = None) -> Recipe:
    """The recipe with the settings of the best of `trials` trials, those of an earlier search in `out` included.

    Raises `RequestError` when Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise RequestError('The search needs Optuna; install it with: pip install "hdl-explorer[search]".') from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    out.mkdir(parents=True, exist_ok=True)
    task = make_task(recipe, 0, data)
    study = optuna.create_study(
        storage=f"sqlite:///{out / 'search.db'}", study_name=recipe.id, direction="maximize", load_if_exists=True,
        sampler=optuna.samplers.TPESampler(seed=recipe.seed), pruner=optuna.pruners.MedianPruner(n_warmup_steps=5),
    )  # fmt: skip

    def objective(trial: optuna.Trial) -> float:
        chosen = recipe.model_copy(update=_settings(trial))
        trainer = Trainer(chosen, 0, task, out / f"trial-{trial.number}")

        def passed(done: int, _: dict[str, Any]) -> None:
            trial.report(_recent(trainer), done)
            if trial.should_prune():
                raise optuna.TrialPruned

        try:
            trainer.train(passed)
        except ModelError as error:  # an exploding loss is a bad trial, not the end of the search
            raise optuna.TrialPruned from error
        return _recent(trainer)

    def told(study: optuna.Study, _: object) -> None:
        if report and any(t.state.name == "COMPLETE" for t in study.trials):
            report(len(study.trials), study.best_value, study.best_params)

    study.optimize(objective, trials, callbacks=[told])
    if not any(t.state.name == "COMPLETE" for t in study.trials):
        raise ModelError(f"No trial of '{recipe.id}' came to its end; lower the learning rate of the recipe.")
    return recipe.model_copy(update=study.best_params)


def _settings(trial: Any) -> dict[str, float | int]:
    return {
        name: trial.suggest_int(name, int(low), int(high), log=log)
        if name == "hidden"
        else trial.suggest_float(name, low, high, log=log)
        for name, (low, high, log) in SPACE.items()
    }


def _recent(trainer: Trainer) -> float:
    scores = [record["score_validation"] for record in trainer.history[-SMOOTHED:]]
    return float(sum(scores) / len(scores))


def as_toml(recipe: Recipe, source: Path) -> str:
    """The text of the recipe at `source` with the searched settings replaced; comments and order stay."""
    lines, values = source.read_text().splitlines(), recipe.model_dump()
    found = set()
    end = next((i for i, line in enumerate(lines) if line.startswith("[")), len(lines))
    for i, line in enumerate(lines[:end]):
        name = line.split("=")[0].strip()
        if name in SPACE:
            lines[i] = f"{name} = {values[name]:.6g}"
            found.add(name)
    lines[end:end] = [*(f"{name} = {values[name]:.6g}" for name in SPACE if name not in found), ""]
    text = "\n".join(lines) + "\n"
    tomllib.loads(text)
    return text
