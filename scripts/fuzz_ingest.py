"""Break small valid files in many ways and put them through `hdl ingest`: a valid cube or one sentence, nothing else.

``python -m scripts.fuzz_ingest --minutes 5`` runs in worker processes of bounded memory, so that even a crash of a C
library is seen and counted. Every case is made anew from its seed: ``--seed N`` repeats one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import shutil
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path

from hdlcore.data.cubes import open_cube
from hdlcore.data.ingest import ingest
from hdlcore.errors import DataError, RequestError
from scripts.ingest_samples import SAMPLES, Files

WORDS = (
    "", "abc", "NaN", "-9999", "-9999.0", "1e20", "1e400", "-1", "1e9", "--", "1,5", "1.5.2", "0x10", "1_000", "inf",
    "٣", "é", "=1+1", "2001-02-30", "02/03/2001", "13/13/2001", "99999999", "20011332", "200101010015", '"', "'",
    "\x00", "\ufeff", "x" * 5000, "9" * 400, "mm", "date", "P", "lat", "(", "[m3/s]", "°C", "\r", "\x0b", "\x1c",
    "\u2028", "1970", "0", "2999", "null", "{}", "[]", "true", "\\", "../x",
)  # fmt: skip
SECONDS = 120
MEMORY = 6 << 30


def break_bytes(content: bytes, rng: random.Random) -> bytes:
    """Damage that needs no knowledge of the format: flipped, lost, doubled and foreign bytes."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(data) or 1)
        how = rng.randrange(7)
        if how == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            del data[at : at + rng.choice((1, 4, 100))]
        elif how == 2:
            data[at:at] = rng.randbytes(rng.choice((1, 4, 50)))
        elif how == 3:
            data[at:] = b""
        elif how == 4:
            data[at : at + 16] = bytes(16)
        elif how == 5:
            data[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x01"))
        else:
            data[at:at] = data[at : at + 200]
    return bytes(data)


def break_text(content: bytes, rng: random.Random) -> bytes:
    """Damage that people and programs do to tables: cells, columns, rows, separators, encodings."""
    lines = content.decode("utf-8", "replace").split("\n")
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(lines))
        mark = rng.choice((",", ";", "\t", ":", " "))
        cells = lines[at].split(mark)
        column = rng.randrange(len(cells))
        how = rng.randrange(14)
        if how <= 3:
            cells[column] = rng.choice(WORDS)
            lines[at] = mark.join(cells)
        elif how == 4:
            del lines[at]
        elif how == 5:
            lines.insert(rng.randrange(len(lines) + 1), lines[at])
        elif how == 6:
            rng.shuffle(lines)
        elif how == 7:
            head = next((i for i, line in enumerate(lines) if "," in line or ";" in line or "\t" in line), 0)
            names = lines[head].split(mark)
            names[rng.randrange(len(names))] = rng.choice((*WORDS, *names))
            lines[head] = mark.join(names)
        elif how == 8:
            lines = [line.replace(mark, rng.choice((";", "\t", "|", " ", ",,"))) for line in lines]
        elif how == 9:
            lines = [mark.join(line.split(mark)[:column] + line.split(mark)[column + 1 :]) for line in lines]
        elif how == 10:
            word = rng.choice(WORDS)
            lines = [mark.join([*line.split(mark), word]) for line in lines]
        elif how == 11:
            word = rng.choice(WORDS)
            lines = [lines[0], *(mark.join([*line.split(mark)[:-1], word]) for line in lines[1:])]
        elif how == 12:
            lines = lines[:at]
        else:
            lines[at] = "".join(rng.sample(lines[at], len(lines[at])))
        lines = lines or [""]
    text = "\n".join(lines)
    if rng.random() < 0.1:
        return text.encode(rng.choice(("utf-16", "utf-8-sig", "latin-1", "utf-16-le", "utf-32")), "replace")
    return (text.replace("\n", rng.choice(("\r\n", "\r"))) if rng.random() < 0.1 else text).encode("utf-8", "replace")


