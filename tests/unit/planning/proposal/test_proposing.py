"""From a model, a machine and needs to a verdict, ways out, and reasons with figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stoker.core.losses import MeasuredLoss
from stoker.core.machine import Machine
from stoker.core.model import LocalModel, Task
from stoker.core.needs import Needs
from stoker.core.plan import Device, DeviceKind, Plan, Verdict
from stoker.core.proposal import Alternative, ChangeKind, Cost, Proposal
from stoker.core.speed import Occasion, Speed, SpeedSource
from stoker.core.units import GIB
from stoker.planning.defaults import Wishes
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.mending import with_quantization
from stoker.planning.proposal.proposing import draft, occasion_of, propose, with_cost
from support.planning import ENTRIES, answer, ask


def kinds(alternatives: tuple[Alternative, ...]) -> list[str]:
    return [f"{one.kind}:{one.value}" for one in alternatives]


@pytest.mark.parametrize(
    ("name", "machine", "verdict", "change"),
    [
        ("Llama-3.1-8B", "server", Verdict.FITS, ""),
        ("Llama-3.1-8B", "laptop", Verdict.FITS, ""),
        ("Phi-4", "laptop", Verdict.FITS, ""),
        ("gpt-oss-20b", "laptop", Verdict.TIGHT, ""),
        ("Llama-3.1-8B", "busy", Verdict.DOES_NOT_FIT_NOW, "model:Qwen2.5-0.5B"),
        ("Gemma-3-27B", "laptop", Verdict.CAN_NEVER_FIT, "quantization:Q2_K"),
        ("Llama-3.1-70B", "laptop", Verdict.CAN_NEVER_FIT, "model:gpt-oss-20b"),
        ("Qwen3-4B", "board", Verdict.FITS, ""),
        ("DeepSeek-V3", "server", Verdict.FITS, ""),
    ],
)
def test_what_is_said_of_models_on_machines(
    name: str, machine: str, verdict: Verdict, change: str
) -> None:
    proposal = answer(ask(name, machine))
    assert proposal.verdict is verdict
    first = kinds(proposal.changes)[:1]
    assert (first[0] if first else "").startswith(change)
    assert bool(proposal.changes) == (not verdict.usable)


def test_the_alternatives_say_what_they_cost_or_gain() -> None:
    proposal = answer(ask("Llama-3.1-8B", "laptop"))
    above, below, longer = proposal.alternatives
    assert kinds((above, below)) == ["quantization:Q5_K_M", "quantization:Q3_K_M"]
    own = proposal.need.total_bytes
    assert (below.total_bytes or 0) < own < (above.total_bytes or 0)
    assert above.decode_tok_s is not None
    assert below.decode_tok_s is not None
    assert below.decode_tok_s.p50 > above.decode_tok_s.p50
    assert "more of weights" in above.say
    assert "KL divergence 0.0108" in above.loss
    assert longer.kind is ChangeKind.CONTEXT
    assert int(longer.value) > proposal.plan.context


def test_a_measured_speed_is_not_held_against_an_estimated_one() -> None:
    question = ask()
    measured = question.estimate

    def estimate(plan: Plan, device: Device, machine: Machine, occasion: Occasion) -> Speed:
        speed = measured(plan, device, machine, occasion)
        own = plan.model.facts.file_bytes == question.model.facts.file_bytes
        sources = (("decode_tok_s", SpeedSource.MEASURED),)
        return replace(speed, sources=sources) if own else speed

    plain, other = answer(question), answer(replace(question, estimate=estimate))
    assert any("times the speed" in one.say for one in plain.alternatives)
    assert not any(", 1 times" in one.say for one in plain.alternatives)
    assert not any("times the speed" in one.say for one in other.alternatives)


def test_who_makes_vectors_lacks_no_first_token() -> None:
    question = ask(machine="unmeasured")
    facts = replace(question.model.facts, task=Task.EMBED)
    missing = answer(replace(question, model=replace(question.model, facts=facts))).missing
    assert any("texts per second" in one for one in missing)
    assert not any("first token" in one or "decode" in one for one in missing)


def test_a_measured_loss_replaces_the_published_one() -> None:
    below = MeasuredLoss("mine", "Q3_K_M", kl_divergence=0.5, day="2026-11-26")
    own = MeasuredLoss("mine", "Q4_K_M", kl_divergence=0.25, day="2026-11-26")
    proposal = answer(ask("Llama-3.1-8B", "laptop", measured=(below, own)))
    wider, narrower, _ = proposal.alternatives
    assert "0.5 (measured here on 2026-11-26, against mine" in narrower.loss
    assert "0.25 (measured here on 2026-11-26" in reason(proposal, "quantization")
    sources = [one.quality.source for one in (proposal, wider, narrower) if one.quality]
    assert sources == ["measured", "published", "measured"]


def test_the_smallest_that_was_enough_on_the_users_tasks_is_an_alternative() -> None:
    enough = MeasuredLoss("mine", "Q2_K", file_bytes=3 * GIB, cheapest=True, day="2026-11-26")
    proposal = answer(ask("Llama-3.1-8B", "laptop", measured=(enough,)))
    values = kinds(proposal.alternatives)
    assert values[:3] == ["quantization:Q5_K_M", "quantization:Q3_K_M", "quantization:Q2_K"]
    found = proposal.alternatives[2]
    assert (found.weights_bytes, found.source) == (3 * GIB, "compared here")
    for not_one in (
        replace(enough, cheapest=False),
        replace(enough, file_bytes=30 * GIB),
        replace(enough, quantization="Q3_K_M"),
        replace(enough, quantization="Q4_K_M"),
    ):
        proposal = answer(ask("Llama-3.1-8B", "laptop", measured=(not_one,)))
        assert "quantization:Q2_K" not in kinds(proposal.alternatives)
        assert len([one for one in kinds(proposal.alternatives) if "quantization" in one]) == 2


def test_the_longest_context_that_is_offered_fits_and_twice_as_much_does_not() -> None:
    question = ask("Llama-3.1-8B", "laptop")
    proposal = answer(question)
    longest = int(proposal.alternatives[-1].value)
    assert question.judge(replace(proposal.plan, context=longest)).usable
    assert not question.judge(replace(proposal.plan, context=2 * longest)).usable


def test_a_hint_holds_no_places_that_nobody_asked_for_and_is_kept_when_followed() -> None:
    """Four bits of eight fit with fewer answers at a time, as a plan of them does."""
    budget = int(5.2 * GIB)
    question = ask(machine="server", budget_bytes=budget, model=in_eights(), quantization="Q8_0")
    change = answer(question).changes[0]
    assert (change.kind, change.value) == (ChangeKind.QUANTIZATION, "Q4_0")
    assert "one answer at a time" in change.say
    assert "--to q4_0" in change.say
    assert "KL divergence 0.0719" in change.say
    wanted = next(one for one in question.quantized if one.name == "Q4_0")
    four = with_quantization(draft(question), wanted).model
    followed = answer(replace(question, model=four, quantization="Q4_0"))
    assert followed.verdict.usable
    assert followed.need.total_bytes == change.total_bytes


def test_what_stoker_cannot_make_is_said_to_be_looked_for() -> None:
    change = answer(ask(machine="server", budget_bytes=4 * GIB)).changes[0]
    assert change.kind is ChangeKind.QUANTIZATION
    assert "Stoker cannot make it" in change.say


def in_eights() -> LocalModel:
    plan = draft(ask(machine="server"))
    wanted = next(one for one in ask().quantized if one.name == "Q8_0")
    return with_quantization(plan, wanted).model


@pytest.mark.parametrize("slots", [None, 2])
def test_a_longer_context_is_offered_with_the_words_that_give_it(slots: int | None) -> None:
    question = ask("Llama-3.1-8B", "gaming", gpus=True, wishes=Wishes(slots=slots))
    proposal = answer(question)
    longer = [one for one in proposal.alternatives if one.kind is ChangeKind.CONTEXT]
    for one in longer:
        words = one.say[one.say.index("(--ctx") + 1 :].partition(")")[0].split()
        flags = dict(zip(words[::2], words[1::2], strict=True))
        assert ("--parallel" in flags) is (slots is None)
        wishes = Wishes(context=int(flags["--ctx"]), slots=int(flags.get("--parallel", slots or 0)))
        followed = answer(replace(question, asked=replace(question.asked, wishes=wishes)))
        assert followed.verdict.usable
        assert followed.need.total_bytes == one.total_bytes


def test_a_longer_context_that_leaves_the_gpu_says_so_and_what_it_costs() -> None:
    proposal = answer(ask("Llama-3.1-8B", "gaming", gpus=True))
    stays, leaves = (one for one in proposal.alternatives if one.kind is ChangeKind.CONTEXT)
    assert proposal.device.kind is DeviceKind.GPU
    assert int(leaves.value) > int(stays.value)
    assert "instead of" not in stays.say
    assert "instead of 32" in leaves.say
    assert leaves.say.count("tokens/s") == 2
    assert leaves.decode_tok_s is not None
    assert proposal.speed.decode_tok_s is not None
    assert leaves.decode_tok_s.p50 < proposal.speed.decode_tok_s.p50


def test_a_wider_quantization_that_leaves_the_gpu_says_so() -> None:
    wishes = Wishes(context=16384, slots=4)
    proposal = answer(ask("Gemma-3-27B", "gaming", gpus=True, wishes=wishes))
    wider = proposal.alternatives[0]
    assert (wider.kind, proposal.device.kind) == (ChangeKind.QUANTIZATION, DeviceKind.GPU)
    assert "instead of 62" in wider.say


def test_the_fallback_is_a_smaller_file_then_a_smaller_model_then_an_api() -> None:
    api = Alternative(ChangeKind.API, "maker/model", "the endpoint")
    smaller = answer(ask("Llama-3.1-8B", "laptop", api=api)).fallback
    assert smaller is not None
    assert smaller.value == "Q3_K_M"
    model = answer(ask("gpt-oss-20b", "laptop", api=api)).fallback  # it has no smaller file
    assert model is not None
    assert model.kind is ChangeKind.MODEL
    assert answer(ask("Llama-3.1-8B", "busy", budget_bytes=1, api=api)).fallback is api
    assert answer(ask("Llama-3.1-8B", "busy", budget_bytes=1)).fallback is None


def test_on_another_machine_its_gpu_is_planned_with() -> None:
    proposal = answer(ask("Llama-3.1-8B", "gaming", gpus=True))
    assert proposal.device.kind is DeviceKind.GPU
    assert proposal.speed.decode_tok_s is not None
    assert proposal.speed.decode_tok_s.p50 > 50
    assert "estimate" in reason(proposal, "device")


def test_here_the_engine_computes_on_the_processor_and_the_gpu_is_an_alternative() -> None:
    proposal = answer(ask("Llama-3.1-8B", "gaming"))
    assert proposal.device.kind is DeviceKind.CPU
    assert kinds(proposal.alternatives)[-1] == "device:NVIDIA GeForce RTX 4090"
    assert "RTX 4090" in reason(proposal, "device")


def test_a_set_is_planned_together() -> None:
    alone = answer(ask("Phi-4", "laptop", wishes=Wishes(slots=1)))
    assert alone.verdict.usable
    beside = answer(ask("Phi-4", "laptop", wishes=Wishes(slots=1), taken={"cpu": 6 * GIB}))
    assert beside.verdict is Verdict.DOES_NOT_FIT_NOW
    assert "6 GiB for the models before it" in reason(beside, "verdict")


def test_the_engines_count_decides_where_there_is_one() -> None:
    question = ask("Llama-3.1-8B", "laptop")
    plan = draft(question)
    need = count_plainly(plan)
    grown = replace(need, source="engine", taken=need.taken * 2)
    proposal = propose(question, plan, grown, ("the engine counts otherwise",))
    assert proposal.verdict is Verdict.DOES_NOT_FIT_NOW
    assert "engine counted" in reason(proposal, "memory")
    assert proposal.notes == ("the engine counts otherwise",)


@pytest.mark.parametrize("budget_gib", [None, 47])
def test_what_is_available_is_that_of_all_devices_the_plan_takes_memory_of(
    budget_gib: int | None,
) -> None:
    budget = None if budget_gib is None else budget_gib * GIB
    proposal = answer(ask("Llama-3.1-70B", "gaming", gpus=True, budget_bytes=budget))
    cpu, gpu = proposal.devices
    assert (cpu.device, cpu.name, gpu.device, gpu.name) == (
        "cpu",
        "",
        "gpu0",
        "NVIDIA GeForce RTX 4090",
    )
    assert gpu.available_bytes == 23 * GIB
    assert cpu.taken_bytes + gpu.taken_bytes == proposal.need.total_bytes
    assert proposal.available_bytes == min(cpu.available_bytes + 23 * GIB, budget or 1 << 60)
    assert proposal.need.total_bytes <= proposal.available_bytes


def test_what_was_stated_and_is_cut_is_a_note_and_a_reason() -> None:
    needs = Needs(prompt_tokens=3000, answer_tokens=500)
    proposal = answer(ask(machine="server", wishes=Wishes(context=2048), needs=needs))
    assert proposal.speed.occasion.prompt_tokens == 2047
    assert "3500 tokens and a slot has 2048" in proposal.notes[0]
    assert "prompt of 2047" in proposal.notes[0]
    assert "longer requests are refused" in reason(proposal, "context")
    assert answer(ask(machine="server", needs=needs)).notes == ()


def test_a_smaller_model_is_offered_only_where_it_was_trained_for_as_much() -> None:
    """On the laptop only Qwen2.5-7B is good and fits, and it was trained for 32768 tokens."""
    long = Needs(prompt_tokens=40_000)
    names = [
        one.value
        for needs in (Needs(), long)
        for one in answer(ask("Llama-3.1-70B", "laptop", needs=needs)).changes
        if one.kind is ChangeKind.MODEL
    ]
    assert [ENTRIES[name].shape.context_length >= 40_000 for name in names][-1]
    assert len(names) == 2


def test_nothing_is_lost_by_the_form_in_which_a_model_was_published() -> None:
    assert "nothing is lost" in reason(answer(ask("gpt-oss-20b", "server")), "quantization")


def test_speeds_that_nobody_can_tell_are_named() -> None:
    proposal = answer(ask("Llama-3.1-8B", "unmeasured"))
    assert proposal.speed.decode_tok_s is None
    assert any("decode tokens per second" in one for one in proposal.missing)
    assert "not measured" in proposal.missing[-1]


def test_every_decision_has_its_reason() -> None:
    abouts = [one.about for one in answer(ask(kv_type="q8_0")).reasons]
    assert abouts == [
        "verdict",
        "memory",
        "device",
        "quantization",
        "context",
        "slots",
        "threads",
        "kv_type",
        "speed",
    ]


def test_speeds_are_about_what_needs_speak_of() -> None:
    question = ask(machine="server", needs=Needs(prompt_tokens=1500, answer_tokens=400))
    plan = draft(question)
    occasion = occasion_of(plan, question.asked)
    assert (occasion.prompt_tokens, occasion.context, occasion.streams) == (1500, 1700, plan.slots)
    short = replace(plan, context=256)
    assert occasion_of(short, question.asked).prompt_tokens < 256


def test_what_is_missing_of_the_cost_is_missing_of_the_proposal_once() -> None:
    proposal = with_cost(answer(ask()), Cost(missing=("the machine's price",)))
    again = with_cost(proposal, Cost(missing=("the machine's price",)))
    assert again.missing.count("the machine's price") == 1


def reason(proposal: Proposal, about: str) -> str:
    return next(one.say for one in proposal.reasons if one.about == about)


def test_what_gave_way_says_so_and_for_whom() -> None:
    """Alone, and beside other models."""
    plan = replace(draft(ask()), slots=1, context=2048)
    alone, beside = (answer(ask(shared_by=models), plan) for models in (1, 2))
    assert "not the usual 4, so that it fits" in reason(alone, "slots")
    assert "less than the usual 4096, so that it fits" in reason(alone, "context")
    for about in ("slots", "context"):
        assert reason(beside, about).count("so that all 2 models fit") == 1
    assert "2 models share them" in reason(answer(ask(shared_by=2)), "threads")
