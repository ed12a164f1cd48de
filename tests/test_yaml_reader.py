from __future__ import annotations

from pathlib import Path

import pytest

from cnnx.errors import SpecError, UsageError
from cnnx.spec.yaml_reader import MAX_BYTES, Mark, Source, read_scalar, read_source, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("017", 17),  # YAML 1.1 would read octal
        ("-3", -3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("no", "no"),  # YAML 1.1 would read false
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("1_000", "1_000"),
        ("12:30", "12:30"),  # YAML 1.1 would read 750
        ("0x10", "0x10"),
        ("2022-01-01", "2022-01-01"),
        (".inf", float("inf")),
        ("c // r", "c // r"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    read = read_scalar(text)
    assert read == value
    assert type(read) is type(value)


def test_marks_count_lines_and_columns_from_one() -> None:
    data = read_yaml(Source("a.yaml", "layers:\n  - conv: {out: 4}\n"))
    step = data["layers"][0]
    assert data["layers"].items_at[0] == Mark(2, 5, 1)
    assert step.keys_at["conv"] == Mark(2, 5, 4)
    assert step["conv"].keys_at["out"] == Mark(2, 12, 3)
    assert step["conv"].values_at["out"] == Mark(2, 17, 1)


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("a: &x 1\n", "1:4", "an anchor (&x)"),
        ("a: *x\n", "1:4", "an alias (*x)"),
        ("a: 1\n<<: {b: 2}\n", "2:1", "a merge key (<<)"),
        ("a: !!int 1\n", "1:4", "a tag"),
        ("a: !mine {b: 1}\n", "1:4", "a tag"),
        ("a: 1\nb: 2\na: 3\n", "3:1", "`a` is written twice; first in line 1"),
        ("{[1, 2]: 3}\n", "1:2", "a key is a word"),
        ("a: 1\n---\nb: 2\n", "2:1", "a second document"),
        ("- a\n", "1:1", "a spec is a mapping"),
        ("words\n", "1:1", "a spec is a mapping"),
        ("a: [1, 2\n", "2:1", "not valid YAML"),
        ("a:\n\t- b\n", "2:1", "not valid YAML"),
        ("a: {b: f(1, 2)}\n", "1:8", "quote the expression"),
        ("a: \x1b[31m\n", "1:4", "control characters are not allowed"),
        ("# ·\na: \x1b[31m\n", "2:4", "control characters are not allowed"),
        (f"a: {'9' * 41}\n", "1:4", "a number of 41 digits; at most 40 are read"),
        ("a: " + "[" * 40, "1:35", "nested more than 32 levels deep"),
        ("a:\n" + "- 1\n" * 20_001, "20000:3", "more than 20000 values"),
    ],
)
def test_what_a_spec_has_no_use_for_is_refused_at_its_place(text: str, where: str, message: str) -> None:
    with pytest.raises(SpecError) as error:
        read_yaml(Source("a.yaml", text))
    assert str(error.value).startswith(f"a.yaml:{where}: ")
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "~\n", "---\n"])
def test_an_empty_file_is_said_to_be_empty(text: str) -> None:
    with pytest.raises(SpecError, match="the file is empty"):
        read_yaml(Source("a.yaml", text))


@pytest.mark.parametrize(
    "text",
    ["a: 1\n", "a: {b: 'f(1, 2)'}\n", "a: f(1, 2)\n", "'<<': 1\n", "a: " + "[" * 31 + "]" * 31, f"a: {'9' * 40}\n"],
)
def test_the_nearest_legal_text_is_read(text: str) -> None:
    assert read_yaml(Source("a.yaml", text))


def test_a_million_levels_are_refused_at_once() -> None:
    with pytest.raises(SpecError, match="nested more than 32 levels"):
        read_yaml(Source("a.yaml", "a: " + "[" * 1_000_000))


def test_a_source_must_be_a_text_file_of_at_most_a_mebibyte(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_source(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="a folder, not a spec"):
        read_source(tmp_path)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(SpecError, match=r"1048577 bytes; a spec has at most 1048576 \(1 MiB\)"):
        read_source(large)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: 1\ntitle: caf\xe9\n")
    with pytest.raises(SpecError, match=r"latin\.yaml:2:1: not UTF-8: byte 0xe9"):
        read_source(latin)
    marked = tmp_path / "marked.yaml"
    marked.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_source(marked).text == "a: 1\n"
    with pytest.raises(UsageError):
        read_source(Path("a\0b.yaml"))
