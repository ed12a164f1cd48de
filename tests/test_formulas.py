from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from cnnx.analysis.conventions.presets import find_convention
from cnnx.analysis.figures import count
from cnnx.analysis.formulas.derivation import Derivation, by_convention, derive
from cnnx.analysis.formulas.explanation import FIGURES, Explanation, explain, total_of
from cnnx.errors import SpecError, UsageError
from cnnx.graph.expand import expand
from cnnx.spec.folders import built_in_folder
from cnnx.spec.library import Library
from cnnx.spec.values import Value
from tests.test_specs import library

BLOCKS = sorted(path.stem for path in (built_in_folder() / "blocks").rglob("*.yaml"))
NETWORKS = ["lenet5", "resnet18", "densenet121", "mobilenetv1", "squeezenet1_0"]
SETTINGS = 10


@cache
def derived(name: str, **given: Value) -> Derivation:
    return derive(library().open(name), library(), given)


def explained(name: str, figure: str = "params", **given: Value) -> Explanation:
    return explain(derived(name, **given), figure)


def closed(name: str, figure: str = "params", **given: Value) -> list[str]:
    """Give the forms of a sum that are not empty."""
    total = explained(name, figure, **given).total
    return [form for form in (total.expanded, total.closed.symbols, total.fraction) if form]


@pytest.mark.parametrize(
    ("name", "figure", "given", "forms", "conditions"),
    [
        ("plain3x3", "params", {}, ["9·c²"], ()),
        ("plain5x5", "params", {}, ["25·c²"], ()),
        ("stacked3x3", "params", {}, ["18·c²"], ()),
        ("bottleneck", "params", {}, ["2·c²/r + 9·c²/r²", "c²·(2/r + 9/r²)", "c²·(2·r + 9)/r²"], ("r divides channels",)),
        (
            "bottleneck",
            "macs",  # 3136 = 56·56
            {},
            ["6272·c²/r + 28224·c²/r²", "3136·c²·(2/r + 9/r²)", "3136·c²·(2·r + 9)/r²"],
            ("r divides channels",),
        ),
        # Six layers of 1×1 to 4·g and 3×3 to g: Σ (c + i·g)·4·g + 36·g² = 24·c·g + (60 + 216)·g², times 56·56
        (
            "dense_block",
            "macs",
            {"bottleneck": True, "depth": 6},
            ["75264·c·g + 865536·g²", "37632·g·(2·c + 23·g)"],
            (),
        ),
        ("se", "params", {"bias": False}, ["2·c²/r"], ("r divides channels",)),
        ("se", "params", {}, ["2·c²/r + c + c/r", "c·(2·c + r + 1)/r"], ("r divides channels",)),
        ("grouped", "params", {}, ["9·c²/g"], ("groups divides channels",)),
        ("nasnet_normal_s0", "params", {}, ["5·c² + 82·c"], ()),
        ("inverted_residual", "params", {}, ["2·c²·e + 13·c·e + 2·c", "c·(2·c·e + 13·e + 2)"], ("expansion ≠ 1",)),
        ("resnext_grouped", "params", {}, ["2·cardinality·c·w + 9·cardinality·w²", "cardinality·w·(2·c + 9·w)"], ()),
        ("hdc", "params", {}, ["27·c²"], ()),
        ("shuffle_v2_unit", "params", {}, ["c²/2 + 15·c/2", "c·(c + 15)/2"], ("2 divides channels",)),
    ],
)  # fmt: skip
def test_closed_forms(
    name: str, figure: str, given: Mapping[str, Value], forms: list[str], conditions: tuple[str, ...]
) -> None:
    assert closed(name, figure, **given) == forms
    assert explained(name, figure, **given).conditions == conditions


def test_every_layer_has_its_formula_its_numbers_and_its_result() -> None:
    assert [
        (line.name, line.formula.symbols, line.formula.numbers, line.result)
        for line in explained("bottleneck").lines
        if line.formula is not None
    ] == [
        ("conv1", "(c/r)·c", "64·256", 64 * 256),
        ("conv2", "(c/r)²·3²", "64²·3²", 64 * 64 * 3 * 3),
        ("conv3", "c·(c/r)", "256·64", 256 * 64),
    ]


@pytest.mark.parametrize(
    ("figure", "symbols", "numbers", "result"),
    [
        ("params", "(c/r)²·3² + c/r", "64²·3² + 64", 64 * 64 * 3 * 3 + 64),
        ("macs", "3²·(c/r)²·56²", "3²·64²·56²", 3 * 3 * 64 * 64 * 56 * 56),
        ("flops", "2·3²·(c/r)²·56² + (c/r)·56²", "2·3²·64²·56² + 64·56²", 2 * 3 * 3 * 64 * 64 * 56 * 56 + 64 * 56 * 56),
        (
            "access",
            "(c/r)²·3² + c/r + 2·(c/r)·56²",
            "64²·3² + 64 + 2·64·56²",
            64 * 64 * 3 * 3 + 64 + 2 * 64 * 56 * 56,
        ),
    ],
)
def test_every_figure_has_formulas(figure: str, symbols: str, numbers: str, result: int) -> None:
    formula = explained("bottleneck", figure, bias=True).lines[1].formula
    assert formula is not None
    assert (formula.symbols, formula.numbers, formula.result) == (symbols, numbers, result)


