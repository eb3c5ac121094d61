"""Pictures of the pages for README and docs: ``docs/images/VIEW-WIDTH-MODE.webp``.

VIEW is a page, twin (Explore on the twin Earth) or tour (a step of a tour); WIDTH 1440, 768 or 390; MODE light or dark.
``python scripts/screenshots.py FOLDER`` takes every one of them into a folder, to be looked at.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from io import BytesIO
from itertools import product
from pathlib import Path

sys.path[:0] = [root] if (root := str(Path(__file__).resolve().parents[1])) not in sys.path else []

from PIL import Image  # noqa: E402
from playwright.sync_api import Browser  # noqa: E402

from scripts.app_session import ROOT, chromium, settle, start_server, stop_server  # noqa: E402

FOLDER = ROOT / "docs" / "images"
SIZES = {1440: 900, 768: 1024, 390: 844}
#: View -> its link, what is there when it is filled.
VIEWS: dict[str, tuple[str, str]] = {
    "explore": ("", "the memory of stored water"),
    "twin": ("v=1&model=twin-earth", "the memory of stored water"),
    "memory": ("v=1&page=memory&model=global-twin&zone=cold&of=filter", "the memory of stored water"),
    "why": ("v=1&page=why", "of the days before"),
    "whatif": ("v=1&page=whatif&if=precipitation*0.5@2004-01-01..2004-12-31", "more rain, after 30 days"),
    "trust": ("v=1&page=trust", "of each member"),
    "compare": ("v=1&page=compare&model2=twin-earth&var=groundwater", "R, Twin Earth"),
    "learn": ("v=1&page=learn", ""),
    "tour": ("v=1&tour=same-fit-different-stores&stop=2", "R, Twin Earth"),
    "data": ("v=1&page=data&set=catchments&site=5", " goes from "),
}
#: What README and docs show: each view wide and light, some dark, narrow ones of a phone and a tablet.
SHOWN = {f"{view}-1440-light" for view in VIEWS} | {
    "explore-1440-dark", "whatif-1440-dark", "tour-1440-dark", "explore-768-light", "memory-768-dark",
    "explore-390-light", "whatif-390-dark", "tour-390-light", "trust-390-light", "data-390-dark",
}  # fmt: skip
# The page scrolls inside a box of its own: how high the window must be to show all of it.
_HEIGHT = """() => {
    let most = 0;
    const walk = (root) => {
        for (const node of root.querySelectorAll('*')) {
            if (['auto', 'scroll'].includes(getComputedStyle(node).overflowY))
                most = Math.max(most, node.getBoundingClientRect().top + node.scrollHeight);
            if (node.shadowRoot) walk(node.shadowRoot);
        }
    };
    walk(document);
    return Math.ceil(Math.max(most, document.documentElement.scrollHeight));
}"""


def take(browser: Browser, address: str, width: int, dark: bool, query: str, filled: str) -> bytes:
    """PNG of the whole page at a width (px), settled; `filled` is in the name of a picture that comes last."""
    touch = width < 500
    context = browser.new_context(
        viewport={"width": width, "height": SIZES[width]},
        device_scale_factor=1,
        reduced_motion="reduce",
        has_touch=touch,
        is_mobile=touch,
    )
    try:
        page = context.new_page()
        parts = "&".join(part for part in (query, "theme=dark" if dark else "") if part)
        page.goto(f"{address}?{parts}" if parts else address, wait_until="domcontentloaded")
        if filled:
            page.get_by_role("img", name=filled).first.wait_for(timeout=60_000)
        settle(page)
        page.set_viewport_size({"width": width, "height": min(page.evaluate(_HEIGHT), 3000)})
        settle(page, quiet=1.0)
        return page.screenshot(animations="disabled", caret="hide")
    finally:
        context.close()


def packed(png: bytes) -> bytes:
    """The same picture as WebP, a third of the size with text as sharp."""
    stream = BytesIO()
    Image.open(BytesIO(png)).convert("RGB").save(stream, "webp", quality=84, method=6)
    return stream.getvalue()


def main(folder: str = "") -> int:
    """Take the pictures shown into docs/images, or with a folder all of them into it; return 0."""
    target = Path(folder).resolve() if folder else FOLDER
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as logs:
        server = start_server(Path(logs))
        try:
            with chromium() as browser:
                for (view, (query, filled)), width, dark in product(VIEWS.items(), SIZES, (False, True)):
                    name = f"{view}-{width}-{'dark' if dark else 'light'}"
                    if folder or name in SHOWN:
                        path = target / f"{name}.webp"
                        path.write_bytes(packed(take(browser, server.app, width, dark, query, filled)))
                        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", flush=True)
        finally:
            stop_server(server)
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="", help="where all of them go; without: docs/images, those shown")
    sys.exit(main(parser.parse_args().folder))
