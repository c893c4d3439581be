"""The files of a finished run, made without any model, for the tests of the report.

    params = write_run(tmp_path, right={"it0": 10, "it1": 30, "it2": 28})
    run = Report(params, tmp_path)

Every figure is counted by the functions that the stages use, so that the files fit one another.
"""

import json
import shutil
from functools import partial
from pathlib import Path

import yaml

from siked.analysis.figures import DEV, compare, describe_mix, evaluate, summarise
from siked.analysis.samples import measure_choice
from siked.analysis.verdicts import VerdictCounts
from siked.files import write_json, write_text
from siked.mixing import mix, order_strategies, select
from siked.records import Example, Failure, Question, VerifiedRationale, write_records
from siked.settings import load_params
from stages.generate import count

ROOT = Path(__file__).parents[1]
STRATEGIES = ["cot", "pot"]
BENCHMARKS = [DEV, "svamp"]
BASELINES = ["baseline-cot", "baseline-pot"]
RIVAL = "gkd"
BESIDE = [*BASELINES, RIVAL]
RIGHT = {"it0": 10, "it1": 20, "it2": 30, "baseline-cot": 8, "baseline-pot": 15}
HOSTILE = "</script><img src=x onerror=alert(1)><!--<script>\u2028&amp;\u202e"
KINDS = [Failure.WRONG, Failure.NO_ANSWER, Failure.TIMEOUT]


def question(name):
    return Question(
        id=name,
        source="made",
        question=f"How many is {name}? {HOSTILE}",
        answer="7",
        family=None if int(name[-1]) % 3 == 0 else f"kind-{int(name[-1]) % 3}",
    )


def rationale(name, *, right, strategy, writer, sample=0, failure=Failure.WRONG, longer=""):
    return VerifiedRationale(
        question_id=name,
        strategy=strategy,
        sample=sample,
        text=f"By {writer} for {name}, try {sample}: {HOSTILE}{longer}",
        predicted="7" if right else "8" if failure is Failure.WRONG else None,
        rule="final-answer" if right or failure is Failure.WRONG else None,
        completion_tokens=10,
        correct=right,
        failure=None if right else failure,
    )


def write_run(
    root,
    *,
    right=RIGHT,
    selected="it2",
    each=40,
    train=12,
    samples=2,
    forced=False,
    bias=None,
    stopped=None,
    longer="",
):
    """Write a run of two iterations; return its settings.

    Args:
        root: Where.
        right: How many questions of each benchmark a student answers right: the first ones.
        selected: The iteration that dev is said to have chosen.
        each: Questions of each benchmark.
        train: Train questions.
        samples: Samples of each of those and strategy.
        forced: Whether iterations also answered with each strategy forced.
        bias: ``mix.bias``.
        stopped: The iteration after which the loop stopped.
        longer: Put behind every text.
    """
    params = _params(root, bias, [name for name in right if name == RIVAL])
    names = {name: [f"{name}-{n:05d}" for n in range(each)] for name in BENCHMARKS}
    trained = [f"train-{n:05d}" for n in range(train)]
    for name, ids in [("train", trained), *names.items()]:
        stem = name if name in ("train", DEV) else f"test-{name}"
        write_records(root / f"data/questions/{stem}.jsonl", map(question, ids))

    def wrote(name, writer, strategy, number, *, correct, sample=0):
        kind = KINDS[number % len(KINDS)]
        return rationale(
            name,
            right=correct,
            strategy=strategy,
            writer=writer,
            sample=sample,
            failure=kind,
            longer=longer,
        )

    teacher = [
        wrote(name, "teacher", strategy, number, correct=number % 4 > 0 or strategy == "cot")
        for strategy in STRATEGIES
        for number, name in enumerate(trained)
    ]
    write_records(root / "data/teacher/verified.jsonl", teacher)
    write_json(root / "metrics/teacher.json", _filtered(teacher, train))
    evaluations, answers = {}, {}
    for writer in right:
        answers[writer] = {
            benchmark: [
                wrote(
                    name,
                    writer,
                    _chosen(writer, number),
                    number,
                    correct=number < right[writer],
                )
                for number, name in enumerate(ids)
            ]
            for benchmark, ids in names.items()
        }
        evaluations[writer] = {
            name: evaluate(rows, STRATEGIES) for name, rows in answers[writer].items()
        }
        for name, rows in answers[writer].items():
            write_records(root / f"data/students/{writer}/answers/{name}.jsonl", rows)
            if forced and writer not in BESIDE:
                both = [
                    wrote(
                        one.question_id,
                        writer,
                        strategy,
                        place,
                        correct=place % (3 - turn) == 0,
                    )
                    for turn, strategy in enumerate(STRATEGIES)
                    for place, one in enumerate(rows)
                ]
                write_records(root / f"data/students/{writer}/answers/forced/{name}.jsonl", both)
                evaluations[writer][name] |= measure_choice(rows, both, STRATEGIES)
        own = _samples(root, writer, trained, samples, wrote)
        carried = stopped is not None and writer not in BESIDE and writer > stopped
        _steps(root, writer, teacher, own, carried=carried, train=train, bias=bias)
        steps = root / f"metrics/students/{writer}"
        write_json(
            steps / "eval.json",
            {"carried": carried, "so_far": [0.1], "benchmarks": evaluations[writer]},
        )
        write_json(root / f"data/students/{writer}/plateau.json", {"stopped": writer == stopped})
        curve = "".join(f"{step},{1 / step:.4f}\n" for step in range(1, 6))
        write_text(root / f"plots/students/{writer}/loss.csv", f"step,loss\n{curve}")
    gains = {"svamp": compare(answers["it0"]["svamp"], answers[selected]["svamp"])}
    chain = [name for name in right if name not in BESIDE]
    write_json(
        root / "metrics/summary.json", summarise(evaluations, chain, BASELINES, selected, gains)
    )
    base = {"name": "path:tiny", "sha256": "0" * 64}
    write_json(root / "models/best/student.json", {"siked": "0.1.0", "base": base})
    return params


