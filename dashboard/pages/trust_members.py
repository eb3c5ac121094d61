"""Every member at the chosen cells: bands, and stores that fit alike and differ; for the twin's model the truth too."""

from __future__ import annotations

from html import escape

import numpy as np
import xarray as xr

from dashboard import series
from dashboard.members import Members, sentence
from dashboard.pages.member_runs import MOST_CELLS, MemberRuns
from dashboard.pages.parts import column, drawn, heading, html, job_bar, row, show, table_switch
from dashboard.pages.trust_view import MOVING, Trust
from dashboard.plots.members import members as drawing_of
from dashboard.plots.paper import Panel
from dashboard.plots.sheet import Sheet
from dashboard.series import STORES
from dashboard.tables import html_table
from dashboard.trust import found, short_name, two_digits


class EachMemberPart:
    """Four small charts of one range: the total and its stores."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view, self.state = held, held.view, held.state
        self.runs = MemberRuns(self.view, self._show)
        self.members: Members | None = None
        self._sheets, self.text = {name: Sheet() for name in STORES}, ""
        self._titles = {name: html("sidename") for name in STORES}
        self._sides = {
            name: column("curveside", self._titles[name], drawn(sheet)) for name, sheet in self._sheets.items()
        }
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        switch = table_switch(self.table, self.show_table, "Members as a table")
        self._body = column("memberplots", *self._sides.values())
        self.layout = column(
            "part memberspart", row("parthead", heading("Every member, here"), switch),
            job_bar(self.runs.lane, renews=True), self._body, self.note, self.table,
        )  # fmt: skip
        held.follow(self.update)

    def update(self, names: frozenset[str]) -> None:
        """Run the members of the selection, unless they are on the screen."""
        if "dark" in names:
            self._draw()
        info, of = self.trust.info, self.view.selection.of
        show(self.layout, info is not None)
        if info is None or not names & MOVING:
            return
        self._show()
        if of.size > MOST_CELLS:
            self._nothing(f"{of.size:,} cells are too many to run every member while you wait (up to {MOST_CELLS}).")
        elif info.members < 2:
            self._nothing("This model has one member: there is nobody to disagree with.")

    def _nothing(self, why: str) -> None:
        self.members = None
        self._draw()
        show(self._body, False)
        self.note.object = f'<p role="status">{escape(why)}</p>'

    @property
    def factor(self) -> float:
        """What the members' spread is stretched by (see docs/evaluation.md); NaN where the card does not say."""
        info = self.trust.info
        return found(info.card.scores, "uncertainty", "latent_stores_spread_factor") if info is not None else np.nan

    def _known(self, name: str) -> np.ndarray | None:
        """What is known of a store, as departures (12,): the twin's truth, or the observed total."""
        truth, selection, area = self.trust.truth, self.view.selection, self.view.world["area"].values
        held = truth if truth is not None and name in truth else None
        if held is None and name == "tws" and not self.view.generated:
            season = self.view.season()
            return season["tws_observed"].values if "tws_observed" in season else None
        if held is None:
            return None
        values = series.mean_over(held[name].transpose("month", "cell").values, selection.of, area)
        return np.asarray(values - values.mean())

    def _show(self) -> None:
        """Draw the members, unless they are on the screen or still run."""
        members = self.runs.members() if self.trust.info is not None else None
        if members is None or members is self.members:
            return
        self.members = members
        self.text = sentence(members, self.view.place)
        self._draw()
        show(self._body, True)
        self.note.object = self._words()
        if self.table.visible:
            self.show_table()

    @property
    def _stretched(self) -> bool:
        """Whether the members' spread can be made a band of what was held out."""
        return bool(np.isfinite(self.factor)) and self.view.selection.single

    def _draw(self) -> None:
        """A chart for each store that the members have, all of one range; no other."""
        held = self.members
        cycles = held.cycle if held is not None else {}
        known = {name: self._known(name) for name in cycles}
        bands = {
            name: held.band(name, self.factor) if held is not None and self._stretched else None for name in cycles
        }
        inner = [*cycles.values(), *(value for value in known.values() if value is not None)]
        reach = max((float(np.nanmax(np.abs(value), initial=0)) for value in inner), default=1.0)
        widest = max((float(np.nanmax(np.abs(b), initial=0)) for b in bands.values() if b is not None), default=0.0)
        half = 1.08 * max(min(widest, 1.5 * reach), reach, 1.0)  # a band far wider than the swing runs off the chart
        for name, side in self._sides.items():
            show(side, name in cycles)
            if held is None or name not in cycles:
                self._sheets[name].hide()
                continue
            score = held.disagreement(name)
            alone = "one member" if len(cycles[name]) == 1 else "no swing"
            said = f"disagreement {two_digits(score)}" if np.isfinite(score) else alone
            self._titles[name].object = f"<p><b>{escape(short_name(name))}</b> <span>{escape(said)}</span></p>"
            text = f"{short_name(name)} of each member, {self.view.place}: {said}"
            self._sheets[name].show(
                drawing_of(name, cycles[name], bands[name], known[name], half, "mm", self.view.dark, text)
            )

    @property
    def panels(self) -> list[Panel]:
        """The charts, beside each other."""
        return [panel for name, sheet in self._sheets.items() for panel in Panel.of(sheet, name=short_name(name))]

    def _words(self) -> str:
        dots = "the truth of the twin" if self.trust.truth is not None else "GRACE, which is smoothed"
        text = f"Thin: the members; thick: their mean; rings: {dots}. Departures from the yearly mean, 2002 to 2007."
        if self._stretched:
            text += (
                f" Band: their spread times {self.factor:.1f}, the factor that makes the 90 % band of total storage "
                "hold 90 % of what was held out. For the stores that nobody observes it assumes that the members "
                "understate both alike. A band wider than the chart fills it."
            )
        return f'<p class="lead" role="status">{escape(self.text)}</p><p>{escape(text)} {escape(self.view.label)}</p>'

    def show_table(self) -> None:
        """Swing and share of each store, member by member."""
        if self.members is None:
            return
        held = self.members
        names = [name for name in STORES if name in held.cycle]
        rows = []
        for at in range(len(held.cycle[names[0]])):
            swing = [f"{np.ptp(held.cycle[name][at]):.0f}" for name in names]
            share = [f"{100 * held.shares(name)[at]:.0f} %" for name in names[1:]]
            rows.append([str(at + 1), *swing, *share])
        head = ["Member", *(f"{short_name(name)}, swing mm" for name in names)]
        head += [f"{short_name(name)}, share" for name in names[1:]]
        self.table.object = html_table(f"Members at {self.view.place}", head, rows)

    def dataset(self) -> xr.Dataset | None:
        """Seasons of the members as drawn, (member, month), mm; None before there are any."""
        if self.members is None:
            return None
        data = {name: (("member", "month"), cycle, {"units": "mm"}) for name, cycle in self.members.cycle.items()}
        return xr.Dataset(data, {"month": np.arange(1, 13)})
