"""The data sets at hand, and the way to add one's own: chosen, sent, read, reviewed, and seen by nobody else."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from html import escape
from typing import Any

import panel_material_ui as pmui

from dashboard.datasets import About
from dashboard.ingest_job import GUESS
from dashboard.jobs import Lane, sentence
from dashboard.pages.data_view import DataView
from dashboard.pages.parts import SELECT, column, heading, html, job_bar, row
from dashboard.uploads import OwnSet, Transfer, limit_bytes
from dashboard.widgets import Buttons, DataList, Upload
from hdlcore.data.ingest import KINDS

_NOT = {"outlines", "co2"}  # no series of places
READ = {"id": "read", "label": "Add to my data", "kind": "outlined"}


def card(about: About) -> dict[str, Any]:
    """One entry of the list."""
    sites = "cells" if about.what != "Places" else "site" if about.sites == 1 else "sites"
    marks = [*(("generated",) if about.generated else ()), *about.marks]
    count = f"{about.quantities} {'quantity' if about.quantities == 1 else 'quantities'}"
    lines = [f"{about.period} · {about.sites:,} {sites} · {count}"]
    if not about.generated and about.origin != "not stated":
        lines.append(about.origin.capitalize())
    return {"id": about.id, "title": about.title, "marks": marks, "lines": lines}


class ListPart:
    """Cards of the data sets; below them, the upload."""

    def __init__(self, data: DataView) -> None:
        self.data = data
        self.list = DataList(label="Data sets", css_classes=["datacards"], sizing_mode="stretch_width")
        self.list.on_message("choose", self._choose)
        upload = UploadPart(data)
        self.layout = column("datalist", heading("Data sets"), self.list, upload.layout)
        data.follow(self.update)

    def _choose(self, message: dict[str, Any]) -> None:
        if message.get("id") in self.data.sets:
            self.data.choose(str(message["id"]))

    def update(self, names: frozenset[str]) -> None:
        """Bring the cards to what there is."""
        if names & {"sets", "dataset"}:
            items = [card(held.about) for held in self.data.sets.values()]
            self.list.param.update(items=items, chosen=self.data.data.about.id)


class UploadPart:
    """Choose files, say what they are, send and read them; progress, cancel, one sentence when it fails."""

    def __init__(self, data: DataView) -> None:
        self.data, self.uploads = data, data.view.uploads
        self.lane = Lane()
        self._files: list[dict[str, Any]] = []
        self._transfer: Transfer | None = None
        self._make_controls()
        limit = limit_bytes()
        about = (
            f"A CSV of daily series with its JSON of attributes, a NetCDF file, or a zip of these; at most "
            f"{limit / 1e6:,.0f} MB together. Read on this server, seen only by you, and deleted when you leave."
            if limit
            else "This server takes no uploads; run 'hdl serve' yourself to look at your own data."
        )
        self.layout = column(
            "part uploadpart",
            heading("Your own data"),
            html("plotnote", f"<p>{escape(about)}</p>"),
            self.chooser,
            row("uploadrow", self.kind, self.read),
            self.help,
            job_bar(self.lane),
            self.mine,
        )
        if not limit:
            self.layout[:] = self.layout[:2]
        data.follow(self.update)

    def _make_controls(self) -> None:
        endings = sorted({ending for kind in KINDS.values() for ending in kind.suffixes} | {".json", ".zip"})
        self.chooser = Upload(
            label="Files of your data set", accept=",".join(endings), limit=limit_bytes(), sizing_mode="stretch_width"
        )
        for kind, act in (("chosen", self._chosen), ("piece", self._piece), ("unreadable", self._unreadable)):
            self.chooser.on_message(kind, act)
        options = {"Guess from the file": GUESS} | {
            kind.title: kind.id for kind in KINDS.values() if kind.id not in _NOT
        }
        self.kind = pmui.Select(label="Kind of file", options=options, value=GUESS, css_classes=["kind"], **SELECT)
        self.kind.param.watch(lambda _: self._explain(), "value")
        self.help = html("plotnote")
        self.read = Buttons(lambda _: self._begin(), items=[{**READ, "disabled": True}])
        self.mine = Buttons(lambda own: self.uploads.remove(own), items=[], label="Remove your data", visible=False)
        self.lane.param.watch(lambda _: self._able(), "running")

    def _explain(self) -> None:
        kind = KINDS.get(self.kind.value)
        self.help.object = f"<p>{escape(kind.help)}</p>" if kind is not None else ""

    def _able(self) -> None:
        self.read.items = [{**READ, "disabled": self.lane.running or not self._files}]
        self.chooser.disabled = self.lane.running

    def update(self, names: frozenset[str]) -> None:
        """Offer to remove what was uploaded."""
        if "sets" in names:
            mine = self.uploads.sets()
            self.mine.items = [
                {"id": own.id, "label": f"Remove {own.title}", "hint": f"Remove {own.title} from this session"}
                for own in mine
            ]
            self.mine.visible = bool(mine)

    # -- receiving ----------------------------------------------------------------------------------------------

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            self._stop(sentence(error, "The upload"))

    def _chosen(self, message: dict[str, Any]) -> None:
        files = message.get("files")
        self._files = [item for item in files if isinstance(item, dict)] if isinstance(files, list) else []
        self.lane.error = ""
        self._able()

    def _begin(self) -> None:
        def begin() -> None:
            self._drop()
            self._transfer = self.uploads.begin(self._files, secrets.token_hex(8))
            self.lane.hold("Sending the file", self._cancelled)
            self._ask()

        self._guarded(begin)

    def _ask(self) -> None:
        transfer = self._transfer
        if transfer is None:
            return
        wanted = transfer.wanted()
        if transfer.done:
            self._transfer = None
            self._read(transfer)
        else:
            self.lane.param.update(fraction=transfer.fraction, message=f"Sending {transfer.names[transfer.at]}")
            self.chooser.send(wanted)

    def _piece(self, message: dict[str, Any]) -> None:
        transfer = self._transfer
        if transfer is None or message.get("ticket") != transfer.ticket:
            return  # of an upload that was cancelled

        def take() -> None:
            transfer.take(message)
            self._ask()

        self._guarded(take)

    def _unreadable(self, message: dict[str, Any]) -> None:
        if self._transfer is not None and message.get("ticket") == self._transfer.ticket:
            self._stop(f"The browser could not read {str(message.get('name', 'the file'))[:80]}; choose it again.")

    def _read(self, transfer: Transfer) -> None:
        kind = str(self.kind.value)

        def work(progress: Any, cancel: Any) -> OwnSet | str:
            try:
                return self.uploads.read(transfer.paths, kind, progress, cancel)
            finally:
                transfer.drop()

        def done(own: OwnSet) -> None:
            self._files = []
            self.chooser.send({"type": "reset"})
            self.uploads.keep(own)
            self.data.choose(own.id)
            self._able()

        self.lane.start("Reading the file", work, done)

    # -- ending -------------------------------------------------------------------------------------------------

    def _cancelled(self) -> None:
        self._drop()

    def _drop(self) -> None:
        transfer, self._transfer = self._transfer, None
        if transfer is not None:
            transfer.drop()

    def _stop(self, why: str) -> None:
        self._drop()
        self.lane.cancel()
        self.lane.error = why
