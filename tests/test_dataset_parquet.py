"""`solemap export parquet`: files that Hugging Face `datasets` loads, and a card that says whose the pictures are."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import CrawlFolder, draw_shoe, encoded
from ruamel.yaml import YAML

from catalogue.manifest import read_manifest
from catalogue.schema import Sample
from dataset.__main__ import main
from dataset.card import Shard, card

STAGES = (
    "ingest",
    "clean --jobs 1",
    "dedup",
    "split --unknown-brands orbit --unknown-products 0",
)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


def front(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text.split("---\n")[1])


@pytest.fixture
def dataset(crawl: CrawlFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Sample]:
    """The samples of two known brands from two sites; a third brand is held out."""
    pytest.importorskip("pyarrow", reason='pip install -e ".[parquet]"')
    monkeypatch.chdir(tmp_path)
    for number, brand in enumerate(("Acme", "루나", "Orbit")):
        for shape in range(3):
            color = (200 - 80 * number, 40 + 60 * number, 40)
            poses = [encoded(draw_shoe(color, pose=p, shape=shape, size=220)) for p in range(6)]
            crawl.add(brand, f"Runner {shape}", poses, site="a|b" if number else "shop")
    crawl.write()
    Path("brands.yaml").write_text('brands:\n  - "acme"\n  - "runa"\n')
    for stage in STAGES:
        assert run(*stage.split()).exit_code == 0
    paths = ("data/split/acme.jsonl", "data/split/runa.jsonl")
    return [one for path in paths for one in read_manifest(Path(path), Sample)]


def test_the_rows_are_the_samples(dataset: list[Sample]) -> None:
    import pyarrow.parquet as pq

    assert run("export", "parquet").exit_code == 0
    samples = {one.photo_id: one for one in dataset}
    seen = []
    for path in sorted(Path("data/parquet/data").iterdir()):
        split = path.name.partition("-")[0]
        assert path.name == f"{split}-00000-of-00001.parquet"
        for row in pq.read_table(path).to_pylist():
            sample = samples[row["photo_id"]]
            assert row["image"]["bytes"] == Path(sample.path).read_bytes()
            assert row["image"]["path"] == f"{sample.photo_id}.jpg"
            told = (row["brand"], row["product"], row["product_name"], row["view"])
            assert told == (sample.brand, sample.product, sample.product_name, sample.view)
            assert (split, row["cluster_id"]) == (sample.split, sample.cluster_id)
            seen.append(row["photo_id"])
    assert sorted(seen) == sorted(samples)
    schema = pq.read_schema(next(Path("data/parquet/data").iterdir()))
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"} and list(features) == schema.names


def test_files_end_by_size_and_rows_are_read_in_groups(
    dataset: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    from dataset.parquet import export_parquet

    monkeypatch.setattr("dataset.parquet._ROWS", 2)
    out = Path("out")
    shards = export_parquet(
        Path("data/split"), Path("data/catalogue.jsonl"), Path(), out, 50_000, {}
    )
    train = [one for one in shards if one.split == "train"]
    assert len(train) > 1 and train[-1].name == f"data/train-{len(train) - 1:05}-of-{len(train):05}.parquet"  # fmt: skip
    assert sum(one.rows for one in shards) == len(dataset)
    file = pq.ParquetFile(out / train[0].name)
    assert file.num_row_groups == (train[0].rows + 1) // 2
    ids = [row["photo_id"] for one in train for row in pq.read_table(out / one.name).to_pylist()]
    assert ids == sorted(ids)  # a hash: brands are mixed


def test_the_card_says_what_it_holds(dataset: list[Sample]) -> None:
    result = run("export", "parquet", "--licence", "shop=CC BY 4.0")
    assert result.exit_code == 0 and "the pictures belong to others" in result.stderr
    text = Path("data/parquet/README.md").read_text("utf-8")
    head = front(text)
    counts = Counter(one.split for one in dataset)
    splits = {one["name"]: one["num_examples"] for one in head["dataset_info"]["splits"]}
    assert splits == counts and head["license"] == "other"
    for config in head["configs"][0]["data_files"]:
        assert list(Path("data/parquet").glob(config["path"])), config
    assert [one["name"] for one in head["dataset_info"]["features"]][:2] == ["image", "brand"]
    assert "| shop | 18 | CC BY 4.0 |" in text and "| a\\|b | 18 | unknown |" in text
    assert "do not upload it" in text.casefold()
    for path in Path("data/parquet/data").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text
    train = Counter(one.brand for one in dataset if one.split == "train")
    assert f"| acme | {train['acme']} |" in text and "orbit" not in text


def test_twice_gives_the_same_bytes(dataset: list[Sample]) -> None:
    def files() -> dict[str, bytes]:
        return {str(one): one.read_bytes() for one in Path("data/parquet").rglob("*.*")}

    run("export", "parquet")
    first = files()
    run("export", "parquet")
    assert files() == first and len(first) > 2


def test_faults_are_one_line_and_leave_the_export(dataset: list[Sample]) -> None:
    assert run("export", "parquet").exit_code == 0
    before = sorted(Path("data/parquet").rglob("*"))
    assert run("export", "parquet", "--licence", "shop").exit_code == 2
    told = run("export", "parquet", "--licence", "shops=mine")
    assert told.exit_code == 1 and "sites are a|b, shop" in told.output
    canvas = Path(dataset[0].path)
    canvas.unlink()
    canvas.write_bytes(b"changed")  # not through the hard link into the cache
    told = run("export", "parquet")
    assert told.exit_code == 1 and "dvc repro clean" in told.output
    assert sorted(Path("data/parquet").rglob("*")) == before
    told = run("export", "parquet", "--out", "data")
    assert told.exit_code == 1 and "Name another folder" in told.output
    assert Path("data/catalogue.jsonl").exists()
    theirs = Path("theirs/data/train-00000-of-00001.parquet")
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"another dataset")
    theirs.parents[1].joinpath("README.md").write_text("# Another dataset")
    told = run("export", "parquet", "--out", "theirs")
    assert told.exit_code == 1 and "Name another folder" in told.output and theirs.exists()
    told = run("export", "parquet", "--split", "nowhere")
    assert told.exit_code == 1 and "dvc repro" in told.output


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "dataset.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("export", "parquet")
    assert result.exit_code == 1 and 'pip install -e ".[parquet]"' in result.output
    assert len(result.output.splitlines()) == 1


def test_the_card_stands_up_to_odd_names() -> None:
    shards = [Shard("data/train-00000-of-00001.parquet", "train", 1, 10, 12, "ab" * 32)]
    text = card(
        shards, {"train": Counter({"acme": 1})}, {"a|<b>\n---": 1}, {}, ("brand", "product")
    )
    assert "| a\\|\\<b\\> --- | 1 | unknown |" in text
    assert front(text)["license"] == "unknown"
