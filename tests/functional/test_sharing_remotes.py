"""A run travels over each kind of remote that DVC is told to use in ``docs/sharing.md``."""

import pytest

from tests.functional import remotes
from tests.functional.checkout import ALWAYS, CLEAN, ran

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("server", [remotes.s3, remotes.ssh, remotes.sshd])
def test_a_colleague_gets_every_output_and_runs_nothing(finished, tmp_path, server):
    scratch = tmp_path / "server"
    scratch.mkdir()
    with server(scratch) as remote:
        first = finished.clone_with_data(tmp_path / "first")
        remote.let_in(first)
        remote.become_default_of(first)
        first.dvc("push")

        second = first.clone(tmp_path / "second")
        remote.let_in(second)
        second.dvc("pull", "models/best")
        assert {path.name for path in second.folder.glob("models/*/")} == {"best"}
        second.dvc("pull")
        assert second.dvc("status").strip() == CLEAN
        assert ran(second.dvc("repro")) == [ALWAYS]
        assert second.git("status", "--short") == ""

        third = first.clone(tmp_path / "third")
        remote.let_in(third)
        assert ran(third.dvc("repro", "--pull")) == [ALWAYS]
        assert third.git("status", "--short") == ""
        best = [clone.folder / "models/best/adapter_model.safetensors" for clone in (first, third)]
        assert best[0].read_bytes() == best[1].read_bytes()
