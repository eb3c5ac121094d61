"""Foreign files to cubes: `ingest` is the one door, `KINDS` what it takes."""

from __future__ import annotations

from hdlcore.data.ingest.kinds import Kind
from hdlcore.data.ingest.pipeline import ingest, kind_named
from hdlcore.data.ingest.registry import KINDS

__all__ = ["KINDS", "Kind", "ingest", "kind_named"]
