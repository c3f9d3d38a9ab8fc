"""Starting weights: torchvision's names, our own files, and what is no such file."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_model

from catalogue.errors import CatalogueError
from train.model import Description, ShoeNet, save_net
from train.start import load_start


def test_torchvisions_names_and_our_own_give_the_same_stages(tmp_path: Path) -> None:
    torch.manual_seed(5)
    theirs = get_model("resnet18", weights=None)
    tensors = {
        name: tensor.contiguous()
        for name, tensor in theirs.state_dict().items()
        if not name.endswith("num_batches_tracked")  # as in the files of 2017
    }
    save_file(tensors, tmp_path / "theirs.safetensors")
    net, again = (ShoeNet("resnet18", classes, 32).eval() for classes in (3, 7))
    told = load_start(net, "resnet18", str(tmp_path / "theirs.safetensors"), "base")
    save_net(tmp_path / "ours.safetensors", net, Description("resnet18", 32, 32, True, (), ""))
    assert load_start(again, "resnet18", str(tmp_path / "ours.safetensors"), "train") != told
    pictures = torch.rand(2, 3, 64, 64)
    layers = torch.nn.Sequential(*list(theirs.eval().children())[:-2])
    expected = layers(pictures)
    for one in (net, again):
        assert torch.allclose(one.backbone.maps(pictures)[-1], expected, atol=1e-5)


def test_another_architecture_and_no_file_at_all_are_told(tmp_path: Path) -> None:
    net = ShoeNet("resnet34", 2, 32)
    save_file(dict(get_model("resnet18").state_dict()), tmp_path / "r18.safetensors")
    with pytest.raises(CatalogueError, match=r"base\.init .*not those of a resnet34.*base\.arch"):
        load_start(net, "resnet34", str(tmp_path / "r18.safetensors"), "base")
    torch.save({}, tmp_path / "pickle.pth")
    for name in ("pickle.pth", "missing.safetensors"):
        with pytest.raises(CatalogueError, match=r"train\.init is .*no readable \.safetensors"):
            load_start(net, "resnet34", str(tmp_path / name), "train")


def test_imagenet_without_a_network_says_where_the_file_belongs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(CatalogueError, match=r"resnet18-[0-9a-f]+\.pth.*no route.*checkpoints"):
        load_start(ShoeNet("resnet18", 2, 32), "resnet18", "imagenet", "base")


def test_imagenet_weights_lie_in_torchs_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real file cannot be had here: one of the same form takes its place, its hash unchecked."""
    from torchvision.models import ResNet18_Weights

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    name = ResNet18_Weights.DEFAULT.url.rpartition("/")[2]
    (tmp_path / "checkpoints").mkdir()
    torch.save(get_model("resnet18").state_dict(), tmp_path / "checkpoints" / name)
    net = ShoeNet("resnet18", 2, 32)
    before = net.backbone.stem[0].weight.clone()
    assert load_start(net, "resnet18", "imagenet", "base").endswith(name)
    assert not torch.equal(net.backbone.stem[0].weight, before)
