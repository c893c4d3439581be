r"""A registered student as MLflow loads it: questions in, worked answers out.

    model = mlflow.pyfunc.load_model("models:/siked@champion")
    model.predict(["Tom has 3 apples and buys 4. How many does he have?"])
    [{"answer": "7", "strategy": "pot", "rationale": "apples = 3 + 4\nanswer = apples"}]

MLflow keeps a copy of this file and of the package beside the model, and runs the copy. Programs
that the student writes run in the sandbox of the machine that asks.
"""

import os
from pathlib import Path
from typing import Any

import mlflow
from mlflow.pyfunc import PythonModel
from pydantic import BaseModel


class Worked(BaseModel):
    """What a student made of a question."""

    answer: str | None = None
    strategy: str | None = None
    rationale: str


class StudentModel(PythonModel):  # type: ignore[misc]
    """A student with the settings that it was evaluated with."""

    def load_context(self, context: Any) -> None:
        """Load the weights.

        ``base`` of the model's configuration may be set to a folder when the model is loaded.

        Raises:
            UserError: the base is not the model that the student was trained on.
        """
        from siked.generation.transformers import TransformersEngine
        from siked.models import student_format
        from siked.settings import TransformersSettings, VerifySettings

        config = context.model_config
        folder = Path(context.artifacts["student"])
        self._student = student_format.read(folder)
        base = folder
        if config["base"] is not None:
            base = _base(config["base"], config["base_sha256"])
            student_format.check_base(self._student, base)
        settings = TransformersSettings(
            name="transformers", device="auto", dtype=config["dtype"], batch_tokens=1
        )
        self._engine = TransformersEngine(base, folder, settings)
        self._verify = VerifySettings.model_validate(config["verify"])
        self._longest = int(config["max_new_tokens"])

    def predict(self, model_input: list[str]) -> list[Worked]:
        """Answer questions greedily, each with a strategy of the student's choice.

        Args:
            model_input: the questions; MLflow also takes a data frame of one column.

        Returns:
            ``answer``, ``strategy`` and ``rationale`` of each, the first two None where the student
            gave none.
        """
        from siked.exporting.solving import answer
        from siked.verification.sandbox import Sandbox

        with Sandbox(self._verify) as sandbox:
            solved = [
                answer(
                    self._student.ask(question),
                    self._engine,
                    sandbox,
                    strategies=self._student.strategies,
                    max_new_tokens=self._longest,
                    ignore_rules=self._verify.ignore_rules,
                )
                for question in model_input
            ]
        # MLflow's signature comes from the annotation, what its servers can send are dictionaries.
        rows: Any = [
            {"answer": one.answer, "strategy": one.strategy, "rationale": one.rationale}
            for one in solved
        ]
        return rows  # type: ignore[no-any-return]


def _base(where: str, digest: str) -> Path:
    """The folder of the base model, kept by its hash where it comes from another machine."""
    from mlflow.artifacts import download_artifacts
    from mlflow.utils.uri import is_local_uri

    from siked.files import replace_folder

    if not where.startswith("runs:/"):
        return Path(where)
    run_id = where.removeprefix("runs:/").partition("/")[0]
    if is_local_uri(mlflow.MlflowClient().get_run(run_id).info.artifact_uri):
        return Path(download_artifacts(where))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = cache / "siked" / "bases" / digest
    if not kept.is_dir():
        with replace_folder(kept) as partial:
            Path(download_artifacts(where, dst_path=str(partial / "down"))).rename(partial / "base")
    return kept / "base"


mlflow.models.set_model(StudentModel())
