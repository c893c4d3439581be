"""The typed settings of a run: every key of ``params.yaml``, documented where it is defined.

Everything is checked when it is read, before any work: an unknown key, a value of the wrong type
or a combination that cannot work is one line that names the key. The objects are frozen.
"""

from siked.settings.base import FIRST_ITERATION, RuleName, Settings, StrategyName
from siked.settings.models import (
    EngineSettings,
    SamplingSettings,
    StudentSettings,
    TeacherModel,
    TeacherSettings,
)
from siked.settings.params import Params
from siked.settings.questions import Overlap, QuestionSettings, Source
from siked.settings.reading import check_params, documented, flat, load_params
from siked.settings.steps import (
    EvalSettings,
    Iteration,
    Lora,
    MixSettings,
    Plateau,
    Schedule,
    TrackingSettings,
    TrainSettings,
    VerifySettings,
)

__all__ = [
    "FIRST_ITERATION",
    "EngineSettings",
    "EvalSettings",
    "Iteration",
    "Lora",
    "MixSettings",
    "Overlap",
    "Params",
    "Plateau",
    "QuestionSettings",
    "RuleName",
    "SamplingSettings",
    "Schedule",
    "Settings",
    "Source",
    "StrategyName",
    "StudentSettings",
    "TeacherModel",
    "TeacherSettings",
    "TrackingSettings",
    "TrainSettings",
    "VerifySettings",
    "check_params",
    "documented",
    "flat",
    "load_params",
]
