"""Which of Panel's scripts and style sheets a browser loads, and when.

Panel puts all it has into the head of the document, and a browser shows nothing before it has fetched and run them.
Here they are fetched beside each other and run, in their order, as they come: the frame of the page is seen meanwhile,
and where the rest of the page is still to come, as its session is being built, they have been run before it is there.
"""

from __future__ import annotations

import json
import re

#: WebGL; a loader of modules for browsers that have none, which compiled the controls' script twice (`page.js`); icons
#: of the icon fonts, as ours are drawn (`widgets/*.js`).
UNUSED = ("bokeh-gl.min.js", "es-module-shims.min.js", "font-awesome/css/all.min.css", "material-icons.css")
_TAG = re.compile(r"<link\b[^>]*>|<script\b[^>]*>.*?</script>", re.DOTALL)
_ADDRESS = re.compile(r'\b(?:src|href)="([^"?]*)(\?[^"]*)?')
_SCRIPT = re.compile(r'<script(?: type="text/javascript")?>(.*?)</script>', re.DOTALL)


def used(tags: str) -> str:
    """Script and link elements of HTML without those that the app does not use."""

    def kept(found: re.Match[str]) -> str:
        address = _ADDRESS.search(found[0])
        return "" if address and address[1].endswith(UNUSED) else found[0]

    return _TAG.sub(kept, tags)


def beside(tags: str) -> str:
    """HTML whose style sheets are fetched while what stands below them is shown already."""
    return used(tags).replace(
        '<link rel="stylesheet"', '<link rel="stylesheet" media="print" onload="this.media = \'all\'"'
    )


def _plain(tag: str) -> bool:
    """Whether an element is a script that runs where it stands, neither a module nor data."""
    opening = tag.partition(">")[0]
    return opening.startswith("<script") and ("type=" not in opening or "text/javascript" in opening)


def loading(tags: str) -> str:
    """JavaScript that has the scripts of HTML fetched and run, and says when: `hdl.loaded`, a promise.

    `hdl.ready` is another, kept by `hdl.mended()`, when what the page changes in them has been changed.
    """
    found = (_ADDRESS.search(tag.partition(">")[0]) for tag in _TAG.findall(used(tags)) if _plain(tag))
    addresses = [address[1] + (address[2] or "") for address in found if address]
    return f"""
window.hdl = {{}}
hdl.ready = new Promise((done) => {{ hdl.mended = done }})
hdl.loaded = Promise.all({json.dumps(addresses)}.map((src) => new Promise((onload, onerror) => {{
  document.head.append(Object.assign(document.createElement("script"), {{ src, async: false, onload, onerror }}))
}})))
"""


def inline(tags: str) -> str:
    """JavaScript that stands in HTML itself."""
    return "\n".join(body.strip() for body in _SCRIPT.findall(tags) if body.strip())


def others(tags: str) -> str:
    """HTML without the scripts that `loading` and `inline` take care of: modules and data."""
    return _TAG.sub(lambda found: "" if _plain(found[0]) else found[0], used(tags))


def when_ready(tags: str) -> str:
    """HTML whose inline scripts wait for `hdl.ready`."""
    return _SCRIPT.sub(r"<script>hdl.ready.then(() => {\1})</script>", tags)
