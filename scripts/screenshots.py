"""Pictures of the pages for README and docs: ``docs/images/VIEW-WIDTH-MODE.png``.

VIEW is explore, twin (Explore on the twin Earth), whatif, trust, compare, learn (a step of a tour) or data; WIDTH 1440,
768 or 390; MODE light or dark.
"""

from __future__ import annotations

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
#: View -> its link, what is there when it is filled, widths.
VIEWS: dict[str, tuple[str, str, tuple[int, ...]]] = {
    "explore": ("", "the memory of stored water", (1440, 768, 390)),
    "twin": ("v=1&model=twin-earth", "the memory of stored water", (1440, 390)),
    "memory": ("v=1&page=memory&model=global-twin&zone=cold&of=filter", "the memory of stored water", (1440, 390)),
    "why": ("v=1&page=why", "of the days before", (1440, 390)),
    "whatif": (
        "v=1&page=whatif&if=precipitation*0.5@2004-01-01..2004-12-31",
        "more rain, after 30 days",
        (1440, 390),
    ),
    "trust": ("v=1&page=trust&model=global-twin&var=soil_moisture_truth_correlation", "of each member", (1440, 390)),
    "compare": ("v=1&page=compare&var=groundwater", "R, Twin Earth", (1440, 390)),
    "learn": ("v=1&tour=same-fit-different-stores&stop=2", "R, Twin Earth", (1440, 390)),
    "data": ("v=1&page=data&set=catchments&site=5", "Runoff at leaf_river", (1440, 390)),
}
MAX_BYTES = 400_000
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
        page.get_by_role("img", name=filled).first.wait_for(timeout=60_000)
        settle(page)
        page.set_viewport_size({"width": width, "height": min(page.evaluate(_HEIGHT), 3000)})
        settle(page, quiet=1.0)
        return page.screenshot(animations="disabled", caret="hide")
    finally:
        context.close()


def small(png: bytes) -> bytes:
    """The same picture with 256 colours where it would be larger than `MAX_BYTES`."""
    if len(png) <= MAX_BYTES:
        return png
    stream = BytesIO()
    Image.open(BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(stream, "png", optimize=True)
    return stream.getvalue()


def main() -> int:
    """Take all pictures; return 0."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        server = start_server(Path(folder))
        try:
            with chromium() as browser:
                for view, (query, filled, widths) in VIEWS.items():
                    for width, dark in product(widths, (False, True)):
                        path = FOLDER / f"{view}-{width}-{'dark' if dark else 'light'}.png"
                        path.write_bytes(small(take(browser, server.app, width, dark, query, filled)))
                        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
        finally:
            stop_server(server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