def test_what_is_computed_from_symbols_is_told_apart_from_what_stays() -> None:
    found = explained("inverted_residual")
    assert {symbol.symbol: (symbol.parameter, symbol.value) for symbol in found.symbols} == {
        "c": ("channels", 32),
        "e": ("expansion", 6),
    }
    assert (found.derived, found.fixed) == ({"out": "c"}, {"stride": 1, "padding": "same", "eps": 1e-5})


def test_strides_kernels_loops_and_sizes_stay_numbers() -> None:
    assert explained("dense_block").fixed == {"depth": 4, "bottleneck": False, "bias": True, "eps": 1e-5}
    assert set(explained("mbconv").fixed) >= {"kernel", "stride"}
    assert [symbol.parameter for symbol in explained("hdc").symbols] == ["channels"]
    assert "size" in explained("d2l_resnet18").fixed


def test_an_input_given_by_the_user_keeps_its_symbol() -> None:
    found = derive(library().open("bottleneck"), library(), {}, (128, 28, 28))
    assert found.values == {"channels": 128, "r": 4}
    assert explain(found, "macs").total.closed.symbols == "784·c²·(2/r + 9/r²)"  # 28·28


def settings(derivation: Derivation) -> Iterator[dict[str, int]]:
    """Give settings that meet the conditions, other than the derivation's own."""
    rng = random.Random(0)
    values = derivation.values
    for factor in range(2, 16):
        yield {symbol: factor * value for symbol, value in values.items()}
    for _ in range(2000):
        shared = rng.randint(1, 6)
        yield {
            symbol: max(1, rng.choice([value, shared * value, rng.randint(1, 6) * value, rng.randint(1, 96)]))
            for symbol, value in values.items()
        }


def meeting(derivation: Derivation) -> Iterator[dict[str, int]]:
    """Give different ones of these."""
    seen: list[dict[str, int]] = [dict(derivation.values)]
    for values in settings(derivation):
        if values not in seen and all(condition.holds(values) for condition in derivation.conditions):
            seen.append(values)
            yield values


def check_elsewhere(name: str, wanted: int) -> None:
    derivation = derived(name)
    totals = {field: total_of(derivation, field) for field, _ in FIGURES.values()}
    for field, total in totals.items():
        assert total.at(derivation.values) == getattr(derivation.figures, field)
    checked = 0
    for values in meeting(derivation):
        given: dict[str, Value] = {parameter: values[symbol] for parameter, symbol in derivation.symbols.items()}
        try:
            figures = count(expand(library().open(name), library(), given))
        except SpecError:
            continue  # no spec at all: a slice beyond the channels, branches of unequal shapes
        assert {field: total.at(values) for field, total in totals.items()} == {
            field: getattr(figures, field) for field in totals
        }, given
        checked += 1
        if checked == wanted:
            return
    assert not derivation.symbols, f"{checked} settings met the conditions"


@pytest.mark.parametrize("name", BLOCKS)
def test_a_formula_gives_the_static_figure_at_ten_other_settings(name: str) -> None:
    check_elsewhere(name, SETTINGS)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_formula_of_a_network_gives_the_static_figure_elsewhere(name: str) -> None:
    check_elsewhere(name, 2)


@pytest.mark.parametrize("convention", ["fvcore", "torch", "thop"])
def test_a_formula_by_another_convention_gives_its_figure(convention: str) -> None:
    found = by_convention(derived("se_conv"), find_convention(convention))
    assert total_of(found, "flops").at(found.values) == found.figures.flops
    given = {"channels": 512, "hidden": 48}
    elsewhere = count(expand(library().open("se_conv"), library(), given))
    assert total_of(found, "flops").at(given) == find_convention(convention).apply(elsewhere).flops


@pytest.mark.parametrize(
    ("name", "obstacle"),
    [
        (
            "mobilenetv3_bottleneck",
            "There is no polynomial: make_divisible(e/4, 8) rounds, and what rounds stays as it is.",
        ),
        ("inception_keras", "There is no polynomial: ⌊f/3⌋ rounds, and what rounds stays as it is."),
        ("bottleneck", ""),
    ],
)
def test_why_there_is_no_closed_form_is_said(name: str, obstacle: str) -> None:
    assert explained(name).total.obstacle == obstacle


