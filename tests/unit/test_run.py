"""A run says the same from a folder and from a revision; the lock says whether it is whole."""

import subprocess

import pytest
import yaml

from siked.errors import UserError
from siked.run import layout
from siked.run.dvc import of_this_run, read_lock
from siked.run.run import Revision, Run
from tests.finished_run import change_json, write_run


@pytest.fixture
def root(tmp_path):
    """A finished run, committed; since then the workspace has selected another student."""
    write_run(tmp_path)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=T", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "--all"], ["commit", "-qm", "run"]):
        subprocess.run([*git, *command], check=True)
    change_json(tmp_path / layout.SUMMARY, selected="it1")
    return tmp_path


def test_a_revision_says_what_the_run_was_and_the_workspace_what_it_is(root):
    now = Run(root)
    with Revision(root, "HEAD") as then:
        assert (then.selected, now.selected) == ("it2", "it1")
        assert then.settings == now.settings
        assert (then.chain, then.baselines) == (now.chain, now.baselines)
        assert then.text(layout.KNOWN_ERRORS) is None
        copy = then.root
    assert not copy.exists()


def test_a_damaged_file_of_a_revision_is_named_as_git_would(root):
    (root / layout.SUMMARY).write_text("{")
    git = ["git", "-C", str(root), "-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "commit", "-qam", "torn"], check=True)
    with (
        pytest.raises(UserError, match=r"^HEAD:metrics/summary\.json: not JSON"),
        Revision(root, "HEAD") as run,
    ):
        _ = run.selected


def test_a_revision_is_no_option_of_git(root):
    with pytest.raises(UserError), Revision(root, f"--output={root}/written") as run:
        run.text(layout.PARAMS)
    assert not list(root.glob("written*"))


def test_iterations_come_in_the_order_of_the_loop_not_of_the_file(root):
    raw = yaml.safe_load((root / "params.yaml").read_text())
    raw["iterations"] = {"b": {"previous": "a"}, "a": {"previous": "it0"}}
    (root / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    assert Run(root).chain == ["it0", "a", "b"]


def test_an_older_version_s_settings_need_not_fit(tmp_path):
    (tmp_path / "params.yaml").write_text("strategy: cot\n")
    run = Run(tmp_path)
    assert (run.chain, run.lock, run.summary) == (["it0"], {}, {})
    with pytest.raises(UserError, match=r"params\.yaml: no list of strategies"):
        _ = run.strategies


def test_a_lock_whose_report_read_other_figures_is_not_whole():
    """The hash of the folder of figures is DVC's own."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    folder = Tree()
    folder.add(("it0", "eval.json"), None, HashInfo("md5", "1" * 32))
    folder.digest()
    lock = {
        "eval_it0": {"outs": [{"path": "metrics/students/it0/eval.json", "md5": "1" * 32}]},
        "eval@it1": {"outs": [{"path": "metrics/students/it1/eval.json", "md5": "2" * 32}]},
        "report": {"deps": [{"path": "metrics/students", "md5": folder.hash_info.value}]},
    }
    stages = read_lock(yaml.safe_dump({"stages": lock}, sort_keys=False), "dvc.lock")
    assert [one.called for one in stages.values()] == ["eval@it0", "eval@it1", "report"]
    assert of_this_run("report", stages, {"it0"})
    assert not of_this_run("report", stages, {"it0", "it1"})
    assert not of_this_run("select", stages, {"it0"})
