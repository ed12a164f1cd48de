from __future__ import annotations

from pathlib import Path

import pytest

from cnnx.analysis.formulas.derivation import derive
from cnnx.analysis.formulas.ratios import Ratio, explain_ratio, renamed_in_second
from cnnx.spec.library import Library
from cnnx.spec.values import Value
from tests.test_formulas import derived
from tests.test_specs import library


def ratio(first: str, second: str, figure: str = "params", **given: Value) -> Ratio:
    one = derived(first)
    two = derive(library().open(second), library(), given)
    renamed = renamed_in_second(one.graph.parameters, two.graph.parameters)
    return explain_ratio(one, derive(library().open(second), library(), given, renamed=renamed), figure)


def test_a_ratio_is_explained_term_by_term() -> None:
    found = ratio("plain3x3", "bottleneck")
    assert (found.formula, found.numbers) == ("(2·r + 9)/(9·r²)", "(2·4 + 9)/(9·4²)")
    assert found.ratio == pytest.approx(69632 / 589824)
    assert [(part.name, part.formula, part.result) for part in found.parts] == [
        ("conv1", "1/(9·r)", 256 * 64),
        ("conv2", "1/r²", 64 * 3 * 3 * 64),
        ("conv3", "1/(9·r)", 64 * 256),
    ]
    assert sum(part.ratio for part in found.parts) == pytest.approx(found.ratio)


def test_a_parameter_with_two_values_has_two_symbols() -> None:
    found = ratio("bottleneck", "bottleneck", r=8)
    assert found.second.total.closed.symbols == "c²·(2/r′ + 9/r′²)"
    assert found.formula == "r²·(2·r′ + 9)/(r′²·(2·r + 9))"
    assert found.latex == r"\frac{r^{2} \cdot \left(2 \cdot r' + 9\right)}{r'^{2} \cdot \left(2 \cdot r + 9\right)}"


def test_there_is_no_ratio_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "nothing.yaml").write_text("input: [3, 8, 8]\nlayers: [relu]\n", encoding="utf-8")
    own = Library([tmp_path])
    found = explain_ratio(derive(own.open("nothing"), own, {}), derived("plain3x3"), "params")
    assert (found.ratio, found.parts, found.formula) == (None, (), "")
