"""What every method has: one name, and options that come back from their record."""

import json

import jax
import pytest

from smfg_verify.stochastic.method import method_named, register
from tests.stochastic.baselines.test_contract import METHODS, every_method


@every_method
def test_options_come_back_from_their_json(name):
    method = method_named(name)
    built = method(**_arguments(name))
    again = method.from_options(json.loads(json.dumps(built.options())))
    assert again.options() == built.options()
    assert jax.tree.structure(again) == jax.tree.structure(built)


def _arguments(name):
    given = METHODS[name][1]
    weights = dict.fromkeys(("leader_weight", "mean_field_weight", "critic_step"), 0.5)
    filled = {"total-derivative": {"model_rounds": 2}, "fictitious-play": weights}
    return {**filled.get(name, {}), **given}


def test_a_name_is_given_once():
    class Impostor(method_named("adage")):
        pass

    with pytest.raises(ValueError, match=r"'adage' for .*Impostor.*belongs to .*\.Adage"):
        register(Impostor)
