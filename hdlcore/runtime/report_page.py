"""Evaluation of a model as one HTML page that needs nothing else: no script, no network; light, dark, print, phone.

`report_html` makes the page of a `Report`, `write_report` the file. Each section takes the report and gives HTML, or
nothing where the report has nothing to say.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from hdlcore.analysis.published import MEDIAN_NSE, PARTITION, SETUP, SOURCE
from hdlcore.analysis.uncertainty import coverage_of_pit, pit_histogram
from hdlcore.assets import assets_dir
from hdlcore.runtime.report import Calibration, PartScores, Report
from hdlcore.runtime.report_charts import (
    Axes,
    bars_chart,
    pit_chart,
    reliability_chart,
    series_chart,
    svg,
)
from hdlcore.runtime.report_map import cell_map
from hdlcore.variables import VARIABLES

PART_NAMES = {"raw": "month by month", "msc": "seasonal cycle", "iav": "anomalies"}
#: Style classes of assets/css/report.css, for stores and for the destinations of water.
STYLES = {
    "swe": "snow", "soil_moisture": "soil", "groundwater": "groundwater", "tws": "total", "soil": "soil",
    "surface": "surface",
}  # fmt: skip
_LINES = ("accent", "total", "surface", "other", "groundwater", "soil")


def number(value: float | None, digits: int = 2) -> str:
    """A figure with a true minus, a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")  # no minus zero


