"""What the page of chapter 7 says of its stored results, in words, holds for the stored numbers."""

from statistics import fmean

import pytest

from genlib.corrupt import CORRUPTIONS
from genlib.table import Table, seed_means, stored, verdict
from genlib.words import MEASURES
from tools.figures.chapter_7 import COSTS, FAMILIES, frontier, point


@pytest.fixture(scope="module")
def found() -> dict:
    return stored("measures")


@pytest.fixture(scope="module")
def table() -> dict:
    return stored("table")


def mean(row: dict, measure: str = "frechet") -> float:
    return fmean(seed_means(row[measure]))


# --- measures on trial -----------------------------------------------------------------------------------------


def blind(found: dict, measure: str) -> set[str]:
    """The faults that a measure never notices."""
    return {name for name in CORRUPTIONS if found["matrix"][name][measure]["smallest"] is None}


def test_every_column_but_recall_has_empty_cells_and_no_row_is_empty(found):
    assert {m for m in MEASURES if not blind(found, m)} == {"recall"}
    late = [found["matrix"][name]["recall"]["smallest"] == 1 for name in CORRUPTIONS]
    assert sum(late) == 6, "six of the nine at full dose only"
    for name in CORRUPTIONS:
        assert sum(found["matrix"][name][m]["smallest"] is not None for m in MEASURES) >= 2


def test_precision_is_blind_to_the_faults_whose_samples_are_fine_digits(found):
    assert blind(found, "precision") == {"two_dropped", "one_class", "copied"}
    assert "copied" in blind(found, "frechet") and "one_class" in blind(found, "log_prob")


def test_the_cells_that_are_worth_a_second_look(found):
    matrix, doses = found["matrix"], found["doses"]
    tenth, half = doses.index(0.1), doses.index(0.5)
    assert matrix["static"]["frechet"]["worse"][tenth] <= 0.6
    assert matrix["static"]["recall"]["worse"][half] < 0.3
    assert matrix["static"]["log_prob"]["smallest"] == 0.02
    assert max(matrix["copied"]["two_sample"]["mean"]) < 0.6, "hardly better than by chance"


def test_the_better_model_with_few_samples_looks_worse(found):
    bias = found["bias"]
    assert bias["mixture"]["of_many"] < bias["full_gaussian"]["of_many"]
    assert bias["sizes"][0] == 100 and bias["sizes"][5] == 5000
    assert bias["mixture"]["mean"][0] > bias["full_gaussian"]["mean"][5]
    pools = bias["mixture"]["pools"]["1000"]
    assert pools["at_infinity_off"] > 0.9 * pools["plain_off"], "no gain with 1,000 samples"


def test_the_line_foretells_the_distance_of_more_images(found):
    real = found["bias_mnist"]["real"]
    assert found["bias_mnist"]["from"] == 2000 and found["bias_mnist"]["sizes"][4] == 10_000
    assert abs(real["line"] - real["mean"][4]) < 0.2 * (real["mean"][2] - real["mean"][4])


def test_likelihood_and_samples_disagree_both_ways(found):
    rows = found["likelihood"]
    assert rows["naive_bayes"]["log_p"] < rows["one_percent"]["log_p"] < rows["good"]["log_p"]
    assert rows["one_percent"]["frechet"] > rows["naive_bayes"]["frechet"]
    for needles in ("narrow_train", "narrow_val"):
        assert (
            rows[needles]["log_p"] < -10_000 and rows[needles]["frechet"] < rows["good"]["frechet"]
        )
    assert rows["narrow_train"]["nearest_ratio"] < 0.5 < rows["narrow_val"]["nearest_ratio"]


def test_noise_that_was_made_for_the_judge_fools_the_judge_alone(found):
    after, floor = found["fooled"]["after"], found["floor"]
    assert floor["frechet"]["low"] < after["frechet"] < floor["frechet"]["high"]
    assert floor["label_accuracy"]["low"] <= after["label_accuracy"]
    for pixels in ("nearest_ratio", "two_sample"):
        assert after[pixels] > floor[pixels]["high"]
    assert after["log_prob"] < floor["log_prob"]["low"]


# --- the table -------------------------------------------------------------------------------------------------


def test_every_row_is_in_one_family_of_the_figure(table):
    shown = [name for names, _, _ in FAMILIES.values() for name in names]
    assert sorted(shown) == sorted(table["rows"])


def test_no_row_is_ahead_in_everything(table):
    rows = table["rows"]
    first = {
        min(rows, key=lambda name: mean(rows[name])),
        max(rows, key=lambda name: mean(rows[name], "precision")),
        max(rows, key=lambda name: mean(rows[name], "recall")),
        *(min(rows, key=lambda name, cost=cost: mean(rows[name], cost)) for cost in COSTS),
    }
    assert len(first) > 1
    assert min(rows, key=lambda name: mean(rows[name])) == "ddpm_conditional"


