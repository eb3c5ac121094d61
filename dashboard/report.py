"""A review on the screen: the recommendation, what the data are, then remarks numbered as a reviewer does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from dashboard.tables import html_table
from hdlcore.data.review import Review
from hdlcore.data.review_finding import Finding
from hdlcore.variables import VARIABLES

ADVICE = {
    "accept": ("Accept", "Nothing stands against using these data."),
    "minor revision": ("Accept after minor revision", "The data can be used; the remarks say what to keep in mind."),
    "major revision": ("Major revision", "Mend the major remarks before drawing conclusions."),
    "reject": ("Reject", "These data cannot be used."),
}


def verdict(found: Review) -> str:
    """The recommendation in a line: 'Accept after minor revision: no major remark, 3 minor remarks.'"""
    counts = f"{_count(len(found.major), 'major')}, {_count(len(found.minor), 'minor')}"
    return f"{ADVICE[found.recommendation][0]}: {counts}."


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what} remark{'' if number == 1 else 's'}"


def _where(text: str) -> str:
    """'daily/air_temperature' as a person says it: 'Air temperature, daily'."""
    group, _, name = text.rpartition("/")
    entry = VARIABLES.get(name)
    if entry is None:
        return text
    return f"{entry.long_name}, {group}" if group else entry.long_name


def _remarks(title: str, remarks: Sequence[Finding]) -> str:
    if not remarks:
        return f'<section><h3>{title}</h3><p class="none">None.</p></section>'
    items = "".join(
        f"<li><b>{escape(_where(remark.where))}</b> {escape(remark.what)}"
        f'<span class="mend">{escape(remark.mend[0].upper() + remark.mend[1:].rstrip("."))}.</span></li>'
        for remark in remarks
    )
    return f"<section><h3>{title}</h3><ol>{items}</ol></section>"


def _complete(found: Review) -> str:
    """How much of each series is there."""
    if not found.completeness:
        return ""
    rows = [[_where(name), f"{100 * share:.1f} %"] for name, share in found.completeness.items()]
    table = html_table("Share of values that are there", ["Series", "There"], rows)
    return f"<section><h3>Completeness</h3>{table}</section>"


def _statement(found: Review) -> str:
    """What the data are; the list of series is left to the table of completeness below."""
    return re.sub(r"(\d{4}-\d\d-\d\d): .*", r"\1.", found.statement) if found.completeness else found.statement


def report_html(found: Review) -> str:
    """The whole report."""
    word, meaning = ADVICE[found.recommendation]
    kind = "major" if not found.ok else "good" if found.recommendation == "accept" else ""
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    return (
        f'<p class="verdict" role="status"><b class="{kind}">{word}.</b> {escape(meaning)} '
        f"<span>{escape(verdict(found).split(': ', 1)[1].capitalize())}</span></p>"
        f'<p class="statement">{escape(_statement(found))}</p><div class="remarks">'
        + _remarks("Major remarks", found.major)
        + _remarks("Minor remarks", found.minor)
        + (f"<section><h3>Notes of the reader</h3><ul>{notes}</ul></section>" if notes else "")
        + _complete(found)
        + "</div>"
    )


def no_review(set_id: str) -> str:
    """Why there is no report, and how to get one."""
    return (
        f"'{set_id}' is made on demand, so there is no file to review; "
        "'hdl twin --out CUBE' writes one, and 'hdl review CUBE' reviews it."
    )
