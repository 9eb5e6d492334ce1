r"""Gradient alignment proved or refuted for every leader of bounded log-ratios, by branch and bound.

For leaders with at most six free logits, in games whose functions are affine in the mean field by proof, or curved in
it. Over each box an equilibrium of every leader is proved to exist by
Krawczyk's operator, and $\langle g, p \rangle$, $g = \nabla\Phi$ and p its direct part, is enclosed; boxes of no
certain sign are halved. The set of leaders that is covered, and how, stands in `box_cover`.
"""

import math

import numpy as np

from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame, out_of_reach
from smfg_verify.assumptions.enclosure.leader.boxes import FREE_OF_FORMS, enclose_leaders
from smfg_verify.assumptions.enclosure.leader.local import tables_for_leaders
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable
from smfg_verify.assumptions.gradient_alignment.box_cover import LOG_RATIO, NEGLIGIBLE, Cover, charts_of, cover_leaders
from smfg_verify.assumptions.gradient_alignment.measures import alignment_measures
from smfg_verify.assumptions.gradient_alignment.witness import PROPERTY
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.errors import InputError
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.records.entries import Entries

STATEMENT = "certified-box"


def certified_box_finding(game: AbstractGame, settings: SearchSettings) -> Finding:
    r"""Whether $\langle g, p \rangle > 0$ is proved for every leader with log-ratios of at most 12, or disproved.

    That is $\phi(b|o) \le e^{12} \phi(b'|o)$ for all actions b, b' and observations o: what logits in [-6, 6] can
    express. Refuted where it is proved negative for all leaders of some box. Certified where every box is proved
    positive, save boxes where both gradients are proved negligible. Otherwise inconclusive with the bound reached.

    Args:
        game: the game, traced.
        settings: `num_boxes` bounds the work, and `time_limit` where one is given.

    Returns:
        The finding.
    """
    if obstacle := out_of_reach(game, FREE_OF_FORMS):
        return not_applicable(PROPERTY, STATEMENT, **obstacle)
    tables, reason = tables_for_leaders(game)
    if tables is None:
        return not_applicable(PROPERTY, STATEMENT, why="no-tables", reason=reason)
    try:
        cover = cover_leaders(tables, num_boxes=settings.num_boxes, time_limit=settings.time_limit)
    except NoEnclosure:
        return not_applicable(PROPERTY, STATEMENT, why="no-enclosure")
    finding = (_refuted(game, cover) if np.any(cover.sign < 0) else None) or _bounded(game, cover)
    return cut_short(finding, {"cover"} if cover.cut else (), "cover")


def _refuted(game: AbstractGame, cover: Cover) -> Finding | None:
    """The box with the most negative bound, if the gradients in its middle say the same."""
    index = int(np.argmin(np.where(cover.sign < 0, cover.boxes.inner_high, np.inf)))
    middle = cover.logits(0.5 * (cover.boxes.lower + cover.boxes.upper))[index]
    witness = {"logits": middle, "mean_field": cover.boxes.field[index].reshape(mean_field_shape(game))}
    constant = recompute_certified_box(game, witness)
    if not constant < 0.0:
        return None
    return _finding(cover, Verdict.REFUTED, constant, Side.UPPER, witness)


def _bounded(game: AbstractGame, cover: Cover) -> Finding:
    """Certified or inconclusive, with the lowest bound of <g, p> over the boxes; its witness is that box."""
    settled = (cover.sign > 0) | cover.negligible
    witness: dict[str, object] = {}
    constant = float("nan")
    if np.all(cover.boxes.verified):
        index = int(np.argmin(cover.boxes.inner_low))
        box = cover.boxes.at(index)
        witness = {
            "box_lower": cover.logits(cover.boxes.lower)[index],
            "box_upper": cover.logits(cover.boxes.upper)[index],
            "top_actions": cover.charts.order[box.chart, :, -1],
            "mean_field": box.field.reshape(mean_field_shape(game)),
            "value": box.value,
        }
        constant = recompute_certified_box(game, witness)
    certified = bool(np.all(settled)) and math.isfinite(constant)
    verdict = Verdict.CERTIFIED if certified else Verdict.INCONCLUSIVE
    return _finding(cover, verdict, constant, Side.LOWER, witness)


def _finding(cover: Cover, verdict: Verdict, constant: float, side: Side, witness: Entries) -> Finding:
    shares = {
        "positive_share": float(cover.share(cover.sign > 0)),
        "negative_share": float(cover.share(cover.sign < 0)),
        "unverified_share": float(cover.share(~cover.boxes.verified)),
    }
    return Finding(
        property=PROPERTY,
        statement=STATEMENT,
        verdict=verdict,
        constant=constant,
        side=side,
        evidence=Evidence.PROOF,
        facts={
            **shares,
            "all_positive": bool(np.all(cover.sign > 0)),
            "log_ratio": float(LOG_RATIO),
            "negligible": float(NEGLIGIBLE),
        },
        witness=witness,
        searched={
            "boxes": cover.number,
            "boxes_left": len(cover.boxes.size),
            "boxes_unverified": int(np.sum(~cover.boxes.verified)),
        },
        details={
            "log_ratio": LOG_RATIO,
            "positive_share": shares["positive_share"],
            "negative_share": shares["negative_share"],
            "negligible_share": cover.share((cover.sign == 0) & cover.negligible),
            "unverified_share": shares["unverified_share"],
            "search_curve": cover.curve,
            "box_lower": cover.logits(cover.boxes.lower),
            "box_upper": cover.logits(cover.boxes.upper),
            "sign": cover.sign,
        },
    )


def recompute_certified_box(game: AbstractGame, witness: Entries) -> float:
    """The constant from the witness alone: the cosine at a leader, or the certified bound of <g, p> over a box.

    Raises:
        ValueError: the witness is about another game.
    """
    game, shape = checked(game), leader_logits_shape(game)
    table = witness.get("logits", witness.get("box_lower"))
    if np.shape(table) != shape:
        raise InputError(
            f"witness: got logits of shape {np.shape(table)}, expected {shape}; likely cause: the finding is about "
            "another game."
        )
    if "logits" in witness:
        points = evaluate_leaders(game, witness["logits"][None], witness["mean_field"][None])
        return float(alignment_measures(points).cosine[0])
    tables, reason = tables_for_leaders(game)
    if tables is None:
        raise InputError(
            f"witness: got a box of leaders, expected a game with enclosures of its functions, but {reason}; likely "
            "cause: the finding is about another game."
        )
    return _bound_over(tables, witness)


def _bound_over(game: AffineGame, witness: Entries) -> float:
    charts = charts_of(game)
    chart = charts.with_tops(np.asarray(witness["top_actions"]))
    ends = (charts.free(chart, np.asarray(witness[name], dtype=float)) for name in ("box_lower", "box_upper"))
    guess = (np.asarray(witness[name], dtype=float).ravel() for name in ("mean_field", "value"))
    lower, upper, field, value = (part[None] for part in (*ends, *guess))
    found = enclose_leaders(charts.games[chart], lower, upper, field, value)
    return float(found.inner.lower[0])
