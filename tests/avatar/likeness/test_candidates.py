"""Choosing the best of several candidates."""

import math

import pytest

from avatar.drawing.shown_traits import shown_traits
from avatar.likeness.candidates import LEAST_SHARE, asked_traits, compare_traits
from avatar.likeness.figures import draw_up_figure
from avatar.person.features import AppearanceTrait, Features


def test_only_what_is_named_is_asked_and_skin_may_be_one_step_off() -> None:
    looks = {"skin_tone": AppearanceTrait("light", 0.9, "measured", monk=3), "glasses": AppearanceTrait("none", 0.9)}
    figure = draw_up_figure(Features("Ada", "", "", appearance=looks), "a grey hoodie", 1)
    asked = asked_traits(figure)
    assert asked["skin_tone"] == {"2", "3", "4"} and asked["glasses"] == {"none"}
    assert "facial_hair" not in asked and "facial_hair" in shown_traits(figure.looks)
    assert asked_traits(draw_up_figure(Features("Ada", "", ""), "a hoodie", 1)) == {}


def test_the_candidate_that_shows_more_scores_higher_and_what_is_wrong_is_named() -> None:
    asked = {"glasses": {"none"}, "hair_length": {"short", "medium"}}
    right = {"glasses": {"none": 0.9, "spectacles": 0.1}, "hair_length": {"short": 0.4, "medium": 0.4, "long": 0.2}}
    wrong = right | {"glasses": {"none": 0.0, "spectacles": 1.0}}
    good, bad = compare_traits(asked, right), compare_traits(asked, wrong)
    assert good.wrong == {} and bad.wrong == {"glasses": "spectacles"}
    assert good.score == pytest.approx((math.log(0.9) + math.log(0.8)) / 2)
    assert bad.score == pytest.approx((math.log(LEAST_SHARE) + math.log(0.8)) / 2)
