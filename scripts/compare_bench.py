"""Compare two files of `hdl bench --json`: which figures got better or worse, by their ratio to the reference.

The ratio, not the time, is compared: it was measured in one run on one machine, so it says something when the two files
come from different days. Ends with code 1 when a ratio fell by more than the tolerance.

    python scripts/compare_bench.py before.json after.json [--tolerance 0.15]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def figures(path: Path) -> dict[str, dict]:
    """Figures of a file by name."""
    try:
        return {figure["name"]: figure for figure in json.loads(path.read_text(encoding="utf-8"))["figures"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{path} is no result of 'hdl bench --json' ({error}).") from error


def compare(before: dict[str, dict], after: dict[str, dict], tolerance: float) -> tuple[list[str], bool]:
    """One line a figure, and whether any got worse."""
    lines, worse = [], False
    for name in dict.fromkeys([*before, *after]):
        if name not in before or name not in after:
            lines.append(f"{'only before' if name in before else 'only after':>12}  {name}")
            continue
        old, new = before[name]["ratio"], after[name]["ratio"]
        if old is None or new is None:
            lines.append(f"{'no reference':>12}  {name}: {before[name]['ours']:.3g} -> {after[name]['ours']:.3g}")
            continue
        change = new / old - 1
        word = "worse" if change < -tolerance else "better" if change > tolerance else "same"
        worse |= word == "worse"
        lines.append(f"{word:>12}  {name}: {old:.2f}x -> {new:.2f}x ({change:+.0%})")
    return lines, worse


def main() -> None:
    """Read two files and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--tolerance", type=float, default=0.15, help="change of a ratio that counts (0.15 = 15 %%)")
    chosen = parser.parse_args()
    lines, worse = compare(figures(chosen.before), figures(chosen.after), chosen.tolerance)
    print("\n".join(lines))
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
