"""Work over a real Ray cluster of two nodes: what one machine gives, also when a node dies."""

import threading
import time
from functools import partial

import pytest

from siked.cluster.replicas import Replicas
from siked.errors import UserError
from siked.generation.engine import Completion, Sampling, open_engine
from siked.generation.spread import RayEngine
from siked.prompts import student_prompt
from siked.records import Question, Rationale
from siked.settings import RaySettings, TransformersSettings, VerifySettings
from siked.verification.sandbox import Sandbox
from siked.verification.verifiers import RayVerifier
from siked.verification.verify import verify
from tests import tiny_student

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'siked[ray]'")
pytestmark = pytest.mark.slow
on_the_cluster = pytest.mark.usefixtures("cluster")

TWO = RaySettings(address="auto", replicas=2, cpus=1, gpus=0)
LIMITS = VerifySettings(seconds=3, memory_mb=512, output_kb=64, workers=1)
EXACT = TransformersSettings(name="transformers", device="cpu", dtype="float32", batch_tokens=600)
PROMPTS = [student_prompt(f"How many are {n} and 3?", question_id=f"q{n}") for n in range(40)]


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    made = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 1,
            "object_store_memory": 100 << 20,
            "include_dashboard": False,
            # A node that is gone is missed after five of them, three seconds each otherwise.
            "_system_config": {"health_check_period_ms": 500},
        },
    )
    made.add_node(num_cpus=1, object_store_memory=100 << 20)
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made
    ray.shutdown()
    made.shutdown()


class Slow:
    """Says its prompt back after a while: deterministic, and long enough to be interrupted."""

    def generate(self, prompts, sampling):
        for index, prompt in enumerate(prompts):
            for sample in range(sampling.first_sample, sampling.first_sample + sampling.samples):
                time.sleep(0.02)
                text = f"{sample}: {prompt.user}"
                yield Completion(index, sample, text, len(prompt.user), len(text), "stop")


def by_place(completions):
    rows = list(completions)
    places = {(one.prompt, one.sample): one for one in rows}
    assert len(places) == len(rows), "a sample came twice"
    return places


@on_the_cluster
def test_an_engine_on_two_nodes_writes_what_it_writes_on_one(tmp_path):
    folder = tiny_student.build(tmp_path / "student")
    drawn = Sampling(samples=3, temperature=0.7, top_k=20, max_new_tokens=12, seed=5)
    alone = by_place(open_engine(EXACT, folder).generate(PROMPTS, drawn))
    spread = RayEngine(TWO, partial(open_engine, EXACT, folder))
    assert len(spread.batches(PROMPTS, drawn)) > 4, "there is something to share out"
    assert by_place(spread.generate(PROMPTS, drawn)) == alone


@on_the_cluster
def test_programs_verified_on_two_nodes_get_the_verdicts_of_one():
    questions = {
        f"q{n}": Question(id=f"q{n}", question="?", answer=str(n), source="t") for n in range(300)
    }
    rationales = [
        Rationale(question_id=f"q{n}", strategy="pot", sample=0, text=f"answer = {n} + {n % 3}")
        for n in range(300)
    ] * 3
    with Sandbox(LIMITS) as sandbox:
        alone = list(verify(rationales, questions, sandbox))
        isolation = sandbox.isolation
    spread = RayVerifier(LIMITS, TWO)
    assert list(spread.verify(iter(rationales), questions)) == alone
    assert spread.isolation == isolation


@on_the_cluster
def test_what_the_work_raises_is_raised_here():
    def refuse(_tool, piece):
        raise UserError(f"row {piece}: cannot be read")

    with pytest.raises(UserError, match=r"^row 7: cannot be read$"):
        list(Replicas(TWO, int, cpus=1, gpus=0).map(refuse, [7]))


@on_the_cluster
def test_pieces_are_drawn_no_faster_than_they_are_done():
    drawn = []

    def pieces():
        for number in range(60):
            drawn.append(number)
            yield number

    replicas = Replicas(TWO, int, cpus=1, gpus=0)
    for turn, result in enumerate(replicas.map_in_order(double, pieces())):
        assert result == 2 * turn
        assert len(drawn) <= turn + 1 + 4 * TWO.replicas + 1
    replicas.close()


def double(_tool, piece):
    time.sleep(0.005)
    return 2 * piece


@on_the_cluster
def test_a_piece_that_kills_every_replica_ends_the_run_with_a_line():
    with pytest.raises(UserError, match="lost its replica 3 times"):
        list(Replicas(TWO, int, cpus=1, gpus=0).map(die, range(3)))


def die(_tool, piece):
    import os

    if piece == 1:
        os._exit(1)
    return piece


def test_a_node_that_dies_costs_no_sample_and_doubles_none(cluster):
    """Last in the file: the cluster has one node after it."""
    drawn = Sampling(samples=4, max_new_tokens=8)
    prompts = PROMPTS * 8
    alone = by_place(Slow().generate(prompts, drawn))
    (second,) = [node for node in cluster.list_all_nodes() if node is not cluster.head_node]
    found = []
    killer = threading.Thread(target=cluster.remove_node, args=(second, False))
    for one in RayEngine(TWO, Slow).generate(prompts, drawn):
        found.append(one)
        if len(found) == len(alone) // 3:
            killer.start()
    killer.join()
    assert by_place(found) == alone


def test_no_cluster_is_one_line():
    if ray.is_initialized():
        ray.shutdown()
    with pytest.raises(UserError, match=r"^ray.address: no cluster at 'localhost:9'"):
        RayEngine(TWO.model_copy(update={"address": "localhost:9"}), Slow)
