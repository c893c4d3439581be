"""Running programs that a model wrote, where they can hurt nothing.

    with Sandbox(params.verify) as sandbox:
        for result in sandbox.run(["answer = 6 * 7", "while True: pass"]):
            print(result.value, result.failure)     # 42 None, then None timeout

``isolation`` knows the walls, ``interpreter`` what of this Python may be seen behind them,
``servers`` starts fork servers behind the strongest ones, ``pool`` keeps the workers busy,
``inside`` is what runs within the walls, and ``results`` reads what comes from there. What is
covered and what is not stands in ``docs/security.md``.
"""

from siked.verification.sandbox.pool import Program, Sandbox
from siked.verification.sandbox.results import Result