def make_case(seed: int, names: tuple[str, ...] = tuple(SAMPLES)) -> tuple[str, Files]:
    """Kind and broken files of a seed."""
    rng = random.Random(seed)
    kind, maker = SAMPLES[rng.choice(names)]
    files = dict(maker())
    name = rng.choice(list(files))
    is_text = Path(name).suffix in (".csv", ".txt", ".json")
    files[name] = break_text(files[name], rng) if is_text and rng.random() < 0.8 else break_bytes(files[name], rng)
    if rng.random() < 0.05:
        files[rng.choice((name.replace(".", "_2."), name + ".csv"))] = files[name]
    if rng.random() < 0.05:
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in files.items():
                archive.writestr(member, content)
        packed = buffer.getvalue()
        files = {"all.zip": break_bytes(packed, rng) if rng.random() < 0.5 else packed}
    return kind, files


def run_case(kind: str, files: Files, folder: Path) -> str:
    """ "accepted" or the sentence of refusal; raises AssertionError or whatever else goes wrong."""
    paths = []
    for name, content in files.items():
        (folder / name).write_bytes(content)
        if not name.endswith(".json"):
            paths.append(folder / name)
    out = folder / "out.zarr"
    try:
        ingest(paths, kind, out, grid="native")
    except (DataError, RequestError) as error:
        sentence = str(error)
        left = [path.name for path in folder.iterdir() if path.name not in files]
        assert not left, f"left behind: {left} ({sentence})"
        assert "\n" not in sentence and 20 < len(sentence) < 900, f"not one sentence: {sentence!r}"
        return sentence
    cube = open_cube(out)
    assert cube.variables() or cube.cells.data_vars, "a cube without a variable"
    assert not (folder / "out.zarr.partial").exists() and not (folder / "out.zarr.unpacked").exists()
    return "accepted"


def _work(seed: int, names: tuple[str, ...], pipe: multiprocessing.connection.Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    while True:
        pipe.send(("begin", seed, ""))
        kind, files = make_case(seed, names)
        folder = Path(tempfile.mkdtemp(prefix="fuzz"))
        try:
            pipe.send(("done", seed, f"{kind}\t{run_case(kind, files, folder)}"))
        except BaseException:
            pipe.send(("crash", seed, f"{kind}\t{traceback.format_exc()}"))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        seed += 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.fuzz_ingest", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument(
        "--seed", type=int, default=1, help="first seed; with --minutes 0 only this one, in this process"
    )
    parser.add_argument("--samples", default=",".join(SAMPLES), help="which seeds to break, by comma")
    options = parser.parse_args()
    names = tuple(options.samples.split(","))
    if not options.minutes:
        kind, files = make_case(options.seed, names)
        with tempfile.TemporaryDirectory() as folder:
            print(kind, list(files), run_case(kind, files, Path(folder)))
        return
    counts: Counter[str] = Counter()
    crashes: dict[str, list[int]] = {}
    seed, end = options.seed, time.monotonic() + options.minutes * 60
    while time.monotonic() < end:
        ours, theirs = multiprocessing.Pipe()
        worker = multiprocessing.get_context("fork").Process(target=_work, args=(seed, names, theirs), daemon=True)
        worker.start()
        theirs.close()
        while time.monotonic() < end:
            try:
                if not ours.poll(SECONDS):
                    raise TimeoutError
                what, at, said = ours.recv()
            except (EOFError, TimeoutError) as error:
                counts["crash"] += 1
                crashes.setdefault(f"{type(error).__name__}: the process died or hung", []).append(seed)
                seed += 1
                break
            seed = at + (what != "begin")
            if what != "begin":
                kind = said.split("\t")[0]
                outcome = "crash" if what == "crash" else "accepted" if said.endswith("\taccepted") else "refused"
                counts[outcome] += 1
                counts[f"{kind} {outcome}"] += 1
                if what == "crash":
                    last = said.strip().splitlines()
                    place = next((line.strip() for line in reversed(last) if line.strip().startswith("File")), "")
                    crashes.setdefault(f"{last[-1][:200]} @ {place[-110:]}", []).append(at)
        worker.kill()
        worker.join()
    print(f"seeds {options.seed} to {seed - 1}")
    for name, count in sorted(counts.items()):
        print(f"{name}: {count}")
    for name, seeds in crashes.items():
        print(f"CRASH x{len(seeds)} {name}: seeds {seeds[:5]}")


if __name__ == "__main__":
    main()
