"""SIKeD: self-guided iterative knowledge distillation of math reasoning.

The library behind the pipeline: questions, rationales, verification, mixing, training and
analysis as functions on typed values. It knows nothing of DVC, and nothing in it reads
``params.yaml`` by itself; ``stages/`` does both.

Method: Adarsh et al., *SIKeD: Self-guided Iterative Knowledge Distillation for Mathematical
Reasoning*, arXiv 2410.18574.

Importing it sets one variable for PyTorch, which reads it when it is loaded: how long OpenMP's idle
threads spin. What a user has set stays.
"""

import os

__version__ = "0.1.0"

# A thread that has done its share of a loop spins until the others have, 300,000 times by default.
# Where another program needs a core, the spinning thread uses up its time on the CPU, and when the
# next loop comes it has to wait for its turn. One that sleeps soon is woken at once.
# benchmarks/busy_neighbour.py has the figures.
if not os.environ.keys() & {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}:
    os.environ["GOMP_SPINCOUNT"] = "1000"
