"""Commands whose figures are drawn in the process that runs the test."""

import pytest


@pytest.fixture(autouse=True)
def figures_are_drawn_here(monkeypatch):
    """Another process takes two seconds to start, each time; that it draws the same is tested where it stands."""
    monkeypatch.setattr("smfg_verify.report.drawing_beside.processors", lambda: 1)
