"""What the card says: scores beside those of rivals, calibration, what members disagree on, mass balance, limits."""

from __future__ import annotations

from html import escape

import numpy as np

from dashboard import trust
from dashboard.pages.parts import column, drawn, heading, html, row, show, table_switch
from dashboard.pages.trust_view import MOVING, Trust
from dashboard.plots.paper import Panel
from dashboard.plots.rows import Dots, dot_rows, key_of
from dashboard.plots.sheet import Sheet
from dashboard.selection import number
from dashboard.tables import html_table
from dashboard.trust import found, table_at

LEAST = -0.2  # worse scores stand at this end


class ScoresPart:
    """Median efficiency by quantity and part, the model's beside its rivals'."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view = held, held.view
        self.lead = html("plotnote")
        self._sheet, self.text = Sheet(), ""
        self.keys, self.note = html("keys"), html("plotnote")
        self.table = html("tableview", visible=False)
        switch = table_switch(self.table, self.show_table, "Scores as a table")
        self._body = column("plots", drawn(self._sheet), self.keys)
        self.layout = column(
            "part scorespart", row("parthead", heading("Scores"), switch), self.lead, self._body, self.note, self.table
        )
        held.follow(self.update)

    def update(self, names: frozenset[str]) -> None:
        """Follow the model and the quantity of the score."""
        info = self.trust.info
        show(self.layout, info is not None)
        if info is None:
            self._sheet.hide()
        if info is None or not names & {"model", "variable", "dark"}:
            return
        rows = trust.score_rows(info)
        show(self._body, bool(rows))
        if not rows:
            self._sheet.hide()
            self.lead.object = (
                f'<p role="status">The card of {escape(info.title)} holds no scores; '
                "'hdl evaluate' or the button below makes them.</p>"
            )
            self.note.object = ""
            return
        lead = trust.headline(info, self.trust.target) or trust.headline(info, rows[0].name)
        self.lead.object = f'<p class="lead" role="status">{escape(lead)}</p>'
        rivals = list(dict.fromkeys(name for one in rows for name in one.rivals))[:4]
        series = [Dots(info.title, np.array([one.own for one in rows]))]
        series += [Dots(name, np.array([one.rivals.get(name, np.nan) for one in rows])) for name in rivals]
        self.text = "Median efficiency (NSE) on held-out cells. " + "; ".join(
            f"{one.label} {number(round(one.own, 2))}" for one in rows
        )
        labels, axis = [one.label for one in rows], "median efficiency (NSE)"
        self._sheet.show(dot_rows(labels, series, LEAST, 1.0, [0.0], axis, self.text, dark=self.view.dark))
        self.keys.object = key_of(["this model", *(trust.rival_title(name) for name in rivals)])
        self.note.object = f"<p>Held out: {escape(info.card.split)}.</p>" if info.card.split else ""
        if self.table.visible:
            self.show_table()

    @property
    def panels(self) -> list[Panel]:
        """The rows, as drawings for a picture."""
        return Panel.of(self._sheet)

    def show_table(self) -> None:
        """Every statistic on the card."""
        info = self.trust.info
        if info is None:
            return
        words = {"nse_median": "NSE", "r_median": "Correlation", "rmse_median": "Root mean square error"}
        rows = []
        for one in trust.score_rows(info):
            row_ = [found(info.card.scores, one.name, one.part, key) for key in words]
            rows.append([one.label, *(number(v) if np.isfinite(v) else "–" for v in row_)])
            rows += [[f"… {trust.rival_title(name)}", number(round(v, 2)), "", ""] for name, v in one.rivals.items()]
        self.table.object = html_table("Medians over held-out cells", ["", *words.values()], rows)


class CalibrationPart:
    """How often the truth lies within the bands that were promised, for all and by zone."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view = held, held.view
        self._sheets, self.text = {level: Sheet() for level in (50, 90)}, ""
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        switch = table_switch(self.table, self.show_table, "Calibration as a table")
        self._body = row("coverage", *map(drawn, self._sheets.values()))
        self.layout = column(
            "part calibrationpart", row("parthead", heading("Are its bands honest?"), switch), self._body, self.note,
            self.table,
        )  # fmt: skip
        held.follow(self.update)

    def _rows(self) -> dict[str, dict[str, float]]:
        """Coverage and CRPS by zone, all first; empty where the card has none for the quantity."""
        info = self.trust.info
        whole = table_at(info.card.scores, "uncertainty", self.trust.target) if info is not None else {}
        if not np.isfinite(found(whole, "coverage_50")):
            return {}
        zones = table_at(whole, "zones")
        return {"All land": whole} | {name: zone for name, zone in zones.items() if isinstance(zone, dict)}

    def update(self, names: frozenset[str]) -> None:
        """Follow the model and the quantity of the score."""
        show(self.layout, self.trust.info is not None)
        if not names & {"model", "variable", "dark"}:
            return
        rows = self._rows()
        show(self._body, bool(rows))
        what = trust.short_name(self.trust.target).lower()
        if not rows:
            for sheet in self._sheets.values():
                sheet.hide()
            self.note.object = f'<p role="status">The card says nothing of the bands of {escape(what)}.</p>'
            return
        for (level, sheet), half in zip(self._sheets.items(), (0.1, 0.05), strict=True):
            values = np.array([found(one, f"coverage_{level}") for one in rows.values()])
            middle = level / 100
            reach = max(1.2 * half, float(np.nanmax(np.abs(values - middle))) * 1.15)
            summary = f"Share of observed {what} within the {level} % band: " + ", ".join(
                f"{name} {100 * value:.1f} %" for name, value in zip(rows, values, strict=True)
            )
            sheet.show(dot_rows(
                list(rows), [Dots(f"{level} %", values)], middle - reach, middle + reach, [middle],
                f"in the {level} % band", summary, (middle - half, middle, middle + half), self.view.dark, 92,
            ))  # fmt: skip
        whole = rows["All land"]
        crps, units = found(whole, "crps"), str(table_at(whole).get("units", ""))
        self.text = (
            f"{trust.short_name(self.trust.target)}: {100 * found(whole, 'coverage_50'):.1f} % of what was held out "
            f"lies in the 50 % band, {100 * found(whole, 'coverage_90'):.1f} % in the 90 % band; mean error of the "
            f"distribution (CRPS) {number(crps)} {units}. The line marks what was promised. The bands are those of the "
            "distribution head, not of the members, who agree with each other more than with the world."
        )
        self.note.object = f'<p role="status">{escape(self.text)}</p>'
        if self.table.visible:
            self.show_table()

    @property
    def panels(self) -> list[Panel]:
        """Both bands, beside each other."""
        return [panel for level, sheet in self._sheets.items() for panel in Panel.of(sheet, name=f"{level} % band")]

    def show_table(self) -> None:
        """Coverage and CRPS by zone."""
        rows = [
            [
                name,
                *(f"{100 * found(one, f'coverage_{level}'):.1f} %" for level in (50, 90)),
                number(found(one, "crps")),
            ]
            for name, one in self._rows().items()
        ]
        units = str(next(iter(self._rows().values()), {}).get("units", ""))
        self.table.object = html_table(
            f"Bands of {trust.short_name(self.trust.target).lower()} on held-out blocks",
            ["", "Within 50 %", "Within 90 %", f"CRPS, {units}"],
            rows,
        )


