"""The typed settings of a run: every key of ``params.yaml``, documented where it is defined.

Everything is checked when it is read, before any work: an unknown key, a value of the wrong type
or a combination that cannot work is one line that names the key. The objects are frozen.
"""

from siked.settings.base import FIRST_ITERATION, RuleName, StrategyName
from siked.settings.engines import (
    AutoSettings,
    EngineSettings,
    OpenAISettings,
    RaySettings,
    TransformersSettings,
    VllmSettings,
    as_transformers,
)
from siked.settings.models import StudentSettings, TeacherModel, TeacherSettings
from siked.settings.params import NO_EFFECT, Params
from siked.settings.questions import QuestionSettings, Source
from siked.settings.reading import change_student, check_params, document_keys, flatten, load_params
from siked.settings.steps import Lora, MixSettings, Rival, Schedule, TrainSettings, VerifySettings
from siked.settings.tables import ENGINES, FORMATS, TRAINERS
