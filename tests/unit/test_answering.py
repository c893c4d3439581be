"""Free choice and forced strategies: who is asked what, and in which order answers stand."""

from siked.generation.ask import answer_freely, answer_with_each
from siked.generation.engine import Completion, Sampling
from siked.records import Question

STRATEGIES = ("cot", "pot")
GREEDY = Sampling(max_new_tokens=8)


def question(name):
    return Question(id=name, source="t", question=f"How many are {name}?", answer="1")


BENCHMARKS = {
    "dev": {name: question(name) for name in ("d0", "d1")},
    "svamp": {name: question(name) for name in ("s0", "s1", "s2")},
}


class Chooser:
    """Chooses programs for the questions named, an unknown strategy for d1, else sentences."""

    def __init__(self, programs):
        self.programs = programs
        self.asked = []

    def generate(self, prompts, sampling):
        for index, prompt in enumerate(prompts):
            self.asked.append((prompt.question_id, prompt.strategy))
            chosen = "pot" if prompt.question_id in self.programs else "cot"
            tag = "sum" if prompt.question_id == "d1" else chosen
            start = "" if prompt.strategy else f"[{tag}]:\n"
            for sample in range(sampling.samples):
                text = f"{start}{prompt.question_id} by {prompt.strategy or chosen}"
                yield Completion(index, sample, text, 1, 1, "stop")


def test_what_was_chosen_freely_is_not_asked_for_again():
    engine = Chooser({"s1"})
    free = answer_freely(engine, BENCHMARKS, GREEDY, what="t", strategies=STRATEGIES)
    assert {name: [one.strategy for one in rows] for name, rows in free.items()} == {
        "dev": ["cot", None],
        "svamp": ["cot", "pot", "cot"],
    }
    engine.asked.clear()
    each = answer_with_each(engine, BENCHMARKS, GREEDY, what="t", strategies=STRATEGIES, free=free)
    assert engine.asked == [
        ("d0", "pot"), ("d1", "cot"), ("d1", "pot"), ("s0", "pot"), ("s1", "cot"), ("s2", "pot"),
    ]  # fmt: skip
    for name, rows in each.items():
        assert [(one.question_id, one.strategy) for one in rows] == [
            (key, strategy) for key in BENCHMARKS[name] for strategy in STRATEGIES
        ]
        assert all(one.text == f"{one.question_id} by {one.strategy}" for one in rows)


def test_several_samples_of_each_strategy_stand_together():
    drawn = Sampling(samples=3, temperature=1.0)
    each = answer_with_each(Chooser(()), BENCHMARKS, drawn, what="t", strategies=STRATEGIES)
    assert [(one.question_id, one.strategy, one.sample) for one in each["dev"]] == [
        (key, strategy, sample)
        for key in ("d0", "d1")
        for strategy in STRATEGIES
        for sample in range(3)
    ]
