"""A damaged NetCDF file can hang or crash the C library that opens it: it is opened in a process of its own first."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from hdlcore.errors import DataError

#: Opening reads a file's description only, a matter of milliseconds; slow disks are given time.
SECONDS = 20.0
# A failure that raises is left to the reader, which says it better.
_PROGRAM = """
import json, sys
import netCDF4
def walk(group):
    for variable in group.variables.values():
        [variable.getncattr(name) for name in variable.ncattrs()], variable.shape, variable.dtype
    for inner in group.groups.values():
        walk(inner)
for line in sys.stdin:
    try:
        with netCDF4.Dataset(json.loads(line)) as file:
            walk(file)
    except Exception:
        pass
    print("opened", flush=True)
"""


def probe(paths: Sequence[Path], seconds: float = SECONDS) -> None:
    """Open each NetCDF or HDF5 file in a process of its own.

    Raises `DataError` naming the first file that crashes that process, or keeps it for more than `seconds`.
    """
    if not paths:
        return
    command = [sys.executable, "-I", "-c", _PROGRAM]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as worker:
        assert worker.stdin is not None and worker.stdout is not None
        try:
            for path in paths:
                hung = threading.Timer(seconds, worker.kill)
                hung.start()
                try:
                    worker.stdin.write(json.dumps(str(path)) + "\n")
                    worker.stdin.flush()
                    answer = worker.stdout.readline()
                except BrokenPipeError:
                    answer = ""
                finally:
                    hung.cancel()
                if not answer:
                    raise DataError(
                        f"{path} is damaged so badly that it crashes or blocks the library that reads it; fetch it "
                        "again."
                    )
        finally:
            worker.kill()
