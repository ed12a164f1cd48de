"""Where in a spec's own file each node comes from."""

from __future__ import annotations

from pathlib import Path

from cnnx.graph.expand import expand
from cnnx.graph.marks import find_marks
from cnnx.spec.library import Library

SPEC = """\
input: [8, 6, 6]
layers:
  - conv: {out: 8, kernel: 3, norm: batchnorm}
  - repeat:
      times: 2
      layers:
        - other
  - add:
      left:
        - conv: {out: 8, kernel: 1}
      right: []
  - relu
"""
OTHER = """\
input: [channels, 6, 6]
parameters: {channels: 8}
layers:
  - conv: {out: channels, kernel: 1}
"""


def test_each_node_has_the_line_of_its_step_and_a_called_one_that_of_the_call(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "other.yaml").write_text(OTHER, encoding="utf-8")
    library = Library([tmp_path])
    target = library.open("mine")
    marks = find_marks(target, library)
    assert {name: mark.line for name, mark in marks.items()} == {
        "conv": 3,
        "conv_norm": 3,
        "repeat.0.conv": 7,
        "repeat.1.conv": 7,
        "add.left.conv": 10,
        "add": 8,
        "relu": 12,
    }
    assert [*marks] == [node.name for node in expand(target, library).nodes]


def test_settings_are_followed(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(OTHER + "  - conv: {out: 4, kernel: 1}\n    when: channels > 8\n", "utf-8")
    library = Library([tmp_path])
    assert find_marks(library.open("mine"), library, {"channels": 9})["conv2"].line == 5
    assert "conv2" not in find_marks(library.open("mine"), library)
