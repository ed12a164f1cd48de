"""What is chosen from the catalogue, how it is read, and how it is kept between runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnnx.analysis.catalogue import reading as cataloguing
from cnnx.analysis.catalogue import store as catalogue_store
from cnnx.analysis.catalogue.entries import Catalogue, choose
from cnnx.analysis.catalogue.reading import read_catalogue
from cnnx.analysis.catalogue.store import MOST_KEPT, open_catalogue
from cnnx.spec.library import Library

BLOCK = "title: A thing\nfamily: things\ntags: [small]\ninput: [8, 4, 4]\nlayers: [{conv: {out: 8, kernel: 3}}]\n"
FAMILY = """\
source: {paper: On width, year: 2020}
parameters: {width: 4}
input: [3, 5, 5]
variants: {narrow: {width: 4}, wide: {width: 8}, default: wide}
layers: [{conv: {out: width, kernel: 1}}, global_avgpool, flatten]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "thing.yaml").write_text(BLOCK, "utf-8")
    (tmp_path / "family.yaml").write_text(FAMILY, "utf-8")
    return tmp_path


def names(catalogue: Catalogue) -> list[str]:
    return [entry.name for entry in catalogue.entries]


def test_every_spec_every_variant_and_every_family_has_an_entry(folder: Path) -> None:
    catalogue = read_catalogue(Library([folder]))
    assert names(catalogue) == ["thing", "family", "narrow", "wide"]
    thing, family, narrow, wide = catalogue.entries
    assert (thing.kind, thing.family, thing.title, thing.tags) == ("block", "things", "A thing", ("small",))
    assert (family.kind, family.stands_for, family.variant_of) == ("network", "wide", None)  # it ends in a vector
    assert (narrow.stands_for, narrow.variant_of, narrow.family, narrow.year) == (None, "family", "family", 2020)
    assert family.figures.params == wide.figures.params == 3 * 8
    assert narrow.figures.params == 3 * 4
    assert Path(thing.path) == folder / "blocks" / "thing.yaml"


def test_a_broken_neighbour_is_a_warning_and_hinders_nothing(folder: Path) -> None:
    (folder / "broken.yaml").write_text("input: [8, 4, 4]\nlayers: [{conv: {out: 8}}]\n", "utf-8")
    (folder / "cannot.yaml").write_text(
        "input: [8, 4, 4]\nlayers: [{conv: {out: 8, kernel: 9, padding: 0}}]\n", "utf-8"
    )
    catalogue = read_catalogue(Library([folder]))
    assert names(catalogue) == ["thing", "family", "narrow", "wide"]
    assert len(catalogue.warnings) == 2
    assert any("broken.yaml:2" in warning and "kernel" in warning for warning in catalogue.warnings)
    assert any("cannot.yaml:2" in warning for warning in catalogue.warnings)


def test_a_name_that_is_hidden_is_told(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    nearer = tmp_path_factory.mktemp("nearer")
    (nearer / "thing.yaml").write_text(BLOCK.replace("kernel: 3", "kernel: 1"), "utf-8")
    (nearer / "narrow.yaml").write_text(BLOCK, "utf-8")
    catalogue = read_catalogue(Library([nearer, folder]))
    assert sorted(names(catalogue)) == ["family", "narrow", "thing", "wide"]
    assert next(entry for entry in catalogue.entries if entry.name == "thing").figures.params == 8 * 8
    assert next(entry for entry in catalogue.entries if entry.name == "narrow").figures.params == 8 * 8 * 3 * 3
    assert any("`thing`" in warning and "hides" in warning for warning in catalogue.warnings)
    assert any("`narrow`" in warning and "hides" in warning for warning in catalogue.warnings)


def test_a_pattern_is_a_part_of_a_word_or_matches_the_whole(folder: Path) -> None:
    catalogue = read_catalogue(Library([folder]))
    for pattern, found in {
        "": ["thing", "family", "narrow", "wide"],
        "THIN": ["thing"],
        "small": ["thing"],
        "a thing": ["thing"],
        "n*": ["narrow"],
        "?ide": ["wide"],
        "fam": ["family", "narrow", "wide"],  # of that family
        "[/x]": [],
    }.items():
        assert names(choose(catalogue, pattern)) == found, pattern
    assert names(choose(catalogue, kinds=("block",))) == ["thing"]


@pytest.fixture
def kept(folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which catalogues are kept, while `folder` is all that is searched."""
    place = tmp_path_factory.mktemp("cache") / "below"
    monkeypatch.setenv("CNNX_CACHE", str(place))
    monkeypatch.setattr(catalogue_store, "search_folders", lambda: [folder])
    monkeypatch.setattr("cnnx.spec.library.search_folders", lambda: [folder])
    return place


def test_what_is_kept_is_what_was_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_catalogue()
    (file,) = kept.iterdir()
    json.loads(file.read_text("utf-8"))
    monkeypatch.setattr(cataloguing, "read_catalogue", None)  # nothing is read a second time
    assert open_catalogue() == first
    assert names(first) == ["thing", "family", "narrow", "wide"]


def test_a_change_of_a_spec_is_seen(kept: Path, folder: Path) -> None:
    open_catalogue()
    (folder / "blocks" / "thing.yaml").write_text(BLOCK.replace("kernel: 3", "kernel: 1"), "utf-8")
    assert open_catalogue().entries[0].figures.params == 8 * 8
    assert len(list(kept.iterdir())) == 2


def test_what_cannot_be_read_is_read_anew(kept: Path) -> None:
    first = open_catalogue()
    (file,) = kept.iterdir()
    for text in ("", "{", "[]", '{"entries": [{}], "warnings": []}'):
        file.write_text(text, "utf-8")
        assert open_catalogue() == first


def test_a_place_that_cannot_be_written_hinders_nothing(kept: Path, tmp_path: Path) -> None:
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("a file where a folder should be", "utf-8")
    assert names(open_catalogue()) == ["thing", "family", "narrow", "wide"]


def test_only_the_newest_are_kept(kept: Path, folder: Path) -> None:
    for kernel in range(1, 2 * (MOST_KEPT + 3), 2):
        (folder / "blocks" / "thing.yaml").write_text(BLOCK.replace("kernel: 3", f"kernel: {kernel}"), "utf-8")
        open_catalogue()
    assert len(list(kept.iterdir())) == MOST_KEPT


def test_nothing_is_kept_where_nothing_is_to_be(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNX_CACHE", "")
    open_catalogue()
    assert not kept.exists()
