"""Carriers: which store holds the memory? One store is put back to its usual amount, and the model runs on.

Nothing of the weather is changed. The networks' hidden and cell states together count as one store more.
"""

from __future__ import annotations

from torch import Tensor

from hdlcore.attribution.contract import Method, Question, Raw, Report, Subject
from hdlcore.attribution.reruns import Reruns
from hdlcore.errors import RequestError
from hdlcore.models.hybrid import HybridModel

HIDDEN = "hidden_state"


def store_columns(model: HybridModel) -> dict[str, list[int]]:
    """Columns of the state that each carrier holds: every store, and what the networks carry."""
    columns = {name: [i] for i, name in enumerate(model.store_names)}
    if model.n_state > len(columns):
        columns[HIDDEN] = list(range(len(model.store_names), model.n_state))
    return columns


def reset(subject: Subject, question: Question, groups: list[list[int]], report: Report) -> Raw:
    """``A = F(x) - F(x, these columns of the state set to their usual values l days before)`` for each lag l.

    The state is set on the morning of day t - l; the lags are the first of each window, so that near lags are close.
    """
    if subject.usual is None:
        raise RequestError("The usual course of the state is needed to reset a store, and this record brings none.")
    runs, usual = Reruns(subject, question), subject.usual()
    lags, _ = question.windows
    values = runs.value.new_empty(*runs.value.shape, lags.size, len(groups))
    done, total = 0, float((lags + 1).sum() * len(groups))
    for k, columns in enumerate(groups):
        changed = _with_columns(runs.states, usual, columns)
        for i, lag in enumerate(lags.tolist()):
            report(done / total)
            values[..., i, k] = runs.value - runs.ends(lag, states=changed)
            done += lag + 1
    return Raw(values)


def _with_columns(states: Tensor, usual: Tensor, columns: list[int]) -> Tensor:
    changed = states.clone()
    changed[..., columns] = usual.to(states.dtype).expand_as(states)[..., columns]
    return changed


def answer(subject: Subject, question: Question, report: Report) -> Raw:
    """Reset one store at a time."""
    return reset(subject, question, list(store_columns(subject.model).values()), report)


def steps(n_days: int, question: Question, n_stores: int) -> float:
    """A run from each lag, for each store."""
    start, _ = question.windows
    return n_days + float(question.targets.size * n_stores * (start + 1).sum())


def _refuses(model: HybridModel, target: str) -> str:
    return "" if model.n_state else "This model carries nothing from day to day, so nothing in it can hold a memory."


METHOD = Method(
    name="carriers",
    label="Carriers",
    claim="How the target would differ had one store stood at its usual amount some days before: the memory that this "
    "store alone holds at that lag.",
    axis="store",
    answer=answer,
    steps=steps,
    by_window=True,
    entries=lambda model: tuple(store_columns(model)),
    refuses=_refuses,
)