def title_of(name: str) -> str:
    """Long name of a variable, or the name itself."""
    return VARIABLES[name].long_name if name in VARIABLES else name.replace("_", " ")


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], own: int | None = None, words: bool = False
) -> str:
    """A table whose first column names the row; `own` is the row to stand out; `words` when cells are sentences."""
    body = "".join(
        f'<tr{" class=own" if at == own else ""}><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for at, (first, *rest) in enumerate(rows)
    )
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    return (
        f'<div class="scroll"><table{" class=words" if words else ""}><caption>{escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def figure(content: str, caption: str) -> str:
    """A figure with its caption."""
    return f"<figure>{content}<figcaption>{escape(caption)}</figcaption></figure>"


def legend(entries: Mapping[str, str], areas: bool = False) -> str:
    """Names with the stroke of their style class, or with its colour where the chart is of areas."""
    if areas:
        size, mark = 'class="swatch" viewBox="0 0 12 10"', '<rect class="area {}" width="12" height="10"/>'
    else:
        size, mark = 'viewBox="0 0 26 10"', '<path class="line {}" d="M0 5H26"/>'
    keys = (
        f'<span><svg {size} aria-hidden="true">{mark.format(style)}</svg>{escape(name)}</span>'
        for name, style in entries.items()
    )
    return f'<div class="legend">{"".join(keys)}</div>'


def figures(items: Iterable[str]) -> str:
    """Figures side by side where there is room."""
    return f'<div class="figures">{"".join(items)}</div>'


# -- sections ---------------------------------------------------------------------------------------------------------


def headline_section(report: Report) -> str:
    """The figures to see first."""
    tiles = ""
    for item in report.headlines:
        mark = "" if item.met is None else " met" if item.met else " missed"
        note = item.note + ("" if item.met is None else ": met" if item.met else ": missed")
        tiles += (
            f'<div><span>{escape(item.label)}</span><b class="value{mark}">{number(item.value, item.digits)}</b>'
            f"<small>{escape(note)}</small></div>"
        )
    return f'<div class="tiles">{tiles}</div>' if tiles else ""


def score_section(report: Report) -> str:
    """Medians of every score, by variable and part, beside those of the rivals; then by zone."""
    if not report.scores:
        return ""
    keys = ["nse_median", "r_median", "kge_median", "rmse_median", "bias_median"]
    names = {"nse_median": "NSE", "r_median": "r", "kge_median": "KGE", "rmse_median": "RMSE", "bias_median": "bias"}
    shown = [k for k in keys if any(k in row for parts in report.scores.values() for row in parts.values())]
    rows = [
        [
            f"{title_of(name)}, {PART_NAMES.get(part, part)}",
            *(number(row.get(k), 1 if "rmse" in k else 2) for k in shown),
        ]
        for name, parts in report.scores.items()
        for part, row in parts.items()
        if isinstance(row, Mapping)
    ]
    text = table("Medians over held-out cells", ["", *(names[k] for k in shown)], rows)
    text += "".join(_rivals(report, name) for name in report.scores)
    return text + "".join(_zones(report, name) for name in report.zones)


def _nse(parts: PartScores) -> list[str]:
    return [number((parts.get(part) or {}).get("nse_median")) for part in PART_NAMES]


def _rivals(report: Report, name: str) -> str:
    rivals = {rival: parts[name] for rival, parts in report.baselines.items() if name in parts}
    if not rivals:
        return ""
    rows = [[report.model or "This model", *_nse(report.scores[name])]]
    rows += [[rival.replace("_", " "), *_nse(parts)] for rival, parts in rivals.items()]
    return table(f"{title_of(name)}: median NSE beside rivals on the same cells", ["", *PART_NAMES.values()], rows, 0)


def _zones(report: Report, name: str) -> str:
    data = report.zones[name]
    rows = [
        [str(zone), *(number(float(data["nse"].sel(zone=zone, part=part))) for part in PART_NAMES)]
        for zone in data["zone"].values
    ]
    text = table(f"{title_of(name)}: median NSE by zone", ["", *PART_NAMES.values()], rows)
    errors = ("bias_squared", "variance_error", "phase_error")
    if not all(e in data for e in errors):
        return text
    shares = {}
    for zone in data["zone"].values:
        parts = {e: float(data[e].sel(zone=zone, part="raw")) for e in errors}
        whole = sum(v for v in parts.values() if math.isfinite(v))
        shares[str(zone)] = {e: v / whole if whole > 0 else math.nan for e, v in parts.items()}
    styles = {"bias_squared": "surface", "variance_error": "soil", "phase_error": "other"}
    chart = bars_chart(shares, styles, f"{title_of(name)}: parts of the mean square error by zone")
    key = legend({"bias²": "surface", "variance error": "soil", "phase error": "other"}, areas=True)
    return text + figures([figure(key + chart, f"{title_of(name)}: what the mean square error is made of (raw)")])


def paper_section(report: Report) -> str:
    """The published table beside ours, and what differs in forcing and targets."""
    ours = [name for name in MEDIAN_NSE if name in report.scores]
    if not ours:
        return ""
    text = ""
    for name in ours:
        rows = [[report.model or "This model", *_nse(report.scores[name])]]
        rows += [
            [model if model != "H2M" else "H2M (paper)", *(number(v) for v in values)]
            for model, values in MEDIAN_NSE[name].items()
        ]
        text += table(f"{title_of(name)}: median NSE over cells", ["", *PART_NAMES.values()], rows, 0)
    rows = [[topic, report.facts.get(topic, "not given"), paper] for topic, paper in SETUP.items()]
    text += table("What the two were driven by and compared with", ["", "here", "paper"], rows, words=True)
    text += f'<p class="note">Paper: {escape(SOURCE)}.</p>'
    if report.differences:
        text += "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in report.differences) + "</ul>"
    return text


def map_section(report: Report) -> str:
    """Maps of scores and whatever else is given by cell."""
    return figures(
        figure(
            cell_map(m.values, m.lat, m.lon, m.low, m.high, m.cmap, m.units, m.title),
            f"{m.title}. {m.note}".strip(),
        )
        for m in report.maps
        if np.isfinite(np.asarray(m.values, float)).any()
    ) if report.maps else ""  # fmt: skip


def series_section(report: Report) -> str:
    """Simulated and observed series with their bands."""
    items = []
    for one in report.series:
        styles: dict[str, str] = {}
        for name in one.lines:
            free = (style for style in _LINES if style not in styles.values())
            wanted = STYLES.get(name, "")
            styles[name] = wanted if wanted and wanted not in styles.values() else next(free, "other")
        lines = [(styles[name], values) for name, values in one.lines.items()]
        chart = series_chart(one.times, lines, one.units, one.band, one.title)
        key = legend({title_of(name): style for name, style in styles.items()})
        band = f"; shaded: {one.band_label}" if one.band else ""
        items.append(figure(key + chart, f"{one.title}{f' ({one.units})' if one.units else ''}{band}"))
    return figures(items) if items else ""


def calibration_section(report: Report) -> str:
    """Coverage, CRPS, reliability and PIT of every variable."""
    if not report.calibration:
        return ""
    rows, items = [], []
    for name, entry in report.calibration.items():
        rows += _calibration_rows(name, entry)
        label, nominal = title_of(name), np.linspace(0.1, 0.9, 9)
        curves = {"accent": coverage_of_pit(entry.pit, nominal)}
        key = {"calibrated": "accent"}
        if entry.ensemble_pit is not None:
            curves["other"], key["members alone"] = coverage_of_pit(entry.ensemble_pit, nominal), "other"
        items.append(figure(legend(key) + reliability_chart(nominal, curves, label), f"{label}: reliability"))
        items.append(figure(pit_chart(pit_histogram(entry.pit), label), f"{label}: PIT; flat is honest"))
    head = ["", "within the 50 % band", "within the 90 % band", "CRPS"]
    return table("Held-out data; the bands aim at 50 % and 90 %", head, rows) + figures(items)


def _calibration_rows(name: str, entry: Calibration) -> list[list[str]]:
    def row(label: str, scores: Mapping[str, float]) -> list[str]:
        share = [f"{number(100 * scores.get(k, math.nan), 1)} %" for k in ("coverage_50", "coverage_90")]
        return [label, *share, f"{number(scores.get('crps'))} {entry.units}".strip()]

    rows = [row(title_of(name), entry.scores)]
    if entry.ensemble is not None:
        rows.append(row(f"{title_of(name)}, members alone", entry.ensemble))
    return rows + [row(f"  {zone}", scores) for zone, scores in entry.by_zone.items()]


def component_section(report: Report) -> str:
    """What storage is made of: against the truth where there is one, and shares of the variance."""
    text = ""
    if report.components:
        rows = [[title_of(store), number(value)] for store, value in report.components.items()]
        text += table("Stores against the known truth", ["", "median correlation of anomalies"], rows)
    if report.variance:
        stores = list(dict.fromkeys(store for row in report.variance.values() for store in row))
        styles = {store: STYLES.get(store, "other") for store in stores}
        chart = bars_chart(report.variance, styles, "Share of each store in the variance of total storage")
        caption = "Share of each store in the variance of total storage, cov(store, total) / var(total)"
        text += figures([figure(legend({title_of(s): c for s, c in styles.items()}, areas=True) + chart, caption)])
    return text


def partition_section(report: Report) -> str:
    """The learned split of incoming water beside the published one."""
    if not report.partition:
        return ""
    far = max(
        float(np.nanmax(np.where(np.isfinite(c.median), c.deficit, np.nan), initial=100))
        for c in report.partition.values()
    )
    axes = Axes(
        (0, max(far, PARTITION.deficit[-1]) * 1.05), (0, 1), "soil water deficit, mm", "share of incoming water"
    )
    parts = [axes.frame()]
    for name, curve in report.partition.items():
        style = STYLES.get(name, "other")
        parts.append(axes.band(curve.deficit, curve.low, curve.high, f"{style} pale"))
        parts.append(axes.line(curve.deficit, curve.median, style))
    for name, published in (("soil", PARTITION.soil), ("surface", PARTITION.surface)):
        if name in report.partition:
            parts.append(axes.dots(PARTITION.deficit, published, STYLES[name]))
    key = legend({name: STYLES.get(name, "other") for name in report.partition})
    caption = f"Median and 0.2 to 0.8 band over days and cells. Rings: published H2M. {SOURCE}."
    return figures([figure(key + svg("Share of incoming water against the deficit of the soil", *parts), caption)])


def equifinality_section(report: Report) -> str:
    """What members that fit alike disagree on."""
    if not report.equifinality:
        return ""
    keys = ("level", "amplitude", "timing", "against_total", "between_places", "contraction")
    head = ("level", "amplitude", "timing", "spread / that of total", "of variance over places", "narrowed by data")
    shown = [k for k in keys if any(math.isfinite(getattr(e, k)) for e in report.equifinality)]
    rows = [[title_of(e.name), *(number(getattr(e, k)) for k in shown)] for e in report.equifinality]
    text = table("Medians over cells", ["", *(head[keys.index(k)] for k in shown)], rows)
    return text + (
        '<p class="note">Level, amplitude, timing: squared difference between members over their own variance, 0 where '
        "they agree, 1 where they differ as much as each varies. Spread above that of total storage: the observed "
        "total cannot tell the members apart.</p>"
    )


def _facts(entries: Mapping[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in entries.items()) + "</dl>"


def trust_section(report: Report) -> str:
    """Where not to trust the model, and where it comes from."""
    text = "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in report.limits) + "</ul>" if report.limits else ""
    return text + (f"<h3>Provenance</h3>{_facts(report.provenance)}" if report.provenance else "")


SECTIONS = (
    ("Scores", score_section),
    ("Beside the paper", paper_section),
    ("Maps", map_section),
    ("Series", series_section),
    ("Calibration of the bands", calibration_section),
    ("What storage is made of", component_section),
    ("How incoming water is split", partition_section),
    ("Equifinality", equifinality_section),
    ("Limits and provenance", trust_section),
)


def write_report(report: Report, path: Path) -> None:
    """Write the page beside `path`, then rename: a reader never sees half of it."""
    beside = path.with_name(path.name + ".part")
    beside.write_text(report_html(report), encoding="utf-8")
    os.replace(beside, path)


def report_html(report: Report) -> str:
    """The whole page as text."""
    css = (assets_dir() / "css" / "report.css").read_text(encoding="utf-8")
    found = [(title, made) for title, make in SECTIONS if (made := make(report))]
    links = "".join(f'<a href="#s{at}">{escape(title)}</a>' for at, (title, _) in enumerate(found))
    body = "".join(f'<section><h2 id="s{at}">{escape(t)}</h2>{made}</section>' for at, (t, made) in enumerate(found))
    lead = f'<p class="lead">{escape(report.summary)}</p>' if report.summary else ""
    facts = _facts(report.facts) if report.facts else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(report.title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{css}</style></head><body><main><h1>{escape(report.title)}</h1>{lead}"
        f"{headline_section(report)}{facts}"
        + (f'<nav aria-label="Sections">{links}</nav>' if len(found) > 2 else "")
        + f"{body}</main></body></html>\n"
    )
