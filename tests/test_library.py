from __future__ import annotations

import os
from pathlib import Path

import pytest

from cnnx.errors import SpecError, UsageError
from cnnx.graph.expand import expand
from cnnx.spec.folders import built_in_folder, search_folders
from cnnx.spec.library import Library

SPEC = "input: [1, 8, 8]\nlayers: [relu]\n"
FAMILY = "parameters: {a: 1}\nvariants: {small: {a: 2}, large: {a: 3}, default: small}\n" + SPEC


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a `configs` folder, and a folder named by the environment."""
    for part in ("project/configs", "named"):
        (tmp_path / part).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("CNNX_CONFIGS", str(tmp_path / "named"))
    return tmp_path


def write(path: Path, text: str = SPEC) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_nearest_folder_wins_and_the_hidden_one_is_told(folder: Path) -> None:
    here = write(folder / "project/configs/mine.yaml")
    there = write(folder / "named/mine.yaml")
    library = Library()
    assert library.open("mine").file.path.resolve() == here
    assert [(name, hidden) for name, _, hidden in library.hidden()] == [("mine", there)]
    assert [path.name for path in search_folders()] == ["configs", "named", "configs"]


def test_built_in_specs_are_found_from_anywhere(folder: Path) -> None:
    assert Library().open("bottleneck").file.path == built_in_folder() / "blocks" / "bottleneck.yaml"


def test_a_path_is_opened_as_it_stands(folder: Path) -> None:
    write(folder / "project/other.yaml")
    assert Library().open("./other.yaml").name == "other"
    assert Library().open("other.yaml").name == "other"
    with pytest.raises(UsageError, match="no such file"):
        Library().open("../nowhere/other.yaml")


def test_a_variant_is_found_by_its_own_name_and_the_family_means_its_default(folder: Path) -> None:
    write(folder / "named/family.yaml", FAMILY)
    library = Library()
    assert library.open("large").variant == "large"
    assert library.open("large").file.name == "family"
    assert library.open("family").variant == "small"
    assert {"family", "small", "large", "bottleneck"} <= set(library.names())


def test_an_unknown_name_offers_the_nearest(folder: Path) -> None:
    with pytest.raises(UsageError, match="no spec is named `botleneck`; did you mean `bottleneck`"):
        Library().open("botleneck")
    with pytest.raises(UsageError, match="`cnnx list` shows every name"):
        Library().open("qqqqqqqq")
    with pytest.raises(UsageError, match="`conv` is an operation"):
        Library().open("conv")


def test_a_name_defined_twice_in_one_place_is_an_error(folder: Path) -> None:
    (folder / "named/sub").mkdir()
    write(folder / "named/twice.yaml")
    write(folder / "named/sub/twice.yaml")
    write(folder / "named/one.yaml", FAMILY)
    write(folder / "named/two.yaml", FAMILY)
    library = Library()
    for name in ("twice", "small"):
        with pytest.raises(UsageError, match=f"`{name}` is defined twice"):
            library.open(name)


def test_a_broken_neighbour_hinders_nothing_and_is_told(folder: Path) -> None:
    write(folder / "named/broken.yaml", "variants: {small: [}")
    write(folder / "named/Upper.yaml")
    write(folder / "named/relu.yaml")
    (folder / "named/binary.yaml").write_bytes(b"\xff variants: small")
    write(folder / "named/family.yaml", FAMILY)
    library = Library()
    assert library.open("small").file.name == "family"
    assert "family" in [file.name for file in library.files()]
    problems = "\n".join(library.problems())
    for what in ("broken.yaml:1:", "lower-case letters", "`relu` is an operation", "not UTF-8"):
        assert what in problems
    with pytest.raises(SpecError):
        library.open("broken")


def test_a_pipe_in_a_search_folder_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "named/pipe.yaml")
    library = Library()
    assert library.open("bottleneck").name == "bottleneck"
    assert ": not a regular file" in "\n".join(library.problems())


def test_a_spec_given_by_its_path_that_calls_itself_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "selfie.yaml", "input: [1, 8, 8]\nlayers: [relu, selfie]\n")
    library = Library([])
    with pytest.raises(SpecError, match="a spec that calls itself: selfie → selfie"):
        expand(library.open(str(path)), library)


def test_files_may_name_each_other_and_themselves_while_they_are_parsed(folder: Path) -> None:
    write(folder / "named/a.yaml", "input: [1, 8, 8]\nlayers: [from_b]\nvariants: {from_a: {}}\n")
    write(folder / "named/b.yaml", "input: [1, 8, 8]\nlayers: [from_a]\nvariants: {from_b: {}}\n")
    library = Library()
    assert library.open("from_a").file.name == "a"
    assert library.open("from_b").file.name == "b"
    write(folder / "named/c.yaml", "input: [1, 8, 8]\nlayers: [from_d]\nvariants: {from_c: {}}\n")
    with pytest.raises(SpecError, match="unknown operation or spec `from_d`"):
        Library().open("c")


def test_a_file_is_parsed_once(folder: Path) -> None:
    write(folder / "named/family.yaml", FAMILY)
    library = Library()
    assert library.open("small").file is library.open("large").file


def test_the_texts_with_variants_are_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    assert not library.has("no_such_name")
    read = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda *arguments, **options: pytest.fail(f"{arguments[0]} was read again"))
    assert not library.has("another_name")
    monkeypatch.setattr(Path, "read_text", read)
    assert library.has("mobilenetv3_small")
