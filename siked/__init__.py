"""SIKeD: self-guided iterative knowledge distillation of math reasoning.

The library behind the pipeline: questions, rationales, verification, mixing, training and
analysis as functions on typed values. It knows nothing of DVC, and nothing in it reads
``params.yaml`` by itself; ``stages/`` does both.

Method: Adarsh et al., *SIKeD: Self-guided Iterative Knowledge Distillation for Mathematical
Reasoning*, arXiv 2410.18574.
"""

__version__ = "0.1.0"
