"""`solemap identify` over models trained here: exact preparation, answers, refusals, exit codes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from conftest import draw_shoe, encoded
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image

from identify.__main__ import identify
from identify.added import SHAPE
from identify.asking import evidence_for
from identify.explain import activation_map, evidence_map
from identify.identifier import Identifier
from identify.photo import PhotoError, prepare_photo
from train.data import normalise
from train.evidence import gather, look
from train.fusion import RULES
from train.model import infer
from train.similarity import similarities


@pytest.fixture(scope="module")
def project(trained: Path) -> Iterator[Path]:
    """The trained project, as the working directory."""
    before = Path.cwd()
    os.chdir(trained)
    yield trained
    os.chdir(before)


def ask(*words: str) -> Result:
    return CliRunner().invoke(identify, list(words))


def photo(project: Path, name: str, brand: str = "acme", split: str = "train") -> tuple[Path, int]:
    """An original picture of a split, and its row in the pack."""
    described = json.loads((project / f"data/pack/{brand}/pack.json").read_text())
    row = next(i for i, one in enumerate(described["photos"]) if one["split"] == split)
    digest = described["photos"][row]["photo_id"]
    return project / f"data/crawl/images/{digest[:2]}/{digest}.img", row


def test_a_file_name_of_korean_windows_is_told(project: Path, tmp_path: Path) -> None:
    """신발.png in CP949, as archives bring it: no UTF-8."""
    path, _ = photo(project, "x")
    name = "신발.png".encode("cp949")
    (tmp_path / os.fsdecode(name)).write_bytes(path.read_bytes())
    (tmp_path / os.fsdecode(b"x" + name)).write_bytes(b"no picture")
    told = ask("--json", str(tmp_path))
    answers = [json.loads(line) for line in told.output.splitlines()]
    assert told.exit_code == 0 and [bool(one["error"]) for one in answers] == [True, False]
    assert answers[1]["photo"].endswith("\\udcbd\u0179\\udcdf.png")


def test_a_query_is_prepared_exactly_like_a_training_photo(project: Path) -> None:
    path, row = photo(project, "x")
    pixels = np.load(project / "data/pack/acme/pixels.npy")
    prepared = prepare_photo(path.read_bytes(), 32, crop=True)
    assert np.array_equal(prepared.pixels, pixels[row])


def test_json_has_one_object_a_photo_and_a_bad_one_does_not_stop_the_others(
    project: Path, tmp_path: Path
) -> None:
    good, _ = photo(project, "x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "깨진 사진.jpg").write_bytes(b"not a picture")
    (tmp_path / "blank.png").write_bytes(encoded(Image.new("RGB", (300, 300), "white")))
    result = ask(
        "--json", "--top", "2", str(good), str(tmp_path / "깨진 사진.jpg"), str(tmp_path / "none"),
        str(tmp_path / "empty"), str(tmp_path / "blank.png"),
    )  # fmt: skip
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["verdict"] for answer in answers[:1] + answers[4:]] == ["known", "not_a_shoe"]
    assert all(answer["error"] and answer["verdict"] is None for answer in answers[1:4])
    assert list(answers[0]) == [
        "photo", "error", "arm", "verdict", "brand", "product", "product_name", "confidence", "box",
        "candidates", "similar", "brand_name", "same_shape",
    ]  # fmt: skip
    assert (answers[0]["brand"], answers[0]["brand_name"]) == ("acme", "Acme") and len(
        answers[0]["candidates"]
    ) == 2
    assert answers[0]["product_name"].startswith("러너")
    left, top, right, bottom = answers[0]["box"]
    assert 0 <= left < right <= 300 and 0 <= top < bottom <= 300
    similar = answers[0]["similar"]
    assert len(similar) == 3 and answers[0]["product"] not in {
        one["product"] for one in similar if one["brand"] == "acme"
    }
    assert all((project / one["path"]).exists() and one["urls"] for one in similar)


def test_people_get_names_and_paths(project: Path) -> None:
    good, _ = photo(project, "x", brand="nike")
    result = ask(str(good))
    assert result.exit_code == 0
    assert "by 나이키" in result.stdout and "similar shoes" in result.stdout
    assert "data/clean/images/" in result.stdout


def test_exit_codes(project: Path, tmp_path: Path) -> None:
    assert ask().exit_code == 2
    elsewhere = ask("--url", "ftp://shop.example/a.jpg")
    assert elsewhere.exit_code == 1 and "begin with http:// or https://" in elsewhere.stderr
    nothing = ask(str(tmp_path / "absent.jpg"))
    assert nothing.exit_code == 1 and "absent.jpg: no such file" in nothing.stderr
    untrained = ask("--models", str(tmp_path / "models"), str(tmp_path / "absent.jpg"))
    assert untrained.exit_code == 1 and "dvc repro" in untrained.stderr


def test_a_damaged_brand_is_named_and_the_rest_answers(
    project: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(project / "models", tmp_path / "models")
    (tmp_path / "models/brands/acme/weights.safetensors").write_bytes(b"\x80\x04K\x01.")
    good, _ = photo(project, "x")

    def told() -> str:
        caplog.clear()
        result = ask("--json", "--models", str(tmp_path / "models"), str(good))
        answer = json.loads(result.stdout)
        assert result.exit_code == 0 and answer["verdict"] and len(answer["similar"]) == 3
        assert caplog.text.count("is left out") == 1 and "nike is" not in caplog.text
        return caplog.text

    assert "acme/weights.safetensors: not a model" in told()
    shutil.rmtree(tmp_path / "models/brands/acme")
    assert "brands/acme/model.json: not readable" in told()
    shutil.copytree(project / "models/brands/nike", tmp_path / "models/brands/acme")
    assert "brands/acme: a net of another brand" in told()
    assert len(Identifier.load(tmp_path / "models").left_out) == 1
    (tmp_path / "models/base/weights.safetensors").write_bytes(b"")
    result = ask("--models", str(tmp_path / "models"), str(good))
    assert result.exit_code == 1 and "base/weights.safetensors: not a model" in result.stderr


@pytest.mark.parametrize("name", ["photos.jsonl", "products.jsonl"])
def test_a_gallery_that_lost_a_line_is_named(project: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(project / "models", tmp_path / "models")
    path = tmp_path / "models/gallery" / name
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    good, _ = photo(project, "x")
    result = ask("--models", str(tmp_path / "models"), str(good))
    assert result.exit_code == 1 and "photos.jsonl has" in result.stderr


def test_what_is_no_file_is_refused_at_once(project: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    result = ask(str(tmp_path / "pipe.jpg"), "/dev/zero", str(tmp_path), str(tmp_path / "*.png"))
    assert result.exit_code == 1
    assert result.stderr.count("a pipe or a device") == 2
    assert "no pictures in this folder" in result.stderr and "no file is named" in result.stderr


def test_folders_patterns_and_standard_input(project: Path, tmp_path: Path) -> None:
    content = photo(project, "x")[0].read_bytes()
    (tmp_path / "deep").mkdir()
    for name in ("b.JPG", "a.png", "deep/c.webp", ".hidden.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(content)

    def asked(*words: str) -> list[str]:
        result = CliRunner().invoke(identify, ["--json", *words], input=content)
        answers = [json.loads(line) for line in result.stdout.splitlines()]
        assert result.exit_code == 0 and all(one["brand"] == "acme" for one in answers)
        return [one["photo"].removeprefix(f"{tmp_path}/") for one in answers]

    assert asked(str(tmp_path)) == ["a.png", "b.JPG", "deep/c.webp"]
    assert asked(str(tmp_path / "[ab].*"), "-") == ["a.png", "b.JPG", "-"]


def test_the_heat_map_sums_to_the_logit_and_is_written(project: Path, tmp_path: Path) -> None:
    good, row = photo(project, "x")
    assert ask("--explain", str(tmp_path / "why"), str(good)).exit_code == 0
    (written,) = (tmp_path / "why").iterdir()
    with Image.open(written) as shown, Image.open(good) as original:
        assert shown.format == "PNG" and shown.size == original.size
        painted = np.asarray(shown.convert("RGB")).astype(int)
        assert 0 < (abs(painted - np.asarray(original)).max(axis=2) > 20).mean() < 0.9
    system = Identifier.load(project / "models").system
    pixels = torch.from_numpy(np.load(project / "data/pack/acme/pixels.npy"))[row]
    pixels = pixels.permute(2, 0, 1)[None]
    net = system.brand_nets["acme"].net
    logits, _ = infer(net, pixels)
    shift = net.backbone.norm.bias  # of the features where nothing is seen above their mean
    centred = net.head.weight - net.head.weight.mean(dim=0)  # over the mean of all products
    over = logits[0] - logits[0].mean() - (net.head.bias - net.head.bias.mean()) - centred @ shift
    for product in range(len(over)):
        places = evidence_map(net, product, normalise(pixels, net.size))
        assert torch.allclose(places.sum(), over[product], atol=1e-4)
    assert activation_map(net, 0, pixels).shape == (32, 32)


def test_the_similar_shoes_are_the_nearest_products_by_shape_and_colour(project: Path) -> None:
    identifier = Identifier.load(project / "models")
    vectors = identifier.system.vectors
    good, row = photo(project, "x")
    answer = identifier.identify(good.read_bytes())
    pixels = torch.from_numpy(np.load(project / "data/pack/acme/pixels.npy"))[row]
    evidence = gather(identifier.system, pixels.permute(2, 0, 1)[None])
    shapes, colors = (
        similarities(of, gallery)
        for of, gallery in (
            (evidence.embedding, vectors.embedding),
            (evidence.color, vectors.color),
        )
    )
    every = (SHAPE * shapes + (1 - SHAPE) * colors)[0]
    best: dict[str, float] = {}
    for value, label in zip(every.tolist(), vectors.label_index.tolist(), strict=True):
        name = vectors.labels[label]
        best[name] = max(best.get(name, -1.0), value)
    best.pop(f"{answer.brand}/{answer.product}", None)
    expected = sorted(best.values(), reverse=True)[: len(answer.similar)]
    shown = [shoe.similarity for shoe in answer.similar]
    assert len(shown) == 3 and np.allclose(shown, expected, atol=2e-3)


def test_of_the_same_shape_are_the_nearest_outlines_among_the_others(project: Path) -> None:
    identifier = Identifier.load(project / "models")
    identifier._neighbours = 1
    good, row = photo(project, "x")
    answer = identifier.identify(good.read_bytes())
    (similar,), (same_shape,) = answer.similar, answer.same_shape
    pixels = torch.from_numpy(np.load(project / "data/pack/acme/pixels.npy"))[row]
    system = identifier.system
    nearest = look(system, pixels.permute(2, 0, 1)[None]).outline_similarity[0]
    told = {f"{answer.brand}/{answer.product}", f"{similar.brand}/{similar.product}"}
    others = {
        label: float(one)
        for label, one in zip(system.labels, nearest, strict=True)
        if label not in told
    }
    assert f"{same_shape.brand}/{same_shape.product}" == max(others, key=others.__getitem__)
    assert np.isclose(same_shape.similarity, max(others.values()), atol=2e-3)


def test_the_right_shoe_is_as_near_as_the_left_one_by_outline(project: Path) -> None:
    system = Identifier.load(project / "models").system
    pixels = torch.from_numpy(np.load(project / "data/pack/acme/pixels.npy"))[:1].permute(
        0, 3, 1, 2
    )
    one, other = (look(system, side).outline_similarity for side in (pixels, pixels.flip(3)))
    assert torch.equal(one, other) and float(one.max()) > float(one.min())


def test_one_photo_is_compared_as_many_are(project: Path) -> None:
    system = Identifier.load(project / "models").system
    pixels = torch.from_numpy(np.load(project / "data/pack/acme/pixels.npy"))[:5].permute(
        0, 3, 1, 2
    )
    together = look(system, pixels, rivals=True)
    for row in range(5):
        alone = look(system, pixels[row : row + 1], rivals=True)
        for name in ("embedding", "color", "mean_color", "outline", "histogram", "border"):
            both = [getattr(of, f"{name}_similarity") for of in (alone, together)]
            assert torch.allclose(both[0][0], both[1][row], atol=2e-3), name


def test_an_answer_does_not_depend_on_what_was_asked_before(project: Path) -> None:
    identifier = Identifier.load(project / "models")
    first, _ = photo(project, "x")
    other, _ = photo(project, "x", brand="nike", split="test")
    once = identifier.identify(first.read_bytes())
    identifier.identify(other.read_bytes())
    assert identifier.identify(first.read_bytes()) == once


def test_the_report_is_one_page_that_loads_nothing(project: Path) -> None:
    page = (project / "report/index.html").read_text("utf-8")
    assert "gate" in page and "나이키" not in page.split("<h2>Confusions")[0]  # brands are slugs
    assert "million parameters" in page and "MB." in page
    assert 'src="http' not in page and "<script" not in page and "<link" not in page
    answers = [json.loads(line) for line in (project / "metrics/answers.jsonl").open()]
    wrong = sum(one["is_known"] and one["truth"] != one["answer"] for one in answers)
    known = sum(one["is_known"] for one in answers)
    assert f"{wrong} of {known} test photos are named wrong" in page
    system = json.loads((project / "metrics/system.json").read_text())
    assert system["default"] != "border_1nn" and "border_1nn" in system["arms"]
    for key, counted in (("top1", "right"), ("within_brand_top1", "right_within")):
        for name, arm in system["arms"].items():
            right = sum(name in one[counted] for one in answers)
            assert arm[key] == pytest.approx(right / known, abs=1e-4), name
    views = system["counts"]["test_views"]
    assert sum(views.values()) == known and 0 < system["counts"]["products_tested"] <= known
    sources = json.loads((project / "metrics/sources.json").read_text())
    assert {site: row["photos"] for site, row in sources.items()} == {"shop": known}
    assert system["arms"][system["default"]]["top1"] == pytest.approx(1 - wrong / known, abs=1e-4)


def test_phones_turn_their_photos(project: Path) -> None:
    upright = draw_shoe(size=300).crop((0, 60, 300, 260))
    turned = upright.rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown by turning it 90 degrees clockwise
    plain = prepare_photo(encoded(upright), 32, crop=True)
    phone = prepare_photo(encoded(turned, exif=exif), 32, crop=True)
    assert np.array_equal(plain.pixels, phone.pixels) and plain.box == phone.box


@given(cut=st.integers(0, 3000), at=st.integers(0, 3000), value=st.integers(0, 255))
@examples(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_bytes_are_answered_or_refused(cut: int, at: int, value: int) -> None:
    content = bytearray(encoded(draw_shoe(size=120), "JPEG"))
    content[at % len(content)] = value
    try:
        found = prepare_photo(bytes(content[: len(content) - cut % len(content)]), 32, crop=True)
    except PhotoError as error:
        assert "Save the photo as a JPEG" in str(error)
    else:
        assert found.pixels.shape == (32, 32, 3)


def test_one_photo_is_as_sure_of_its_answer_as_many_are(project: Path) -> None:
    """Of the gallery's plain histograms the command compares the answer's alone."""
    identifier = Identifier.load(project / "models")
    system = identifier.system
    pixels = torch.from_numpy(np.load(project / "data/pack/acme/pixels.npy"))[:4].permute(
        0, 3, 1, 2
    )
    fitted = {"color": 5.0, "mean_color": 3.0, "confidence": -2.0, "confidence_lead": 0.5, "confidence_color": 1.0,
              "confidence_histogram": 2.0}  # fmt: skip
    together = RULES["learned"](gather(system, pixels), system, fitted)
    for row in range(4):
        known = evidence_for(system, pixels[row : row + 1], "learned", fitted, {})
        alone = RULES["learned"](known, system, fitted)[0]
        assert int(alone.argmax()) == int(together[row].argmax())
        assert float(alone.max()) == pytest.approx(float(together[row].max()), abs=5e-3)
