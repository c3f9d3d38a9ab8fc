"""dvc.yaml is honest about code and params, and real `dvc repro` runs rerun exactly what they must."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import CrawlFolder, draw_shoe, encoded
from ruamel.yaml import YAML

from catalogue.brand_list import write_brands
from catalogue.params import read_params
from solemap.jobs import fingerprint, stale_jobs

ROOT = Path(__file__).resolve().parent.parent
DVC = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
PARAMS = read_params(ROOT / "params.yaml")


def imports_of(path: Path, function: str | None = None) -> set[Path]:
    """First-party files that ``path`` imports: at its top, and in one function of it (None: in all)."""
    package = path.relative_to(ROOT).parts[0]
    found: set[Path] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and function not in (None, node.name):
            continue
        if isinstance(node, ast.If):  # `if TYPE_CHECKING:` runs nothing
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.ImportFrom) and str(inner.module).startswith(f"{package}."):
                found.add(ROOT / (str(inner.module).replace(".", "/") + ".py"))
    return found


@pytest.mark.parametrize("name", DVC)
def test_a_stage_depends_on_all_code_of_its_package_that_it_runs(name: str) -> None:
    module, command = re.findall(r"python -m (\w+) (\w+)", DVC[name]["cmd"])[0]
    files = [ROOT / module / "__main__.py", *sorted((ROOT / module / "commands").glob("*.py"))]
    (told,) = [path for path in files if f"\ndef {command}(" in path.read_text("utf-8")]
    todo = list(imports_of(told, command))
    code: set[Path] = set()
    while todo:
        path = todo.pop()
        if path not in code:
            code.add(path)
            todo += imports_of(path)
    named = {ROOT / dep for dep in DVC[name]["deps"] if dep.endswith(".py")}
    # Records and plain input and output decide nothing about content: a fault in them raises.
    shared = {"records.py", "files.py", "options.py", "progress.py"}
    missing = {path for path in code - named if path.name not in shared}
    assert not missing, f"{name} runs but does not name {sorted(missing)}"
    assert all(path.exists() for path in named)


@pytest.mark.parametrize("name", DVC)
def test_a_stage_takes_whole_sections_and_says_so(name: str) -> None:
    sections = set(re.findall(r"\$\{([\w-]+)\}", DVC[name]["cmd"]))
    assert sections <= set(DVC[name].get("params", [])) <= set(PARAMS)


class Checkout:
    """A copy of the code with its own data, small params, and DVC as a person types it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for package in ("catalogue", "dataset", "train"):
            shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
        for name in ("dvc.yaml", "overrides.csv", ".dvcignore", ".dvc/config"):
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        self.dvc("config", "--local", "core.no_scm", "true")
        self.params = json.loads(json.dumps(PARAMS))
        self.params["pack"]["size"] = 32
        self.params["split"] |= {"unknown-brands": ["orbit"], "unknown-products": 0.0}
        for section in ("base", "train"):
            self.params[section] |= {"epochs": 1, "precision": "fp32", "size": 32}
        self.params["base"]["refit-epochs"] = 1
        self.write_params()
        self.crawl = CrawlFolder(folder / "data" / "crawl")

    def write_params(self) -> None:
        (self.folder / "params.yaml").write_text(json.dumps(self.params), "utf-8")

    def write_crawl(self) -> None:
        feed = self.crawl.write()
        write_brands(feed, self.folder / "params.yaml", self.folder / "brands.yaml")

    def dvc(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("dvc", *words)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A module's command; packages that are not copied are those of this checkout."""
        path = os.pathsep.join((str(self.folder), str(ROOT)))
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def repro(self) -> set[str]:
        """The stages that ran."""
        done = self.dvc("repro")
        assert done.returncode == 0, done.stdout + done.stderr
        return set(re.findall(r"Running stage '(.+)':", done.stdout))

    def weights(self) -> dict[str, str]:
        return {
            path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((self.folder / "models").rglob("weights.safetensors"))
        }

    def outputs(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for part in ("data", "models", "metrics")
            for path in sorted((self.folder / part).rglob("*"))
            if path.is_file() and "crawl" not in path.parts
        }

    def add(self, brand: str, products: range, poses: range, **more: Any) -> None:
        red, green, blue = hashlib.sha256(brand.encode()).digest()[:3]
        for shape in products:
            upper = (red, (green + 60 * shape) % 256, blue)
            pictures = [encoded(draw_shoe(upper, pose=pose, shape=shape)) for pose in poses]
            self.crawl.add(brand, f"{brand} Runner {shape}", pictures, **more)


@pytest.fixture(scope="module")
def checkout(module_folder: Path) -> Checkout:
    """A checkout after its first `dvc repro`; the tests below change it one after another."""
    made = Checkout(module_folder)
    for brand in ("Acme", "루나", "Orbit"):
        made.add(brand, range(3), range(5))
    made.write_crawl()
    ran = made.repro()
    assert ran >= {"ingest", "base", "train@acme", "train@runa", "evaluate"}
    return made


AFTER_TRAINING = {"gate", "index", "evaluate", "report"}
FROM_INGEST = {
    "ingest",
    "clean",
    "dedup",
    "review",
    "split",
    "pin",
}  # pin looks, and leaves its files alone


def test_with_nothing_to_do_nothing_runs(checkout: Checkout) -> None:
    assert checkout.repro() == set()
    shown = checkout.dvc("metrics", "show", "--json")
    summary = json.loads(shown.stdout)[""]["data"]["metrics/summary.json"]["data"]
    assert set(summary["arms_top1"]) >= {"max_softmax", "gate", "joint", "color_1nn"}


def test_an_address_that_changed_retrains_nothing(checkout: Checkout) -> None:
    before = checkout.weights()
    for item in checkout.crawl.items:
        item["url"] = item["url"].replace("shop/", "moved/")
    checkout.write_crawl()
    assert checkout.repro() == {
        "ingest",
        "clean",
        "review",
        "index",
        "report",
    }  # the page shows names and addresses
    assert checkout.weights() == before
    urls = (checkout.folder / "models/gallery/products.jsonl").read_text("utf-8")
    assert "moved/" in urls and "shop/p" not in urls


def test_a_view_that_is_told_otherwise_retrains_nothing(checkout: Checkout) -> None:
    before = checkout.weights()
    first = next(item for item in checkout.crawl.items if item["brand_text"] == "루나")
    first["images"][0]["alt"] = "옆모습"
    checkout.write_crawl()
    assert checkout.repro() == FROM_INGEST | {"pack@runa"} | AFTER_TRAINING
    assert checkout.weights() == before
    assert "side" in (checkout.folder / "data/pack/runa/views.json").read_text()


def test_pictures_of_one_brand_retrain_that_brand_alone(checkout: Checkout) -> None:
    before = checkout.weights()
    more = [encoded(draw_shoe((90, 90, 10), pose=pose, shape=5)) for pose in range(4)]
    checkout.crawl.items[0]["images"] += [
        checkout.crawl.image("shop", 5 + position, content) for position, content in enumerate(more)
    ]
    checkout.write_crawl()
    ran = checkout.repro()
    assert ran == FROM_INGEST | {"pack@acme", "train@acme"} | AFTER_TRAINING
    after = checkout.weights()
    assert {brand for brand in after if after[brand] != before[brand]} == {"acme"}


def test_a_new_brand_trains_alone(checkout: Checkout) -> None:
    before = checkout.weights()
    checkout.add("Zeta", range(3), range(5))
    checkout.write_crawl()
    ran = checkout.repro()
    new = {"pack@zeta", "train@zeta", "overrides"}  # overrides lists the brands
    assert ran == FROM_INGEST | new | AFTER_TRAINING
    after = checkout.weights()
    assert after.keys() - before.keys() == {"zeta"}
    assert all(after[brand] == before[brand] for brand in before)


def test_one_train_parameter_reruns_all_nets_and_no_dataset_stage(checkout: Checkout) -> None:
    before = checkout.weights()
    checkout.params["train"]["lr"] = 0.0003
    checkout.write_params()
    done = checkout.run("solemap", "train", "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r"Running stage '(.+)':", done.stdout)) == set()
    assert "3 of 3 nets trained" in done.stdout
    assert checkout.repro() == {"evaluate", "report"}
    after = checkout.weights()
    assert after["base"] == before["base"]
    assert all(after[brand] != before[brand] for brand in ("acme", "runa", "zeta"))


def test_an_override_reruns_one_brand(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    before = checkout.weights()
    checkout.params["train-overrides"] = {"zeta": {"epochs": 2}}
    checkout.write_params()
    assert checkout.dvc("repro", "overrides").returncode == 0
    monkeypatch.chdir(checkout.folder)
    assert [job.brand for job in stale_jobs()] == ["zeta"]  # what `solemap train` would run
    assert checkout.repro() == {"train@zeta", "evaluate", "report"}
    after = checkout.weights()
    assert {brand for brand in after if after[brand] != before[brand]} == {"zeta"}
    checkout.params["train-overrides"] = {"nobody": {"epochs": 2}}
    checkout.write_params()
    refused = checkout.dvc("repro", "overrides")
    assert refused.returncode and "train-overrides.nobody: not in brands.yaml" in refused.stderr
    checkout.params["train-overrides"] = {"zeta": {"epochs": 2}}
    checkout.write_params()


def test_a_net_in_training_is_kept_after_an_edit_that_does_not_concern_it(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout.folder)
    before = fingerprint("zeta")
    was = checkout.params["evaluate"]["unknown-cost"], checkout.params["train"]["lr"]
    checkout.params["evaluate"]["unknown-cost"] = 2.0
    checkout.write_params()
    assert fingerprint("zeta") == before
    checkout.params["train"]["lr"] = 0.0004
    checkout.write_params()
    assert fingerprint("zeta") != before
    checkout.params["evaluate"]["unknown-cost"], checkout.params["train"]["lr"] = was
    checkout.write_params()


def test_a_clean_parameter_that_moves_no_pixel_retrains_nothing(checkout: Checkout) -> None:
    before = checkout.weights()
    checkout.params["clean"]["min-side"] = 100
    checkout.write_params()
    assert checkout.repro() <= {"clean", "review", "report"}
    assert checkout.weights() == before


def test_forced_runs_give_the_same_bytes_one_net_after_another_or_side_by_side(
    checkout: Checkout,
) -> None:
    before = checkout.outputs()
    done = checkout.dvc("repro", "--force", "--no-run-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    assert checkout.outputs() == before


def test_a_wrong_parameter_is_named_and_loses_nothing(checkout: Checkout) -> None:
    before = checkout.outputs()
    checkout.params["train"]["label-smoothing"] = 2
    checkout.write_params()
    failed = checkout.dvc("repro", "train")
    assert failed.returncode and "params.yaml: train.label-smoothing" in failed.stderr
    checkout.params["clean"]["min-side"] = "many"
    checkout.write_params()
    failed = checkout.dvc("repro", "clean")
    assert failed.returncode and "--min-side" in failed.stderr and "'many'" in failed.stderr
    assert checkout.outputs() == before


def test_before_any_crawl_it_says_what_to_do(tmp_path: Path) -> None:
    fresh = Checkout(tmp_path)
    (tmp_path / "data" / "crawl").mkdir(parents=True)
    (tmp_path / "brands.yaml").write_text('brands:\n  - "acme"\n')
    failed = fresh.dvc("repro")
    assert failed.returncode and "Run `scrapy crawl shoes` first" in failed.stderr