class LimitsPart:
    """In the model's own words where not to trust it; its water balance."""

    def __init__(self, held: Trust) -> None:
        self.trust = held
        self.text = html("limits")
        self.layout = column("part limitspart", heading("Where not to trust it"), self.text)
        held.follow(self.update)

    def update(self, names: frozenset[str]) -> None:
        """Follow the model."""
        info = self.trust.info
        show(self.layout, info is not None)
        if info is None or not names & {"model"}:
            return
        limits = "".join(f"<li>{escape(text)}</li>" for text in info.card.limits)
        residual = found(info.card.scores, "mass_balance", "max_abs_residual_mm_per_year")
        balance = (
            f"<p><b>Water balance.</b> The largest error of any member, cell and year is {number(residual)} mm: "
            "no water is made or lost.</p>"
            if np.isfinite(residual)
            else "<p><b>Water balance.</b> The card does not say how well it closes.</p>"
        )
        whole = f"<ul>{limits}</ul>" if limits else '<p role="status">The card names no limits.</p>'
        self.text.object = whole + balance


class MembersPart:
    """What members that fit alike disagree on: parameters (of the card), stores (of the cells selected)."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view = held, held.view
        self._sheet, self.text = Sheet(), ""
        self.note, self.stores, self.table = html("plotnote"), html("plotnote"), html("tableview", visible=False)
        switch = table_switch(self.table, self.show_table, "Parameters as a table")
        self._body = column("plots", drawn(self._sheet))
        head = row("parthead", heading("What its members disagree on"), switch)
        self.layout = column("part equifinalitypart", head, self.stores, self._body, self.note, self.table)
        held.follow(self.update)

    def update(self, names: frozenset[str]) -> None:
        """Follow model and selection."""
        info = self.trust.info
        show(self.layout, info is not None)
        if info is None:
            return
        if names & MOVING:
            self._tell_stores()
        if names & {"model", "dark"}:
            shares = self._shares()
            show(self._body, bool(shares))
            values = np.array(list(shares.values()), float)
            rows = [trust.short_name(name) for name in shares]
            self.text = "Share of a parameter's variance that is between members: " + ", ".join(
                f"{name} {number(round(float(value), 2))}" for name, value in zip(rows, values, strict=True)
            )
            if shares:
                axis = "0: one map, 1: no map"
                drawing = dot_rows(rows, [Dots("", values)], 0.0, 1.0, (), axis, self.text, dark=self.view.dark)
                self._sheet.show(drawing)
            else:
                self._sheet.hide()
            self.note.object = (
                "<p>Learned parameters: share of the variance that is between members. 0: all found one map; 1: each "
                "found another, so the data do not tell this parameter.</p>"
                if shares
                else ""
            )
            if self.table.visible:
                self.show_table()

    def _shares(self) -> dict[str, float]:
        """Share of the variance between members, by learned parameter of the card."""
        info = self.trust.info
        known = table_at(info.card.scores, "parameter_disagreement") if info is not None else {}
        return {name: float(share) for name, share in known.items() if found(share) >= 0}

    def show_table(self) -> None:
        """The same numbers."""
        rows = [[trust.short_name(name), number(round(share, 2))] for name, share in self._shares().items()]
        head = ["Learned parameter", "Share of its variance between members"]
        self.table.object = html_table("What members disagree on", head, rows)

    @property
    def panels(self) -> list[Panel]:
        """The learned parameters, as a drawing for a picture."""
        return Panel.of(self._sheet)

    def _tell_stores(self) -> None:
        """Median disagreement on each store over the selection."""
        fields, of = self.view.fields, self.view.selection.of
        parts = []
        for name in ("tws", *trust.STORES, "evapotranspiration", "runoff"):
            if fields is None or f"{name}_equifinality" not in fields:
                continue
            values = fields[f"{name}_equifinality"].values[of]
            good = values[np.isfinite(values)]
            if good.size:
                parts.append(f"{trust.short_name(name).lower()} {number(round(float(np.median(good)), 2))}")
        if not parts:
            self.stores.object = '<p role="status">This model does not ship how far its members disagree.</p>'
            return
        median = "" if self.view.selection.single else ", median over cells"
        self.stores.object = (
            f'<p class="lead" role="status">{escape(self.view.place)}{median}: {escape(", ".join(parts))}.</p>'
            "<p>0: the members agree; 1: they differ as much as each varies.</p>"
        )
