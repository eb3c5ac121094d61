"""A plain bucket: the same physics as H2M, every parameter one number for the whole world. A yardstick, not a rival."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from hdlcore.models.kinds.h2m import H2M
from hdlcore.models.parameters import FIXED, GLOBAL, Network, Parameter


class Bucket(H2M):
    """H2M without networks."""

    networks: ClassVar[tuple[Network, ...]] = ()
    parameters_table: ClassVar[tuple[Parameter, ...]] = tuple(
        p if p.source == FIXED else replace(p, source=GLOBAL) for p in H2M.parameters_table
    )
