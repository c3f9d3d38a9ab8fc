"""catalogue.csv to products: what is served, what is reported, what is refused."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from catalogue.errors import CatalogueError
from demo.offers import Group, assort
from demo.stock import Stock, read_stock

COLUMNS = ("image", "brand", "product", "product_key", "color", "group", "category", "use")


def stock_of(
    folder: Path, rows: Iterable[Sequence[str]], columns: Sequence[str] = COLUMNS
) -> Stock:
    folder.mkdir(exist_ok=True)
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        (folder / name).write_bytes(b"\xff\xd8 a picture of a shoe")
    with (folder / "catalogue.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return read_stock(folder)


def test_rows_of_one_key_are_one_product_in_catalogue_order(tmp_path: Path) -> None:
    stock = stock_of(
        tmp_path,
        [
            ("2.jpg", "Acme", "Runner", "runner-red", "red", "", "", "1"),
            ("1.jpg", "Acme", "Runner", "runner-blue", "blue", "", "", "1"),
            ("3.jpg", "Acme", "Runner", "runner-red", "", "", "", "0"),
        ],
    )
    assert [p.key for p in stock.products] == ["runner-red", "runner-blue"]
    assert [p.file.name for p in stock.products[0].pictures] == ["2.jpg", "3.jpg"]
    assert stock.products[0].color == "red"
    assert stock.problems == ()


def test_colourways_of_one_name_are_products_of_their_own(tmp_path: Path) -> None:
    rows = [
        ("1.jpg", "Acme", "Fox", "", "Red", "fox", "", ""),
        ("2.jpg", "Acme", "Fox", "", "", "fox", "", ""),
        ("3.jpg", "Acme", "Fox", "", "Blue", "fox", "", ""),
    ]
    stock = stock_of(tmp_path, rows)
    assert [(p.color, len(p.pictures)) for p in stock.products] == [("Red", 2), ("Blue", 1)]
    (group,) = assort(stock).groups
    assert group.name == "Fox"
    assert len({offer.path for offer in group.offers}) == 2


def test_a_bad_row_is_reported_with_its_line_and_the_rest_is_served(tmp_path: Path) -> None:
    (tmp_path / "outside.jpg").write_bytes(b"secret")
    stock = stock_of(
        tmp_path / "shop",
        [
            ("gone.jpg", "Acme", "One", "", "", "", "", ""),
            ("../outside.jpg", "Acme", "Two", "", "", "", "", ""),
            ("1.jpg", "", "Three", "", "", "", "", ""),
            ("2.jpg", "Acme", "Four\nand a half", "", "", "", "", ""),
            ("1.jpg", "Acme", " \x01 ", "", "", "", "", ""),
            ("/etc/hostname", "Acme", "Five", "", "", "", "", ""),
            ("x" * 5000, "Acme", "Six", "", "", "", "", ""),
            ("2.jpg", "Acme", "Four and a half", "", "", "", "", ""),
        ],
    )
    assert [p.name for p in stock.products] == ["Four and a half"]
    said = [problem.split("catalogue.csv:")[1] for problem in stock.problems]
    assert [line.split(":")[0] for line in said] == ["2", "3", "4", "7", "8", "9", "10"]
    for line, reason in zip(
        said,
        ("exist", "leads out", "brand is", "product is", "leads out", "opened", "twice"),
        strict=True,
    ):
        assert reason in line


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.jpg").write_bytes(b"secret")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    stock = stock_of(tmp_path / "shop", [("link.jpg", "Acme", "One", "", "", "", "", "")])
    assert stock.products == ()
    assert "leads out" in stock.problems[0]


def test_missing_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"'brand' is missing; found image, product; needed"):
        stock_of(tmp_path, [("1.jpg", "One")], ("image", "product"))


@pytest.mark.parametrize("content", [b"", b"image,brand,product\n\xff\xfe\n", b'a,b\n"' + b"x" * 9])
def test_a_file_that_is_no_catalogue_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "catalogue.csv").write_bytes(content)
    with pytest.raises(CatalogueError, match=r"catalogue\.csv"):
        read_stock(tmp_path)


def test_excel_files_with_a_mark_at_the_start_are_read(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"")
    text = "\ufeffimage,brand,product\r\n1.jpg,Acme,One\r\n"
    (tmp_path / "catalogue.csv").write_bytes(text.encode())
    assert [p.name for p in read_stock(tmp_path).products] == ["One"]


def test_colourways_of_a_group_share_markup_and_language(tmp_path: Path) -> None:
    rows = [("1.jpg", "Acme", f"Fox {c}", c, c, "fox", "", "") for c in ("Red", "Blue", "Tan")]
    rows.append(("2.jpg", "Acme", "Lone", "", "", "lone", "", ""))
    assortment = assort(stock_of(tmp_path, rows))
    (group,) = assortment.groups
    assert group.name == "Fox"
    assert {o.product.color for o in group.offers} == {"Red", "Blue", "Tan"}
    assert len({o.language for o in group.offers}) == 1
    assert group.markup == "separate" or {o.markup for o in group.offers} == {group.markup}
    assert assortment.group_of(assortment.offers[3]) is None


def test_addresses_stay_when_the_catalogue_grows(tmp_path: Path) -> None:
    rows = [("1.jpg", "Acme", f"Shoe {n}", "", "", "", "", "") for n in range(9)]
    before = assort(stock_of(tmp_path, rows[4:])).offers
    after = {offer.path: offer for offer in assort(stock_of(tmp_path, rows)).offers}
    assert all(after[offer.path] == offer for offer in before)


def test_two_names_that_slug_alike_have_two_addresses(tmp_path: Path) -> None:
    rows = [("1.jpg", "Acme", name, "", "", "", "", "") for name in ("Air-1", "Air 1", "air/1")]
    assortment = assort(stock_of(tmp_path, rows))
    assert len({offer.path for offer in assortment.offers}) == 3
    assert not any(isinstance(one, Group) for one in assortment.by_number.values())
