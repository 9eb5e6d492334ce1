"""The bound's figure: every line and bar is the record's, and what is trivial or has no number is said."""

import functools

import numpy as np

from smfg_verify.report.theorem.figure import bound_figure
from tests.report.figures.records.theorem import LOSSES, beside
from tests.support.drawn import lines


@functools.cache
def shown():
    return panels(beside())


def panels(found, width="two"):
    figure = bound_figure(found, game="independent-leader", width=width)
    return {axes.get_title(loc="left").split("\n")[0][4:]: axes for axes in figure.axes}, figure


def test_bound_mean_and_trivial_bound_are_the_records():
    found, (by_name, _) = beside(), shown()
    for words, name in (("Mean field", "e_mu"), ("Follower's critic", "e_Vf"), ("Leader's critic", "e_Vl")):
        drawn = lines(by_name[words])
        np.testing.assert_array_equal(drawn["proved bound"].get_ydata(), found.curve.tracking[name])
        np.testing.assert_array_equal(drawn["proved bound"].get_xdata(), found.curve.iterations + 1)
        np.testing.assert_array_equal(drawn["mean of seeds"].get_ydata(), found.measured[name])
        np.testing.assert_array_equal(drawn["trivial bound"].get_ydata(), [found.curve.trivial[name]] * 2)


def test_the_leaders_bound_begins_where_it_is_finite_and_stands_over_the_running_minimum():
    found, (by_name, _) = beside(), shown()
    drawn = lines(by_name["Leader's gradient"])
    expected = np.where(np.isfinite(found.curve.leader), found.curve.leader, np.nan)
    np.testing.assert_array_equal(drawn["proved bound"].get_ydata(), expected)
    least = np.minimum.accumulate(found.measured["e_omega"])
    np.testing.assert_array_equal(drawn["its running minimum"].get_ydata(), least)


def test_titles_say_what_is_trivial_and_the_factor_at_the_end():
    by_name, _ = shown()
    titles = {name: " ".join(axes.get_title(loc="left").split()) for name, axes in by_name.items()}
    assert titles["Mean field"].endswith("50 times the mean, trivial")
    assert titles["Follower's critic"].endswith("50 times the mean")
    # The bound of k is of the iterates before k, so the last checkpoint's mean has no part in it.
    assert titles["Leader's gradient"].endswith("20 times the mean")


def test_bars_are_the_finite_factors_in_order_and_the_others_are_named():
    _, figure = panels(beside(), "one")
    bars = [bar.get_x() + bar.get_width() for bar in figure.axes[-1].patches]
    np.testing.assert_allclose(bars, sorted(loss.factor for loss in LOSSES[:3]), rtol=1e-15)
    assert "without a finite factor: $C^2$." in " ".join(figure.get_supxlabel().split())


def test_no_seed_with_numbers_leaves_the_bound_alone():
    by_name, _ = panels(beside(measured={}, num_measured=0))
    assert "mean of seeds" not in lines(by_name["Mean field"])
    assert "no mean, trivial" in by_name["Mean field"].get_title(loc="left")
