"""What makes Bokeh and Panel lighter: less to say of a document, to look up and to keep. What is sent stays the same.

Each module changes one thing in Bokeh 3.9, Panel 1.9 or Param 2.4, says what it cost, and is held by a test beside it
(`tests/dashboard/test_definitions.py`, `test_defaults.py`, `test_bookkeeping.py`, `test_together.py`,
`test_parameters.py`).
"""

from __future__ import annotations

from dashboard.lighter import bookkeeping, defaults, definitions, looking, parameters


def install() -> None:
    """Change it in all of this process, once the app's components have been imported; a second call does nothing."""
    definitions.forget_unused()
    defaults.remember()
    bookkeeping.read_only_what_is_set()
    looking.forget_hooks()
    parameters.share()
