"""Truncated history: the model forgets all that is older than L days and starts from its usual state there."""

from __future__ import annotations

from dataclasses import replace

import torch

from hdlcore.attribution.contract import Question, Raw, Report, Subject
from hdlcore.attribution.methods import carriers

EVERYTHING = "whole_state"


def answer(subject: Subject, question: Question, report: Report) -> Raw:
    """Reset every store and hidden state at once: what a run over the last L days alone would miss."""
    return carriers.reset(subject, question, [torch.arange(subject.model.n_state).tolist()], report)


METHOD = replace(
    carriers.METHOD,
    name="truncated_history",
    label="Truncated history",
    claim="How the target would differ had the model started from its usual state some days before: all the memory "
    "older than that lag, without training anew.",
    answer=answer,
    entries=lambda model: (EVERYTHING,),
)
