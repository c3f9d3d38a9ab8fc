"""Other tools that look for duplicate pictures, each run by a Python of its own: which files it pairs.

    python3.11 -m venv PLACE && PLACE/bin/pip install imagededup czkawka fastdup
    python -m bench.dataset decisions --rivals PLACE/bin/python DIR...

They ask for versions of numpy and pillow that the project does not run with, hence the interpreter of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

Pair = frozenset[str]  # two names of files, without their endings

IMAGEDEDUP = """
import json, sys
from imagededup.methods import PHash
method = PHash(verbose=False)
found = method.find_duplicates(image_dir=sys.argv[1], max_distance_threshold=int(sys.argv[2]), num_enc_workers=0, num_dist_workers=0)
print(json.dumps([[one, other] for one, others in found.items() for other in others if one < other]))
"""
IMAGEDEDUP_CNN = """
import json, sys
from imagededup.methods import CNN
found = CNN(verbose=False).find_duplicates(image_dir=sys.argv[1], min_similarity_threshold=float(sys.argv[2]), num_enc_workers=0)
print(json.dumps([[one, other] for one, others in found.items() for other in others if one < other]))
"""
CZKAWKA = """
import json, sys
from itertools import combinations
from pathlib import Path
from czkawka import ImageSimilarity
finder = ImageSimilarity()
finder.set_directories([Path(sys.argv[1])])
if len(sys.argv) > 2:
    finder.set_similarity(int(sys.argv[2]))
print(json.dumps([[one.name, two.name] for group in finder.find_similar() for one, two in combinations(group, 2)]))
"""
# Two nearest neighbours of each file are all that its index keeps, so its groups are what tells of copies.
FASTDUP = """
import json, os, sys, tempfile
from itertools import combinations
from pathlib import Path
import fastdup
with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    found = fastdup.create(work_dir=work, input_dir=sys.argv[1])
    found.run(num_threads=1, overwrite=True, **({"ccthreshold": float(sys.argv[2])} if len(sys.argv) > 2 else {}))
    table = found.connected_components()[0]
groups = table.groupby("component_id")["filename"].apply(list)
print(json.dumps([[Path(one).name, Path(two).name] for group in groups for one, two in combinations(group, 2)]))
"""


@dataclass(frozen=True)
class Rival:
    """A tool, at one setting."""

    name: str
    package: str
    code: str  # a program: folder and words -> JSON pairs of file names, on its last line
    words: tuple[str, ...] = ()


RIVALS = (
    Rival("imagededup PHash, 10 bits (its default)", "imagededup", IMAGEDEDUP, ("10",)),
    Rival("imagededup PHash, 4 bits", "imagededup", IMAGEDEDUP, ("4",)),
    Rival("imagededup CNN, 0.9 (its default)", "imagededup", IMAGEDEDUP_CNN, ("0.9",)),
    Rival("czkawka (its default)", "czkawka", CZKAWKA),
    Rival("czkawka, 2 bits", "czkawka", CZKAWKA, ("2",)),
    Rival("fastdup components, 0.96 (its default)", "fastdup", FASTDUP),
    Rival("fastdup components, 0.99", "fastdup", FASTDUP, ("0.99",)),
)
_VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"


def pairs_of(python: str, rival: Rival, folder: Path) -> set[Pair] | str:
    """The pairs that a tool finds in a folder, or the last line of why it could not."""
    found = _run(python, rival.code, str(folder), *rival.words)
    if found.returncode:
        return (found.stderr.strip().splitlines() or ["no message"])[-1][:200]
    pairs = json.loads(found.stdout.splitlines()[-1])
    return {frozenset(Path(name).stem for name in pair) for pair in pairs}


def version_of(python: str, rival: Rival) -> str | None:
    """Of its package, None where it is not installed."""
    found = _run(python, _VERSION, rival.package)
    return None if found.returncode else found.stdout.strip()


def _run(python: str, code: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SENTRY_OPT_OUT": "1"}  # fastdup's reports to its maker
    environment.pop("PYTHONPATH", None)
    command = [python, "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
