"""What the vLLM engine answers, for tests whose own environment has no vLLM.

Run by the interpreter of an environment that has, with one JSON object on standard input:

    {"settings": {"name": "vllm", ...}, "folder": "...", "adapter": null, "journal": "...",
     "unmerged": false,
     "asked": [{"prompts": [{"question_id": "", ...}], "sampling": {...}, "take": null}]}

The answers go to the file that the first argument names: for each request a list of completions,
or the line that says why there is none. With ``take`` the process is killed after so many.
"""

import dataclasses
import itertools
import json
import os
import signal
import sys
from pathlib import Path

from siked.errors import UserError
from siked.generation import vllm as vllm_engine
from siked.generation.engine import Sampling, open_engine
from siked.generation.journal.engine import open_journaled
from siked.prompts import Prompt
from siked.settings import VllmSettings


def main():
    told = json.load(sys.stdin)
    settings = VllmSettings(**told["settings"])
    adapter = told["adapter"] and Path(told["adapter"])
    if told["unmerged"]:
        vllm_engine.merges = lambda *_: False
    if told["journal"]:
        journal = Path(told["journal"])
        engine = open_journaled(settings, Path(told["folder"]), adapter, journal=journal)
    else:
        engine = open_engine(settings, Path(told["folder"]), adapter)
    answers = []
    for one in told["asked"]:
        prompts = [Prompt(**prompt) for prompt in one["prompts"]]
        sampling = Sampling(**{**one["sampling"], "stop": tuple(one["sampling"]["stop"])})
        try:
            found = itertools.islice(engine.generate(prompts, sampling), one["take"])
            answers.append([dataclasses.asdict(completion) for completion in found])
        except UserError as error:
            answers.append(str(error))
        if one["take"] is not None:
            os.kill(os.getpid(), signal.SIGKILL)
    Path(sys.argv[1]).write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
