"""One run of the tiny pipeline for all functional tests: it takes a minute or two."""

import pytest

from tests.functional.checkout import Checkout, Clone, student


@pytest.fixture(scope="session")
def tiny_student(tmp_path_factory):
    return student(tmp_path_factory.mktemp("student") / "tiny")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny_student) -> Checkout:
    """A clone in which the pipeline has run once, committed; tests leave it as it is."""
    clone = Checkout(tmp_path_factory.mktemp("first"), tiny_student)
    clone.dvc("repro")
    clone.commit("first run")
    return clone


@pytest.fixture
def own(finished, tmp_path) -> Clone:
    """The same for one test alone, which may run, change and remove what it likes in it."""
    return finished.copy(tmp_path / "own")
