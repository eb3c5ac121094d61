"""Every kind of file that can be ingested, by id."""

from __future__ import annotations

from hdlcore.data.ingest.kinds import Kind
from hdlcore.data.ingest.products import GRID_KINDS
from hdlcore.data.ingest.sites import SITE_KINDS

KINDS: dict[str, Kind] = {kind.id: kind for kind in (*GRID_KINDS, *SITE_KINDS)}
