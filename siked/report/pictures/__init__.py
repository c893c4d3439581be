"""Pictures of a run, as Vega-Lite charts and from those as SVG or PNG without any network.

Charts are made from the rows of ``siked.report.plots``; the same rows give the same bytes. They
stand on a white ground of their own, so that they read the same on a light and on a dark page. In a
browser a point shows its numbers, and a click on a legend's entry shows that series alone.

    chart = accuracy_over_iterations(accuracy_rows(evaluations, chain), strategies=strategies)
    Path("accuracy.svg").write_text(svg(chart), encoding="utf-8")
"""

from siked.report.pictures.accuracies import (
    accuracy_over_iterations,
    choices_over_iterations,
    samples_over_k,
)
from siked.report.pictures.distributions import (
    bias_of_teacher,
    distributions_over_iterations,
    teacher_and_student,
)
from siked.report.pictures.look import FAINT, INK, MUTED, png, svg
from siked.report.pictures.shares import failures_over_iterations, losses, shares_over_iterations

__all__ = [
    "FAINT",
    "INK",
    "MUTED",
    "accuracy_over_iterations",
    "bias_of_teacher",
    "choices_over_iterations",
    "distributions_over_iterations",
    "failures_over_iterations",
    "losses",
    "png",
    "samples_over_k",
    "shares_over_iterations",
    "svg",
    "teacher_and_student",
]
