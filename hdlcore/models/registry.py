"""Names of the kinds of model that a card or recipe may ask for. Adding a model is one file and one line here."""

from __future__ import annotations

from hdlcore.errors import ModelError
from hdlcore.models.bucket import Bucket
from hdlcore.models.h2m import H2M
from hdlcore.models.hybrid import HybridModel

KINDS: dict[str, type[HybridModel]] = {"h2m": H2M, "bucket": Bucket}


def model_kind(name: str) -> type[HybridModel]:
    """Return the class of a kind; raises `ModelError` naming those there are."""
    try:
        return KINDS[name]
    except KeyError:
        raise ModelError(f"No kind of model is called '{name}'; there are {', '.join(KINDS)}.") from None
