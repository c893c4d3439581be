"""One run of the tiny pipeline for all functional tests: it takes a minute or two."""

import pytest

from tests.functional.checkout import Checkout, Clone, student
from tests.shared import once


@pytest.fixture(scope="session")
def tiny_student(tmp_path_factory):
    return once(tmp_path_factory, "student", student)


@pytest.fixture(scope="session")
def first_run(tmp_path_factory, tiny_student) -> Clone:
    """The clone in which the pipeline has run once, committed, with MLflow's store of it.

    All processes of the tests have the same one: tests only read it.
    """

    def run(folder):
        clone = Checkout(folder / "clone", tiny_student)
        clone.dvc("repro")
        clone.commit("first run")

    return Clone(once(tmp_path_factory, "first", run) / "clone")


@pytest.fixture(scope="session")
def finished(first_run, tmp_path_factory) -> Clone:
    """A copy of it for the tests of one process, which run commands there and leave it as it is."""
    return first_run.copy(tmp_path_factory.mktemp("finished") / "clone")


@pytest.fixture
def own(first_run, tmp_path) -> Clone:
    """A copy of it for one test alone, which may run, change and remove what it likes in it."""
    return first_run.copy(tmp_path / "own")
