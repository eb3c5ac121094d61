"""Which of Panel's scripts and style sheets a browser loads, and when.

Panel puts all it has into the head of the document, and a browser shows nothing before it has fetched and run them.
Here they are fetched beside each other and run, in their order, when the document is there: the frame of the page is
seen meanwhile.
"""

from __future__ import annotations

import re

#: WebGL; a loader of modules for browsers that have none, which compiled the controls' script twice (`page.js`); icons
#: of the icon fonts, as ours are drawn (`widgets/*.js`).
UNUSED = ("bokeh-gl.min.js", "es-module-shims.min.js", "font-awesome/css/all.min.css", "material-icons.css")
_TAG = re.compile(r"<link\b[^>]*>|<script\b[^>]*>.*?</script>", re.DOTALL)
_ADDRESS = re.compile(r'\b(?:src|href)="([^"?]*)')
_SCRIPT = re.compile(r'<script(?: type="text/javascript")?')


def used(tags: str) -> str:
    """Script and link elements of HTML without those that the app does not use."""

    def kept(found: re.Match[str]) -> str:
        address = _ADDRESS.search(found[0])
        return "" if address and address[1].endswith(UNUSED) else found[0]

    return _TAG.sub(kept, tags)


def late(tags: str) -> str:
    """Script elements of HTML such that they run in their order once the document has been read.

    What stands in the document itself can only be deferred as a module; data are left alone.
    """

    def deferred(found: re.Match[str]) -> str:
        tag = found[0]
        opening = tag.partition(">")[0]
        if "src=" in opening:
            return _SCRIPT.sub("<script defer", tag, count=1) if "module" not in opening else tag
        if "type=" in opening and "text/javascript" not in opening:
            return tag
        return _SCRIPT.sub('<script type="module"', tag, count=1)

    return _TAG.sub(deferred, used(tags))
