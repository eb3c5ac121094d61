"""The table of the app's figures in docs/serving.md, from a file of `hdl bench --json`.

python scripts/bench_table.py app.json
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [root] if (root := str(Path(__file__).resolve().parents[1])) not in sys.path else []

from scripts.app_bench.figures import AIMS, reached  # noqa: E402
from scripts.compare_bench import figures  # noqa: E402


def number(value: float | None, unit: str) -> str:
    """Three digits with the unit; a dash for none."""
    return "-" if value is None else f"{value:,.0f} {unit}" if abs(value) >= 100 else f"{value:.2g} {unit}"


def table(measured: dict[str, dict]) -> str:
    """Markdown rows of the app's figures among those measured, by name, in the order of `AIMS`."""
    rows = ["| | aim | here | plain | ratio |", "|---|---|---|---|---|"]
    for entry in AIMS.values():
        if entry.name not in measured:
            continue
        one = measured[entry.name]
        bound = "≥" if entry.more else "≤"
        aim = "-" if entry.aim is None else f"{bound} {number(entry.aim, entry.unit)}"
        ours = number(one["ours"], entry.unit)
        if entry.aim is not None and not reached(one["ours"], entry):
            ours += " (missed)"
        ratio = "-" if one["ratio"] is None else f"{one['ratio']:.1f}x"
        plain = number(one["reference"], entry.unit)
        rows.append(f"| {entry.name.removeprefix('app: ')} | {aim} | {ours} | {plain} | {ratio} |")
    return "\n".join(rows)


def main() -> None:
    """Print the table of a file."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    print(table(figures(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
