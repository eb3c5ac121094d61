"""What a data set is, and what its reviewer says: the verdict at the top, the whole report below."""

from __future__ import annotations

import json
from html import escape

from dashboard.datasets import DataSet
from dashboard.jobs import Lane
from dashboard.pages.data_view import DataView
from dashboard.pages.dialogs import download
from dashboard.pages.parts import column, heading, html, job_bar, row
from dashboard.report import no_review, report_html, verdict
from dashboard.widgets import Buttons
from hdlcore.data.review import Review

SAVE = [
    {"id": "text", "label": "Report as text", "hint": "Save the report as text"},
    {"id": "json", "label": "Report as JSON", "hint": "Save the report as JSON"},
]


class HeadPart:
    """Title and facts of the chosen data set, and the reviewer's verdict in a line."""

    def __init__(self, data: DataView) -> None:
        self.data = data
        self.text = html("datahead")
        self.layout = self.text
        data.follow(self.update)

    def update(self, names: frozenset[str]) -> None:
        """Show the data set."""
        if not names & {"dataset", "sets"}:
            return
        about = self.data.data.about
        rows = [
            ("Source", about.origin.capitalize()),
            ("Period", about.period),
            ("Cells" if about.what != "Places" else "Sites", f"{about.sites:,}"),
            ("Attribution", about.attribution),
            *about.facts,
        ]
        marks = "".join(
            f'<span class="mark {escape(mark.split()[0])}">{escape(mark)}</span>'
            for mark in (*(("generated",) if about.generated else ()), *about.marks)
        )
        facts = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in rows)
        note = f"<p>{escape(about.note)}</p>" if about.note else ""
        self.text.object = f"<h2>{escape(about.title)}{marks}</h2>{note}<dl>{facts}</dl>"


class ReportPart:
    """The reviewer's report: recommendation, major and minor remarks; made off the loop the first time."""

    def __init__(self, data: DataView) -> None:
        self.data = data
        self.lane = Lane()
        self.review: Review | None = None
        self._of: DataSet | None = None
        self.text = html("report")
        self.save = Buttons(self._save, items=SAVE, label="Save the report", visible=False)
        self.layout = column(
            "part reportpart",
            row("parthead", heading("What the reviewer says"), self.save),
            job_bar(self.lane),
            self.text,
        )
        data.follow(self.update)

    def update(self, names: frozenset[str]) -> None:
        """Review the chosen data set, unless it is the one on the screen."""
        held = self.data.data
        if held is self._of:
            return
        self._of, self.review = held, None
        self.text.object, self.save.visible = "", False
        self.lane.start(
            "Reviewing the data", lambda progress, cancel: held.review(), lambda found: self._show(held, found)
        )

    def _show(self, held: DataSet, found: Review | None) -> None:
        if held is not self._of:
            return
        self.review = found
        self.save.visible = found is not None
        self.text.object = report_html(found) if found is not None else f"<p>{escape(no_review(held.about.id))}</p>"

    def _save(self, which: str) -> None:
        name, mime, made = self.file(which)
        self.data.view.send(download(name, mime, made))

    def file(self, which: str) -> tuple[str, str, bytes]:
        """Name, media type and content of the report as text or JSON."""
        about = self.data.data.about
        if self.review is None:
            return f"{about.id}-review.txt", "text/plain", no_review(about.id).encode()
        if which == "json":
            made = json.dumps(self.review.as_dict(), indent=1, ensure_ascii=False, default=str)
            return f"{about.id}-review.json", "application/json", made.encode()
        return f"{about.id}-review.txt", "text/plain", self.review.text().encode()

    @property
    def verdict(self) -> str:
        """The recommendation in a line."""
        return verdict(self.review) if self.review is not None else ""
