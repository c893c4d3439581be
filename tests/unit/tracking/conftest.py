"""A store of its own for every test of tracking."""

import pytest

from siked.tracking import ParentRun, Tracker

PARAMS = {"seed": 0, "mix": {"variant": "all", "bias": None}, "strategies": ["cot", "pot"]}


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """An MLflow database as the tracker makes it, to be copied: making one takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        experiment = ParentRun(store=uri, group="template", key="none", name="none")
        Tracker(experiment).log("it0", {})
    return (folder / "mlflow.db").read_bytes()


@pytest.fixture
def experiment(template, tmp_path):
    (tmp_path / ".siked").mkdir()
    (tmp_path / ".siked" / "mlflow.db").write_bytes(template)
    return ParentRun(
        store=f"sqlite:///{tmp_path}/.siked/mlflow.db",
        group="siked",
        key="0123abcd",
        name="lucky-otter",
        params=PARAMS,
        tags={"preset": "demo"},
    )
