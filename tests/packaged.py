"""What a wheel and an sdist hold, checked file by file: ``python tests/packaged.py dist``."""

from __future__ import annotations

import sys
import tarfile
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_SHIPPED = ("tests/", "benchmarks/", "docs/", "notebooks/", ".ci/")
SMALLEST, LARGEST = 200_000, 3_000_000
"""Bytes of a wheel: code and templates alone; more would be data or a build that was left over."""
WANTED = (
    "Name",
    "Version",
    "Summary",
    "Requires-Python",
    "License-Expression",
    "License-File",
    "Keywords",
    "Classifier",
)


def faults_of_wheel(path: Path) -> list[str]:
    """Every module and template of the package, nothing else, and whole metadata."""
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        metadata = HeaderParser().parsestr(wheel.read(next(n for n in names if n.endswith("METADATA"))).decode("utf-8"))
    faults = [f"{name} is in the wheel" for name in names if name.startswith(NOT_SHIPPED) or name.endswith(".pyc")]
    faults += [f"{name} is outside of the package" for name in names if not name.startswith("explaindistill")]
    files = (f for f in (ROOT / "explaindistill").rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    faults += [f"{name} is missing" for name in (str(f.relative_to(ROOT)) for f in files) if name not in names]
    size = path.stat().st_size
    if not SMALLEST < size < LARGEST:
        faults.append(f"the wheel has {size:,} bytes, expected {SMALLEST:,} to {LARGEST:,}")
    return faults + faults_of_metadata(metadata)


def faults_of_metadata(metadata) -> list[str]:
    """Fields that an index shows, and that agree with pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    faults = [f"metadata lacks {field}" for field in WANTED if not metadata.get_all(field)]
    needed = {line.split(";")[0].strip() for line in metadata.get_all("Requires-Dist") or [] if "extra ==" not in line}
    if needed != set(project["dependencies"]):
        faults.append(f"the wheel needs {sorted(needed)}, pyproject.toml says {project['dependencies']}")
    extras = set(metadata.get_all("Provides-Extra") or [])
    if extras != set(project["optional-dependencies"]):
        faults.append(f"the wheel has the extras {sorted(extras)}")
    version = metadata["Version"]
    for name in ("CITATION.cff", "CHANGELOG.md"):
        if version not in (ROOT / name).read_text("utf-8"):
            faults.append(f"{name} does not know version {version}")
    return faults


def faults_of_sdist(path: Path) -> list[str]:
    """The package, its tests and pages, and what building needs; no results of benchmarks, no environment."""
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    needed = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "SECURITY.md", "Makefile")
    faults = [f"{name} is missing in the sdist" for name in needed if name not in names]
    if not any(name.startswith("tests/") for name in names):
        faults.append("the sdist has no tests")
    return faults + [f"{name} is in the sdist" for name in names if name.startswith((".venv", "benchmarks/", "dist/"))]


def main(folder: Path) -> int:
    """Print what is wrong; 1 where something is."""
    wheels, sdists = list(folder.glob("*.whl")), list(folder.glob("*.tar.gz"))
    faults = [] if len(wheels) == len(sdists) == 1 else [f"{folder} must hold one wheel and one sdist"]
    faults += [fault for path in wheels for fault in faults_of_wheel(path)]
    faults += [fault for path in sdists for fault in faults_of_sdist(path)]
    for fault in faults:
        print(fault)
    print(f"{len(wheels)} wheel, {len(sdists)} sdist: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
