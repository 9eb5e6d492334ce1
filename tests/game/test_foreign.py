"""The mark of a table that was read from foreign code goes wherever the table goes; what a disagreement says."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.game import TabularGame
from smfg_verify.game.foreign import SourceGap, field_text, sampled_table, untraced_functions
from tests.exact.cases import pair

TABLE, FIELD = jnp.array([0.25, 0.75]), jnp.array([0.5, 0.5])


def test_a_marked_table_is_the_table_with_its_slopes_under_every_transformation():
    def weighted(scale):
        return jnp.sum(sampled_table(scale * TABLE, FIELD) * jnp.array([1.0, 2.0]))

    assert float(jax.jit(weighted)(1.0)) == 1.75
    assert float(jax.grad(weighted)(1.0)) == float(jax.jvp(weighted, (1.0,), (1.0,))[1]) == 1.75
    np.testing.assert_array_equal(jax.vmap(weighted)(jnp.array([1.0, 2.0])), [1.75, 3.5])


class Read(TabularGame):
    """The leader's reward comes from elsewhere, behind two programs."""

    def leader_reward(self, s, a, b, m):
        return jax.jit(jax.vmap(lambda x: sampled_table(x, m)))(super().leader_reward(s, a, b, m)[None])[0]


def test_the_mark_is_found_inside_inner_programs():
    game, _, _ = pair(0)
    assert untraced_functions(game) == ()
    read = Read(**{field.name: getattr(game, field.name) for field in dataclasses.fields(game)})
    assert untraced_functions(read) == ("leader_reward",)


def gaps(excess, reward):
    number = len(excess)
    return SourceGap(
        excess=jnp.array(excess),
        reward=jnp.full(number, reward),
        row=jnp.arange(3 * number).reshape(number, 3),
        of_game=jnp.arange(number) + 0.5,
        of_source=jnp.arange(number) + 0.25,
        mean_field=jnp.full((number, 2), 0.5),
    )


@pytest.mark.parametrize(("excess", "worst"), [([0.5, 3.0, 9.0], 2), ([0.5, np.nan, 9.0], 1), ([1.5, 0.0, 1.0], 0)])
def test_the_worst_of_a_batch_is_told_and_a_gap_that_is_no_number_is_the_worst(excess, worst):
    said = rf"environment.prob: says {worst}.25 at \(state, action\) = \({3 * worst}, {3 * worst + 1}\), next state "
    with pytest.raises(ValueError, match=said):
        gaps(excess, False).require_agreement()
    with pytest.raises(ValueError, match=r"environment.reward: says \S+ at \(state, action\) = \(\d, \d\), mean field"):
        gaps(excess, True).require_agreement()
    gaps([0.0, 1.0, 0.5], True).require_agreement()


def test_of_a_long_mean_field_the_largest_entries_are_shown_and_the_rest_is_bounded():
    field = np.full(20, 0.02)
    field[[3, 17]] = 0.5, 0.14
    text = field_text(field)
    assert "3: 0.5" in text
    assert "17: 0.14" in text
    assert text.endswith("the other 14 at most 0.02}")
