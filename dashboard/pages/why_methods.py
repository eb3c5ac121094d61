"""How far to believe each method: what it claims, and its grades on the model, as `hdl grade` found them."""

from __future__ import annotations

from html import escape

from dashboard import why
from dashboard.pages.parts import column, heading, html, show
from dashboard.pages.why_view import Why
from dashboard.state import METHODS


class MethodsPart:
    """A table of methods and grades; the chosen method is marked."""

    def __init__(self, held: Why) -> None:
        self.why = held
        self.table, self.note = html("tableview"), html("plotnote")
        self.layout = column(
            "part methodspart", heading("How far to believe each method"), self.note, self.table
        )  # fmt: skip
        held.follow(self.update)

    def update(self, names: frozenset[str]) -> None:
        """Follow source and method."""
        if not names & {"model", "way"}:
            return
        held = self.why
        methods = tuple(name for name in held.methods if name in METHODS)
        grades, lack = held.grades()
        show(self.layout, bool(held.methods))
        if not methods:
            self.table.object, self.note.object = "", f"<p>{escape(lack)}</p>"
            return
        rows = why.grade_rows(grades, methods)
        heads = [(name, good) for name, _, good in why.GRADES] if grades else []
        top = "".join(f'<th scope="col" title="{escape(good)}">{escape(name)}</th>' for name, good in heads)
        if not grades:
            top = '<th scope="col">Its numbers say</th>'
        body = ""
        for name, cells in zip(methods, rows, strict=True):
            chosen = name == held.method
            label = f"<b>{escape(cells[0])}</b>" if chosen else escape(cells[0])
            mark = ' aria-current="true"' if chosen else ""
            shown = cells[2:] if grades else cells[1:2]
            kind = "" if grades else ' class="words"'
            values = "".join(f"<td{kind}>{escape(text)}</td>" for text in shown)
            body += f'<tr{mark}><th scope="row" title="{escape(cells[1])}">{label}</th>{values}</tr>'
        title = "Methods of attribution and their grades" if grades else "Methods of attribution and what they claim"
        self.table.object = (
            f'<div class="scroll" tabindex="0" role="region" aria-label="{title}"><table><caption>{title}</caption>'
            f"<thead><tr><th></th>{top}</tr></thead><tbody>{body}</tbody></table></div>"
        )
        self.note.object = f"<p>{escape(self._about(grades is not None, lack))}</p>"

    def _about(self, graded: bool, lack: str) -> str:
        if not graded:
            return lack
        words = "; ".join(f"{name.lower()}: {good[0].lower()}{good[1:]}" for name, _, good in why.GRADES)
        return (
            f"Means over cells of every climate zone. {words[0].upper()}{words[1:]}. A model that never saw the twin "
            "is not wrong because it differs from it."
        )
