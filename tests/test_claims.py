"""Claims: how they are written, what they compute, and what of them is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cnnx.analysis.claims.claims import ClaimCheck, check_claims
from cnnx.errors import SpecError, UsageError
from cnnx.spec.claim_files import find_claims, parse_claims, read_claims
from cnnx.spec.claims import VERDICTS, read_known
from cnnx.spec.folders import built_in_folder
from cnnx.spec.library import Library
from cnnx.spec.yaml_reader import Source

SPEC = """
input: [8, 6, 6]
layers:
  - conv: {out: 16, kernel: 3, bias: true, norm: batchnorm}
    name: first
  - add:
      one: {conv: {out: 16, kernel: 1}}
      other: []
    name: join
"""
HEAD = "source: {paper: On Claims, year: 2020}\nclaims:\n  one:\n    claim: It is so.\n    where: table 1\n"
FIGURE = "    figures:\n      a: {figure: params, of: mine}\n"
PARAMS = 8 * 3 * 3 * 16 + 16 + 2 * 16 + 16 * 16


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "mine.yaml").write_text(SPEC, encoding="utf-8")
    return Library([tmp_path])


def check(library: Library, text: str) -> ClaimCheck:
    file = parse_claims(Source("claims.yaml", HEAD + text), "claims")
    (found,) = check_claims(find_claims_of(file), library)
    return found


def find_claims_of(file: Any) -> Any:
    from cnnx.spec.claim_files import NamedClaim

    return [NamedClaim(name, file, claim) for name, claim in file.body.claims.items()]


def figure(library: Library, written: str) -> int:
    rows = f"    figures:\n      a: {{{written}}}\n    computed: [{{compute: a, value: 0}}]\n    verdict: holds\n"
    (found,) = check(library, rows).figures
    return found.value


def refused(library: Library, text: str) -> str:
    with pytest.raises(SpecError) as raised:
        check(library, text)
    return str(raised.value)


@pytest.mark.parametrize(
    ("written", "matching", "equal", "other"),
    [
        (8, 8, 8, 9),
        (8.47, 8.470588, 8.47, 8.48),
        ("8.50", 8.504, 8.5, 8.51),
        ("138M", 138357544, 138000000, 139000000),
        ("1.8G", 1814073344, 1800000000, 1900000000),
        (True, True, True, False),
        ([2, 4.5], [2, 4.46], [2, 4.5], [2, 4.4]),
    ],
)
def test_a_value_is_known_to_its_last_digit(written: Any, matching: Any, equal: Any, other: Any) -> None:
    known = read_known(written)
    assert known.matches(matching)
    assert known.equals(equal)
    assert not known.matches(other)
    assert not known.matches([other])


def test_a_number_is_neither_a_truth_nor_a_list() -> None:
    assert not read_known(1).matches(True)
    assert not read_known(True).matches(1)
    assert not read_known(4).matches([4, 4])


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("figure: params, of: mine", PARAMS),
        ("figure: buffers, of: mine", 2 * 16),
        ("figure: macs, of: mine", (8 * 3 * 3 * 16 + 16 * 16) * 6 * 6),
        ("figure: macs, of: mine, input: [8, 4, 4]", (8 * 3 * 3 * 16 + 16 * 16) * 4 * 4),
        ("figure: activation_elements, of: mine", 4 * 16 * 6 * 6),
        ("figure: memory_access_elements, of: mine, at: join.one", 2 * 16 * 6 * 6 + 16 * 16),
        ("figure: params, of: mine, at: first", 8 * 3 * 3 * 16 + 16),
        ("figure: params, of: mine, at: first*", 8 * 3 * 3 * 16 + 16 + 2 * 16),
        ("figure: channels, of: mine", 16),
        ("figure: height, of: mine, at: first", 6),
        ("figure: width, of: mine, input: [8, 6, 4]", 4),
        ("figure: receptive_field, of: mine", 3),
        ("figure: nodes, of: mine", 4),
        ("figure: paths, of: mine", 2),
        ("figure: paths, of: mine, at: first", 1),
    ],
)
def test_a_figure_is_one_number_of_one_spec(library: Library, written: str, value: int) -> None:
    assert figure(library, written) == value


def test_a_chain_of_dilated_convolutions_covers_positions() -> None:
    chain = "figure: covered, of: hdc, with: {rates: [2, 3, 5]}"
    assert figure(Library([built_in_folder()]), chain) == 19


def test_values_are_computed_over_the_figures_and_shown_with_their_working(library: Library) -> None:
    rows = (
        "    computed:\n"
        f"      - {{what: weights, compute: a, working: 8·3·3·16 + 16 + 2·16 + 16·16, value: {PARAMS}, stated: 1.5K}}\n"
        "      - {compute: a / 2**2, value: 364}\n"
        "    verdict: holds rounded\n    finding: Nearly so.\n"
    )
    found = check(library, FIGURE + rows)
    first, second = found.values
    assert (first.expression, first.working, first.value) == ("a", "8·3·3·16 + 16 + 2·16 + 16·16", PARAMS)
    assert (first.stated, first.agreement) == ("1.5K", "rounded")
    assert (second.working, second.value, second.agreement) == (f"{PARAMS} / 2**2", 364, None)
    assert (found.verdict, found.finding, found.instead, found.differing) == ("holds rounded", "Nearly so.", "", ())
    assert (found.source, found.where) == ("On Claims, 2020", "table 1")


@pytest.mark.parametrize(
    "row", [f"{{compute: a, value: {PARAMS + 1}}}", f"{{compute: a, working: 2·3, value: {PARAMS}}}"]
)
def test_a_value_that_is_not_what_was_recorded_differs_whatever_the_verdict(library: Library, row: str) -> None:
    found = check(library, f"{FIGURE}    computed: [{row}]\n    verdict: holds\n")
    assert found.differing == found.values


@pytest.mark.parametrize(
    ("stated", "verdict", "founded"),
    [
        (f"stated: {PARAMS}", "holds rounded", "holds"),
        ("stated: 1.5K", "holds", "holds rounded"),
        ("stated: 2K", "holds rounded", "does not hold"),
    ],
)
def test_a_verdict_that_the_values_speak_against_is_refused(
    library: Library, stated: str, verdict: str, founded: str
) -> None:
    text = f"{FIGURE}    computed: [{{compute: a, value: {PARAMS}, {stated}}}]\n    verdict: {verdict}\n"
    told = refused(library, text)
    assert told.startswith(f"claims.yaml:9:14: the verdict is `{verdict}`, but the values say `{founded}`: ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("    verdict: holds\n", "claims.yaml:6:14: a claim that is `not a cost` computes nothing"),
        (
            "    verdict: perhaps\n",
            "claims.yaml:6:14: verdict: input should be 'holds', 'holds rounded', 'does not hold'",
        ),
        (
            "    computed: [{compute: 1, value: 1}]\n    verdict: does not hold\n",
            "claims.yaml:7:14: where a claim `does not hold`, and only there, `instead` says what does",
        ),
        ("    verdikt: holds\n", "claims.yaml:6:5: unknown key `verdikt`; did you mean `verdict`?"),
        ("    computed: [{compute: b, value: 1}]\n    verdict: holds\n", "claims.yaml:6:26: no figure is named `b`"),
        (
            FIGURE + "    computed: [{compute: a, value: 1, working: a}]\n    verdict: holds\n",
            "claims.yaml:8:48: a working has numbers only, not `a`",
        ),
        (
            FIGURE + "    computed: [{compute: 1, value: 1}]\n    verdict: holds\n",
            "claims.yaml:7:7: nothing is computed from the figure `a`",
        ),
        (
            "    figures: {a: {figure: param, of: mine}}\n    verdict: not a cost\n",
            "claims.yaml:6:27: figure: input should be 'params'",
        ),
        (
            "    figures: {in_a: {figure: params, of: mine}}\n    verdict: not a cost\n",
            "claims.yaml:6:15: `in_a` cannot name a figure",
        ),
        (
            "    computed: [{compute: 1, value: some}]\n    verdict: holds\n",
            "claims.yaml:6:36: value: `some` is not a figure",
        ),
        ("    computed: [{value: 1}]\n    verdict: holds\n", "claims.yaml:6:16: the key `compute` is missing"),
    ],
)
def test_a_mistake_is_told_at_its_place(library: Library, text: str, told: str) -> None:
    message = refused(library, text).replace("\n", "; ")
    place, _, reason = told.partition("; ")
    assert message.startswith(place)
    assert reason in message


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("figure: params, of: mien", "claims.yaml:7:10: no spec is named `mien`"),
        ("figure: params, of: mine, with: {r: 2}", "claims.yaml:7:10: `mine` has no parameter `r`"),
        ("figure: params, of: mine, at: last", "claims.yaml:7:10: no node is named `last`"),
        ("figure: covered, of: mine", "claims.yaml:7:10: only a chain of dilated convolutions"),
    ],
)
def test_a_figure_that_cannot_be_had_is_told_at_its_place(library: Library, written: str, told: str) -> None:
    rows = f"    figures:\n      a: {{{written}}}\n    computed: [{{compute: a, value: 0}}]\n    verdict: holds\n"
    assert refused(library, rows).startswith(told)


def test_a_source_has_a_name() -> None:
    with pytest.raises(SpecError, match=r"claims\.yaml:1:9: a source has a `paper` or a `title`"):
        parse_claims(
            Source("claims.yaml", HEAD.replace("paper: On Claims, ", "") + "    verdict: not a cost\n"), "claims"
        )


def write_claims(folder: Path, file: str, *names: str) -> None:
    (folder / "claims").mkdir(exist_ok=True)
    claims = "".join(f"  {name}: {{claim: It is so., where: here, verdict: not a cost}}\n" for name in names)
    (folder / "claims" / f"{file}.yaml").write_text(
        f"source: {{paper: On {file}}}\nclaims:\n{claims}", encoding="utf-8"
    )


def test_claims_are_found_by_name_by_file_and_by_path(tmp_path: Path) -> None:
    write_claims(tmp_path, "papers", "first", "second")
    write_claims(tmp_path, "articles", "third")
    shelf = find_claims([tmp_path])
    assert [each.name for each in shelf.choose([])] == ["third", "first", "second"]
    assert [each.name for each in shelf.choose(["second", "second", "third"])] == ["second", "third"]
    assert [each.name for each in shelf.choose(["papers"])] == ["first", "second"]
    path = str(tmp_path / "claims" / "papers.yaml")
    assert [each.name for each in find_claims([]).choose([path])] == ["first", "second"]
    with pytest.raises(UsageError, match="no claim is named `secund`; did you mean `second`"):
        shelf.choose(["secund"])


def test_a_nearer_file_or_claim_hides_a_further_one(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    for folder in (near, far):
        folder.mkdir()
    write_claims(near, "papers", "mine")
    write_claims(far, "papers", "hidden")
    write_claims(far, "articles", "mine", "other")
    found = [(each.file.name, each.name) for each in find_claims([near, far]).claims]
    assert found == [("papers", "mine"), ("articles", "other")]


def test_a_broken_file_hinders_no_other(tmp_path: Path) -> None:
    write_claims(tmp_path, "papers", "mine")
    (tmp_path / "claims" / "broken.yaml").write_text("source: {", encoding="utf-8")
    shelf = find_claims([tmp_path])
    assert [each.name for each in shelf.claims] == ["mine"]
    assert [Path(problem.file).name for problem in shelf.problems] == ["broken.yaml"]


def test_claims_are_no_specs(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SPEC, encoding="utf-8")
    write_claims(tmp_path, "papers", "first")
    library = Library([tmp_path])
    assert (library.names(), library.problems()) == (["mine"], [])
    assert not library.has("papers")


def test_a_folder_in_a_path_that_is_called_claims_hides_no_specs(tmp_path: Path) -> None:
    """Only what stands in such a folder beneath the one that is searched is left out."""
    folder = tmp_path / "claims"
    folder.mkdir()
    (folder / "mine.yaml").write_text(SPEC, encoding="utf-8")
    assert Library([folder]).names() == ["mine"]


BUILT_IN = sorted((built_in_folder() / "claims").glob("*.yaml"))


@pytest.fixture(scope="module")
def checks() -> dict[str, ClaimCheck]:
    shelf = find_claims([built_in_folder()])
    assert shelf.problems == ()
    return {found.name: found for found in check_claims(shelf.claims, Library([built_in_folder()]))}


def test_every_value_of_ours_is_what_was_recorded(checks: dict[str, ClaimCheck]) -> None:
    assert [name for name, found in checks.items() if found.differing] == []
    assert {found.verdict for found in checks.values()} == set(VERDICTS)


def test_no_claim_is_made_twice() -> None:
    names = [name for path in BUILT_IN for name in read_claims(path).body.claims]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("path", BUILT_IN, ids=lambda path: path.stem)
def test_a_file_of_claims_is_written_in_sentences_of_some_width(path: Path) -> None:
    for claim in read_claims(path).body.claims.values():
        for sentence in (claim.claim, claim.finding, claim.instead):
            assert sentence is None or (sentence[0].upper() == sentence[0] and sentence.endswith("."))
    assert max(map(len, path.read_text("utf-8").splitlines())) <= 130


@pytest.mark.parametrize(
    ("name", "verdict", "last"),
    [
        ("bottleneck_ninth", "holds rounded", (256 * 3 * 3 * 256) / (256 * 64 + 64 * 3 * 3 * 64 + 64 * 256)),
        ("bottleneck_tenth", "does not hold", (256 * 3 * 3 * 256) / (256 * 64 + 64 * 3 * 3 * 64 + 64 * 256)),
        ("two_3x3_for_a_5x5", "does not hold", 25 / (9 + 9)),
        ("separable_sixth", "holds rounded", ((3 * 3 * 3 + 1) * 64) / (3 * 3 * 3 + (3 + 1) * 64)),
        ("separable_ninth", "holds rounded", 1 / (1 / 9 + 1 / 256)),
        ("se_is_cheap", "holds", 100 * (3860488192 - 3857973248) / 3857973248),
        ("resnext_as_large_as_resnet", "holds rounded", 70144 / 69632),
        ("dense_block_adds_128", "holds", 4 * 32),
        ("googlenet_channel_sums", "holds", 384 + 384 + 128 + 128),
        ("concat_is_free", "holds", [0, 0, 0]),
        ("small_kernels_for_one_5x5", "holds", 3 * 3 * 2),
        ("auxiliary_heads", "does not hold", 528),
        ("mac_is_multiply_adds", "does not hold", 56 * 56 * (256 + 64) + 256 * 64),
        ("shuffle_is_random", "does not hold", [0, 3, 1, 4, 2, 5]),
        ("shuffle_example", "does not hold", (2 // 2 + 4 // 2) % 2),
        ("the_same_300", "does not hold", 300 - 3 + 1),
        ("residual_ensemble", "holds", 2**3),
        ("rule_of_the_largest_gap", "does not hold", 19),
        ("as_many_paths_as_channels", "does not hold", 256 * 256 + 256 * 3 * 3 + 256 * 256),
        ("separable_16_to_32", "holds", 16 * 3 * 3 * 1 + 32 * 1 * 1 * 16),
        ("googlenet_ratios", "holds", [4, 6, 3, 2]),
        ("googlenet_reductions", "holds", [256 / 128, 256 / 32]),
        ("residual_takes_a_stride", "does not hold", [56 // 2 // 2, 56]),
        ("depthwise_27_by_slim", "does not hold", 3 * 3 * 3 + 3),
    ],
)
def test_what_the_articles_claim(checks: dict[str, ClaimCheck], name: str, verdict: str, last: Any) -> None:
    found = checks[name]
    assert found.verdict == verdict
    assert found.values[-1].value == pytest.approx(last)


def test_an_accuracy_is_not_a_cost(checks: dict[str, ClaimCheck]) -> None:
    assert (checks["amoebanet_top5"].verdict, checks["amoebanet_top5"].values) == ("not a cost", ())
