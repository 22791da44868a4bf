"""A plan says of each speed that was wanted whether it is met, and what would meet it if not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stoker.core.estimate import Interval
from stoker.core.needs import Needs, Quality
from stoker.core.proposal import Alternative, ChangeKind, Met, Proposal
from stoker.core.speed import Occasion, Speed, SpeedSource
from stoker.planning.defaults import Wishes
from stoker.planning.proposal.choosing import Asked
from stoker.planning.proposal.targets import met_of, targets_of
from support.planning import ENTRIES, answer, ask

FAST = Speed(
    Occasion(prompt_tokens=1000, streams=4),
    SpeedSource.MEASURED,
    ttft_s=Interval(1.0, 1.5, 2.0),
    decode_tok_s=Interval(20, 25, 30),
    stream_tok_s=Interval(8, 9, 10),
)


def met(speed: Speed = FAST, wishes: Wishes | None = None, **needs: Any) -> dict[str, Met]:
    asked = Asked(wishes or Wishes(), Needs(**needs))
    return {one.name: one.met for one in targets_of(asked, speed)}


@pytest.mark.parametrize(
    ("needs", "wanted"),
    [
        ({"ttft_s_max": 2.0}, {"ttft_s_max": Met.YES}),
        ({"ttft_s_max": 1.2}, {"ttft_s_max": Met.UNCLEAR}),
        ({"ttft_s_max": 0.9}, {"ttft_s_max": Met.NO}),
        ({"tok_s_min": 20.0}, {"tok_s_min": Met.YES}),
        ({"tok_s_min": 25.0}, {"tok_s_min": Met.UNCLEAR}),
        ({"tok_s_min": 31.0, "ttft_s_max": 2.0}, {"tok_s_min": Met.NO, "ttft_s_max": Met.YES}),
        ({"requests_per_day": 9.0}, {}),
    ],
)
def test_whether_a_speed_is_what_was_wanted(needs: dict[str, Any], wanted: dict[str, Met]) -> None:
    assert met(**needs) == wanted


def test_of_several_answers_at_a_time_each_must_be_fast_enough() -> None:
    assert met(concurrency=4, tok_s_min=10.0) == {"tok_s_min": Met.UNCLEAR}
    assert met(wishes=Wishes(slots=4), tok_s_min=11.0) == {"tok_s_min": Met.NO}
    assert met(tok_s_min=11.0) == {"tok_s_min": Met.YES}


def test_a_speed_that_nobody_knows_is_not_met_and_not_missed() -> None:
    blank = replace(FAST, ttft_s=None)
    assert met(blank, ttft_s_max=9.0) == {"ttft_s_max": Met.UNKNOWN}
    (target,) = targets_of(Asked(Wishes(), Needs(ttft_s_max=9.0)), blank)
    assert target.expected is None
    assert "no speed is known" in target.say


def test_the_worst_target_counts() -> None:
    assert met_of(()) is Met.YES
    targets = targets_of(Asked(Wishes(), Needs(ttft_s_max=0.1, tok_s_min=20)), FAST)
    assert met_of(targets) is Met.NO
    assert met_of(targets[1:]) is Met.YES


def test_each_target_is_a_reason_with_its_figures() -> None:
    proposal = answer(ask(needs=Needs(ttft_s_max=0.001, tok_s_min=1.0)))
    assert [one.met for one in proposal.targets] == [Met.NO, Met.YES]
    say = [one.say for one in proposal.reasons if one.about == "target"]
    assert say == [one.say for one in proposal.targets]
    assert "512 tokens within 1 ms: no, " in say[0]
    assert "at 640 tokens of context, 1 tokens/s or more: yes, " in say[1]


def meeting(proposal: Proposal) -> list[Alternative]:
    return [one for one in proposal.alternatives if "meet" in one.say]


def test_what_meets_a_missed_target_is_offered_by_the_same_estimate() -> None:
    question = ask("Llama-3.1-8B", "laptop")
    speed = answer(question).speed.decode_tok_s
    assert speed is not None
    wanted = 1.1 * speed.p90
    missed = answer(replace(question, asked=Asked(Wishes(), Needs(tok_s_min=wanted))))
    assert missed.targets[0].met is Met.NO
    form, model = meeting(missed)
    assert (form.kind, model.kind) == (ChangeKind.QUANTIZATION, ChangeKind.MODEL)
    assert "may meet" in form.say
    assert "it meets" in model.say
    assert model.decode_tok_s is not None
    assert model.decode_tok_s.p10 >= wanted
    assert model.verdict is not None
    assert model.verdict.usable
    assert len({(one.kind, one.value) for one in missed.alternatives}) == len(missed.alternatives)


def test_a_model_that_is_offered_for_its_speed_is_as_good_as_was_wanted() -> None:
    """No smaller model of the same tier is fast enough here; a basic one is."""
    good = Needs(tok_s_min=18.0, quality=Quality.GOOD)
    assert all(one.kind is not ChangeKind.MODEL for one in meeting(answer(ask(needs=good))))
    *_, basic = meeting(answer(ask(needs=replace(good, quality=Quality.BASIC))))
    assert basic.kind is ChangeKind.MODEL
    assert ENTRIES[basic.value].tier is Quality.BASIC


@pytest.mark.parametrize("needs", [{}, {"tok_s_min": 0.1}, {"ttft_s_max": 1e6}])
def test_where_nothing_is_missed_nothing_is_offered_for_it(needs: dict[str, Any]) -> None:
    assert not meeting(answer(ask(needs=Needs(**needs))))
    assert not meeting(answer(ask(machine="unmeasured", needs=Needs(**needs))))
