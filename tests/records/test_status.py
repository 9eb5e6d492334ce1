"""Every status of the package has one label a member, and is found by it."""

import pytest

import smfg_verify.bounds
import smfg_verify.exact
import smfg_verify.game.checks.differences  # noqa: F401
from smfg_verify.records.status import NamedStatus

STATUSES = [kind for kind in NamedStatus.__subclasses__() if kind.__module__.startswith("smfg_verify")]


@pytest.mark.parametrize("kind", STATUSES, ids=lambda kind: kind.__name__)
def test_a_label_names_one_member_and_is_words(kind):
    labels = [member.label for member in kind]
    assert len(set(labels)) == len(labels) > 1
    for member, label in zip(kind, labels, strict=True):
        assert kind.labelled(label) is member
        assert label == label.lower()
        assert "_" not in label
    with pytest.raises(ValueError, match=f"{kind.__name__}: got 'nothing of it'.*{labels[-1]}"):
        kind.labelled("nothing of it")


def test_all_of_them_are_looked_at():
    names = {kind.__name__ for kind in STATUSES}
    assert {"PointStatus", "ChangeStatus", "PlanStatus", "SlopeStatus", "EquilibriumMethod"} <= names