def test_seeds_and_draws_are_what_the_page_says(table):
    counts = {name: len(row["frechet"]) for name, row in table["rows"].items()}
    assert {name for name, n in counts.items() if n == 3} == {"ddpm", "ddpm_guided"}
    assert set(counts.values()) == {3, 5}
    assert all(
        len(own) == table["draws"] for row in table["rows"].values() for own in row["frechet"]
    )


def test_the_lowest_mean_is_not_told_from_the_model_without_labels(table):
    said = Table(table["rows"], against="ddpm_conditional").verdicts()
    assert {name for name, word in said.items() if word == "same"} == {"ddpm", "ddim"}
    assert list(said.values()).count("worse") == len(said) - 3


def test_what_the_earlier_chapters_say_of_their_rows(table):
    rows = table["rows"]
    own = {name: row["frechet"] for name, row in rows.items()}
    assert verdict(own["gan"], own["vae_fitted_mixture"]) == "better"
    assert verdict(own["gan"], own["vae_fitted_mixture"], 5) == "same"
    assert (
        abs(mean(rows["gan"], "precision") - mean(rows["vae_fitted_mixture"], "precision")) < 0.01
    )
    assert 0 < mean(rows["gan"], "recall") - mean(rows["vae_fitted_mixture"], "recall") < 0.05
    assert verdict(own["ddim"], own["ddpm"]) == "same"
    assert verdict(own["ddim"], own["gan"], 6) == "better"
    assert all(
        mean(rows[name]) < mean(rows["gan"]) for name in ("ddpm", "ddim", "ddpm_conditional")
    )
    seconds = {name: mean(rows[name], "sample_s_per_1000") for name in ("ddpm", "ddim")}
    assert seconds["ddpm"] > mean(rows["ddpm"], "train_cpu_s")
    assert 15 < seconds["ddpm"] / seconds["ddim"] < 27


def test_a_density_on_codes_pays(table):
    rows = table["rows"]
    for plain, fitted in (
        ("vae", "vae_fitted_mixture"),
        ("ae_standard_normal", "ae_fitted_mixture"),
    ):
        assert verdict(rows[fitted]["frechet"], rows[plain]["frechet"], 14) == "better"


def test_the_gan_is_the_nearest_of_the_fast_rows(table):
    fast = {n: r for n, r in table["rows"].items() if mean(r, "sample_s_per_1000") < 1}
    assert min(fast, key=lambda name: mean(fast[name])) == "gan"
    points = {name: point(row, "sample_s_per_1000") for name, row in table["rows"].items()}
    assert points["gan"] in frontier(points)


def test_the_best_likelihood_does_not_belong_to_the_best_samples(table):
    rows = {name: row for name, row in table["rows"].items() if row.get("log_prob_test")}
    assert max(rows, key=lambda name: mean(rows[name], "log_prob_test")) == "vae"
    first = ("naive_bayes", "full_gaussian", "mixture", "kernel_density")
    assert sum(mean(rows[name]) < mean(rows["vae"]) for name in first) == 3


def test_what_few_calls_cost(table):
    rows = stored("few_steps")["rows"] | {"flow_50": table["rows"]["flow_50"]}
    for kind in ("ddim", "flow"):
        many, ten, two, one = (mean(rows[f"{kind}_{n}"]) for n in (50, 10, 2, 1))
        assert many < ten < 1.5 * many and 10 * many < two < one


def test_rows_are_compared_more_finely_than_with_perfection(table):
    assert len(table["floor_splits"]) == len(table["floor"]["frechet"]) == 9
    spread = max(table["floor_splits"]) - min(table["floor_splits"])
    assert spread > 2 * (max(table["floor"]["frechet"]) - min(table["floor"]["frechet"]))


def test_the_front_holds_what_no_other_point_beats():
    points = {"a": (1.0, 5.0), "b": (2.0, 6.0), "c": (3.0, 1.0), "d": (3.0, 2.0), "e": (9.0, 1.0)}
    assert frontier(points) == [(1.0, 5.0), (3.0, 1.0)]


@pytest.mark.parametrize("plane", ["grid", "ring"])
def test_the_race_in_the_plane(plane):
    row = stored("race")["races"][plane]["seed_0"]
    one, floor = row["contestants"], row["floor"]
    narrow, ours = one["tiny_diffusion_matched"], one["ours"]["end"]
    for measure, found in one["smalldiffusion"]["crossing"].items():
        assert found["within_half"], measure
    assert narrow["crossing"]["sliced_wasserstein"]["cpu_s"] is None, "not reached"
    gap = ours["sliced_wasserstein"] - narrow["end"]["sliced_wasserstein"]
    assert 0 < gap < row["range_over_seeds_of_ours"]
    assert narrow["end"]["mean_log_prob"] > floor["mean_log_prob"] + 0.3
    assert narrow["end"]["spread"] < 0.75 < ours["spread"] < floor["spread"]