def from_text(folder: Path, text: str, figure: str = "params") -> Explanation:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    own = Library([folder])
    return explain(derive(own.open("mine"), own, {}), figure)


def test_a_spec_without_symbols_says_so_and_shows_its_numbers(tmp_path: Path) -> None:
    found = from_text(tmp_path, "input: [3, 8, 8]\nlayers:\n- conv: {out: 16, kernel: 3}\n")
    assert found.total.obstacle.startswith("There is no closed form: no parameter of this spec is an integer")
    (line,) = found.lines
    assert line.formula is not None
    assert (line.formula.symbols, line.formula.result) == ("16·3²·3", 16 * 3 * 3 * 3)
    assert found.total.closed.result == 16 * 3 * 3 * 3


def test_a_figure_without_symbols_in_it_says_so(tmp_path: Path) -> None:
    spec = "parameters: {channels: 4}\ninput: [channels, 8, 8]\nlayers:\n- global_avgpool\n- relu\n"
    assert from_text(tmp_path, spec).total.obstacle == "The figure is the same for all values of the symbols."


def test_a_sum_that_nobody_could_read_is_left_out(tmp_path: Path) -> None:
    names = [f"width_{letter}{other}" for letter in "abcdefg" for other in "abcdef"]  # 41 products of neighbours
    parameters = ", ".join(f"{name}: 2" for name in names)
    layers = "".join(f"- conv: {{out: {name}, kernel: 1}}\n" for name in names[1:])
    found = from_text(tmp_path, f"parameters: {{{parameters}}}\ninput: [{names[0]}, 8, 8]\nlayers:\n{layers}")
    assert found.total.obstacle == "There is no closed form to read: the sum has 41 different terms."
    assert (found.total.closed.symbols, found.total.closed.result) == ("", 41 * 2 * 2)


def test_equal_layers_with_other_formulas_are_not_folded(tmp_path: Path) -> None:
    """All of them have 8·8 weights."""
    layers = "".join(
        f"- conv: {{out: {name}, kernel: 1}}\n" for name in ("channels", "channels", "channels", "other", "other")
    )
    found = from_text(tmp_path, f"parameters: {{channels: 8, other: 8}}\ninput: [channels, 8, 8]\nlayers:\n{layers}")
    assert [(line.name, line.folded, line.formula.symbols) for line in found.lines if line.formula] == [
        ("conv1–3", 3, "c²"),
        ("conv4", 1, "o·c"),
        ("conv5", 1, "o²"),
    ]


def test_a_float_to_the_left_does_not_lose_the_symbol(tmp_path: Path) -> None:
    spec = "parameters: {channels: 8, w: 1.5}\ninput: [channels, 8, 8]\nlayers:\n"
    found = from_text(tmp_path, spec + "- conv: {out: 'floor(0.5 * channels)', kernel: 1}\n")
    assert (found.total.closed.symbols, found.conditions) == ("c²/2", ("2 divides channels",))
    found = from_text(tmp_path, spec + "- conv: {out: floor(w * channels), kernel: 1}\n")
    assert (found.total.closed.symbols, found.conditions) == ("3·c²/2", ("2 divides channels",))


def test_what_a_loop_or_an_index_takes_stays_a_number(tmp_path: Path) -> None:
    spec = "parameters: {times: 2, place: 1, widths: [4, 8, 16]}\ninput: [3, 8, 8]\nlayers:\n"
    found = from_text(
        tmp_path, spec + "- repeat: {times: times, layers: [{conv: {out: 'times * widths[place]', kernel: 1}}]}\n"
    )
    assert found.symbols == ()
    assert found.total.closed.result == 3 * 16 + 16 * 16


def test_ten_thousand_equal_layers_are_one_line(tmp_path: Path) -> None:
    spec = "parameters: {c: 2}\ninput: [c, 4, 4]\nlayers:\n- repeat: {times: 10000, layers: [{conv: {out: c, kernel: 3}}]}\n"
    found = from_text(tmp_path, spec)
    assert [(line.name, line.folded, line.times) for line in found.lines] == [
        ("0–9999", 10000, 10000),
        ("conv", 1, 10000),
    ]
    assert found.total.closed.symbols == "90000·c²"


@pytest.mark.slow
def test_ten_thousand_different_layers_are_explained_within_their_time(tmp_path: Path) -> None:
    spec = "parameters: {c: 2, g: 1}\ninput: [c, 4, 4]\nlayers:\n"
    loop = "- repeat: {times: 10000, layers: [{conv: {out: c + i * g, kernel: 3}}]}\n"
    start = time.process_time()
    found = from_text(tmp_path, spec + loop)
    assert time.process_time() - start < 30
    assert len(found.lines) == 2 * 10000
    assert found.total.closed.numbers.startswith("90000·2² + ")


def test_an_unknown_figure_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no figure is named `mac`; did you mean `macs`"):
        explained("bottleneck", "mac")
