"""`solemap gallery`: a product is named by its pictures, without training, and goes again."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from conftest import draw_shoe, encoded
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from catalogue.errors import CatalogueError
from identify import Identifier, added
from identify.added import Naming, _fit_logistic, load_added
from identify.live import LiveModels, fingerprint
from solemap.gallery import gallery
from train.gallery import GalleryProduct

GREEN = (40, 160, 60)


@pytest.fixture
def models(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained / "models", tmp_path / "models")
    (tmp_path / "data").symlink_to(trained / "data")
    return tmp_path / "models"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for pose in range(4):
        (tmp_path / f"photos/{pose}.png").write_bytes(encoded(draw_shoe(GREEN, pose=pose)))
    return tmp_path / "photos"


def run(models: Path, *words: str) -> Result:
    result = CliRunner().invoke(gallery, [*words, "--models", str(models)])
    if isinstance(result.exception, CatalogueError):  # `solemap` prints it
        result.output_bytes, result.exit_code = str(result.exception).encode(), 1
    return result


def hashes(models: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in models.rglob("*")
        if path.is_file() and "added" not in path.parts
    }


def test_a_product_is_named_by_its_pictures_and_taken_out(
    models: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Three products of one colour each and a net of seconds: their val photos allow no naming at all.
    monkeypatch.setattr("identify.added.fit_naming", lambda *_: Naming(60, -45, 200))
    before = hashes(models)
    query = encoded(draw_shoe(GREEN, size=240))
    live = LiveModels(models)
    assert live.current.identify(query).product_name != "Runner One"
    words = ("--brand", "Fresh", "--product", "Runner One")
    told = run(models, "add", *words, "--url", "https://shop.example/f", str(photos))
    assert told.exit_code == 0 and "Runner One by Fresh: 4 pictures" in told.output
    assert "similarity at least 0.750" in told.output and "validation photos" in told.output
    assert hashes(models) == before
    assert live.look() or live.look()  # a service that runs picks it up
    answer = live.current.identify(query, top=3)
    assert (answer.arm, answer.verdict, answer.product_name) == ("gallery", "known", "Runner One")
    assert answer.confidence and answer.confidence >= 0.5 and len(answer.candidates) == 3
    assert sum(one.confidence for one in answer.candidates) <= 1.001
    picture = live.current.picture(answer.candidates[0].photo_id or "")
    assert picture and picture.parent == models / "added"
    assert live.current.identify(encoded(draw_shoe((200, 40, 40)))).arm != "gallery"
    with (
        monkeypatch.context() as patched
    ):  # what is not near enough to be named is similar at least
        patched.setattr(Naming, "threshold", property(lambda _: 1.1))
        unnamed = live.current.identify(query)
    assert unnamed.arm != "gallery" and unnamed.similar[0].product_name == "Runner One"
    shown = run(models, "list")
    assert "4 pictures  Runner One by Fresh" in shown.output
    wrong = run(models, "remove", "--brand", "Fresh", "--product", "Runner Two")
    assert wrong.exit_code == 1 and "added are: fresh/runner-one" in wrong.output
    assert run(models, "remove", *words).exit_code == 0
    assert {path.name for path in (models / "added").iterdir()} == {".lock"} and hashes(
        models
    ) == before
    assert Identifier.load(models).identify(query).arm != "gallery"


def test_added_pictures_are_measured_again_with_another_base(models: Path, photos: Path) -> None:
    words = ("--brand", "Fresh", "--product", "Runner One", str(photos))
    assert run(models, "add", *words).exit_code == 0
    system = Identifier.load(models).system
    first = load_added(models, system, models.parent / "data/pack")
    net = models / "brands/acme/weights.safetensors"
    shutil.copy(net, models / "base/weights.safetensors")  # any other base, evaluated
    settings = json.loads((models / "system.json").read_text())
    settings["sha256"]["_base"] = hashlib.sha256(net.read_bytes()).hexdigest()
    (models / "system.json").write_text(json.dumps(settings))
    renewed = Identifier.load(models)
    second = load_added(models, renewed.system, models.parent / "data/pack")
    assert first and second and first.key != second.key
    assert not torch.equal(first.embedding, second.embedding)
    assert [photo.photo_id for photo in second.photos] == [photo.photo_id for photo in first.photos]


def test_a_bad_photo_adds_nothing(models: Path, photos: Path) -> None:
    (photos / "z.png").write_bytes(b"no picture")
    result = run(models, "add", "--brand", "Fresh", "--product", "Runner One", str(photos))
    assert (
        result.exit_code == 1 and "z.png" in result.output and "Nothing was added" in result.output
    )
    assert not (models / "added").exists() and "nothing was added" in run(models, "list").output


def test_without_validation_photos_products_are_shown_but_not_named(
    models: Path, photos: Path
) -> None:
    (models.parent / "data").unlink()
    result = run(models, "add", "--brand", "Fresh", "--product", "Runner One", str(photos))
    assert result.exit_code == 0 and "do not say how near" in result.output
    answer = Identifier.load(models).identify(encoded(draw_shoe(GREEN)))
    assert answer.arm != "gallery" and answer.similar[0].product_name == "Runner One"


def test_with_too_few_validation_photos_nothing_is_written_by_looking(
    models: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identify.added.fit_naming", lambda *_: None)
    run(models, "add", "--brand", "Fresh", "--product", "Runner One", str(photos))
    before = fingerprint(models)
    assert Identifier.load(models).agrees()  # else a service would load its models again and again
    assert fingerprint(models) == before


def test_validation_may_say_that_no_picture_is_near_enough(models: Path, photos: Path) -> None:
    result = run(models, "add", "--brand", "Fresh", "--product", "Runner One", str(photos))
    found = load_added(models, Identifier.load(models).system, models.parent / "data/pack")
    assert found and (found.naming is None or found.naming.photos == 23)
    if found.naming is None:
        assert "do not say how near" in result.output
    elif found.naming.threshold > 1:
        assert "No photo is near enough" in result.output
    else:
        assert f"at least {found.naming.threshold:.3f}" in result.output


def test_a_picture_that_cannot_be_read_costs_only_itself(models: Path, photos: Path) -> None:
    for name, words in (("One", "0.png"), ("Two", "1.png")):
        run(models, "add", "--brand", "Fresh", "--product", f"Runner {name}", str(photos / words))
    one = next(path for path in (models / "added").glob("*.jpg"))
    one.write_bytes(one.read_bytes()[:500])
    found = load_file(models / "added/added.safetensors")
    with safe_open(models / "added/added.safetensors", "pt") as file:
        told = json.loads(file.metadata()["solemap"]) | {"key": "another base"}
    save_file(found, models / "added/added.safetensors", {"solemap": json.dumps(told)})
    identifier = Identifier.load(models)
    assert sum(label.startswith("fresh/") for label in identifier._shown.products) == 1
    for name in ("One", "Two"):
        assert (
            run(models, "remove", "--brand", "Fresh", "--product", f"Runner {name}").exit_code == 0
        )
    assert not list((models / "added").glob("*.jpg"))


def test_two_that_add_at_once_both_add(
    models: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, packs, measured = (
        Identifier.load(models).system,
        models.parent / "data/pack",
        added.measured,
    )

    def slowly(*words: Any) -> Any:
        time.sleep(0.3)
        return measured(*words)

    monkeypatch.setattr(added, "measured", slowly)
    canvas = encoded(draw_shoe(GREEN), "JPEG")

    def add(name: str) -> None:
        product = GalleryProduct(f"fresh/{name}", "fresh", name, name, (), "Fresh")
        added.add_pictures(models, product, {name * 8: canvas}, system, packs)

    threads = [threading.Thread(target=add, args=(name,)) for name in ("one", "two", "six")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = load_added(models, system, packs)
    assert found and [one.product for one in found.products] == ["one", "six", "two"]


def test_pictures_are_found_from_any_folder(
    models: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(models, "add", "--brand", "Fresh", "--product", "Runner One", str(photos / "0.png"))
    monkeypatch.chdir(models.parent.parent)
    for given in (models, models.relative_to(Path.cwd())):
        identifier = Identifier.load(given)
        similar = identifier.identify(encoded(draw_shoe(GREEN))).similar[0]
        assert similar.product_name == "Runner One" and not Path(similar.path).is_absolute()
        picture = identifier.picture(similar.photo_id)
        assert picture is not None and picture.is_file()


def test_a_damaged_file_says_what_to_do(models: Path, photos: Path) -> None:
    run(models, "add", "--brand", "Fresh", "--product", "Runner One", str(photos))
    (models / "added/added.safetensors").write_bytes(b"x")
    with pytest.raises(CatalogueError, match=r"added\.safetensors: not readable .*Delete it"):
        Identifier.load(models)


def test_the_logistic_fit_finds_the_rule_that_made_the_data() -> None:
    values = torch.rand(20_000, generator=torch.Generator().manual_seed(0))
    chance = (20 * values - 12).sigmoid()
    is_right = torch.rand(20_000, generator=torch.Generator().manual_seed(1)) < chance
    found = _fit_logistic(values, is_right)
    assert isinstance(found, Naming) and found.photos == 20_000
    assert found.slope == pytest.approx(20, rel=0.05) and found.threshold == pytest.approx(0.6, abs=0.01)  # fmt: skip
    assert found.confidence(found.threshold) == pytest.approx(0.5, abs=1e-4)
    assert _fit_logistic(values, ~is_right) is None  # the more alike the likelier wrong: no rule
