"""The typed settings of a run: every key of ``params.yaml``, documented where it is defined.

Everything is checked when it is read, before any work: an unknown key, a value of the wrong type
or a combination that cannot work is one line that names the key. The objects are frozen.
"""

from siked.settings.base import FIRST_ITERATION, RuleName, Settings, StrategyName
from siked.settings.engines import (
    AnyEngine,
    AutoSettings,
    EngineSettings,
    LocalEngine,
    OpenAISettings,
    RaySettings,
    TransformersSettings,
    VllmSettings,
    as_transformers,
)
from siked.settings.models import (
    SamplingSettings,
    StudentSettings,
    TeacherModel,
    TeacherSettings,
    TeachersSettings,
)
from siked.settings.params import NO_EFFECT, Params
from siked.settings.questions import Overlap, QuestionSettings, Source
from siked.settings.reading import change_student, check_params, documented, flat, load_params
from siked.settings.steps import (
    Bias,
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
from siked.settings.tables import ENGINES, FORMATS, TRAINERS

__all__ = [
    "ENGINES",
    "FIRST_ITERATION",
    "FORMATS",
    "NO_EFFECT",
    "TRAINERS",
    "AnyEngine",
    "AutoSettings",
    "Bias",
    "EngineSettings",
    "EvalSettings",
    "Iteration",
    "LocalEngine",
    "Lora",
    "MixSettings",
    "OpenAISettings",
    "Overlap",
    "Params",
    "Plateau",
    "QuestionSettings",
    "RaySettings",
    "RuleName",
    "SamplingSettings",
    "Schedule",
    "Settings",
    "Source",
    "StrategyName",
    "StudentSettings",
    "TeacherModel",
    "TeacherSettings",
    "TeachersSettings",
    "TrackingSettings",
    "TrainSettings",
    "TransformersSettings",
    "VerifySettings",
    "VllmSettings",
    "as_transformers",
    "change_student",
    "check_params",
    "documented",
    "flat",
    "load_params",
]