def _params(root, bias, rivals):
    raw = yaml.safe_load((ROOT / "presets/demo.yaml").read_text(encoding="utf-8"))
    raw["strategies"] = raw["baselines"] = STRATEGIES
    raw["rivals"] = {
        name: {"teacher": "it1", "epochs": 1, "learning_rate": 0.001} for name in rivals
    }
    raw["iterations"] = {"it1": {"previous": "it0"}, "it2": {"previous": "it1"}}
    raw["questions"]["test"] = {"svamp": {"format": "svamp", "path": "SVAMP.json"}}
    raw["mix"]["bias"] = bias
    root.mkdir(parents=True, exist_ok=True)
    (root / "params.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    return load_params(root / "params.yaml")


def _chosen(writer, number):
    """A baseline's only strategy; else both in turn, and now and then none."""
    if writer in BASELINES:
        return writer.removeprefix("baseline-")
    return None if number % 20 == 19 else STRATEGIES[number % 3 % 2]


def _samples(root, writer, trained, samples, wrote):
    """What an iteration's predecessor sampled; iteration 0 and who is beside the loop have none."""
    if writer in (*BESIDE, "it0"):
        return []
    own = [
        wrote(
            name,
            "student",
            strategy,
            number + sample,
            correct=(number + sample) % 3 == 0,
            sample=sample,
        )
        for number, name in enumerate(trained)
        for strategy in STRATEGIES
        for sample in range(samples)
    ]
    write_records(root / f"data/students/{writer}/verified.jsonl", own)
    return own


def _steps(root, writer, teacher, own, *, carried, train, bias):
    """What the steps of a student counted besides its evaluation."""
    steps = root / f"metrics/students/{writer}"
    write_json(
        steps / "train.json",
        {"trainer": "peft", "device": "cpu", "dtype": "float32", "rows": 9, "tokens": 17_000},
    )
    if writer in BESIDE:
        return
    order = order_strategies(bias, own, STRATEGIES)
    kept = [] if carried else select(teacher, keep=1)
    mine = [] if carried else select(own, keep=1)
    join = partial(mix, kept, mine, scope="question", order=order)
    rows = join(variant="adaptive")
    examples = [
        Example(
            question_id=one.question_id,
            strategy=one.strategy,
            origin=origin,
            prompt="",
            completion=one.text,
        )
        for origin, one in rows
    ]
    write_records(root / f"data/students/{writer}/mix.jsonl", examples)
    alone = {one: [row for _, row in join(variant=one)] for one in ("teacher", "self")}
    figures = describe_mix(examples, STRATEGIES, teacher=alone["teacher"], student=alone["self"])
    write_json(steps / "mix.json", {"carried": carried, **figures})
    if writer != "it0":
        write_json(steps / "filter.json", _filtered(own, train))
        write_json(steps / "generate.json", {"carried": carried, **count(own)})


def _filtered(rationales, asked):
    counts = VerdictCounts(STRATEGIES)
    for one in rationales:
        counts.add(one)
    return {**counts.figures(questions=asked), "isolation": "bubblewrap+seccomp"}


def change_json(path, **changes):
    """Change some keys of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def without(root, *paths):
    """Remove files or folders of a run."""
    for path in paths:
        target = root / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()
