"""The report: one HTML file that needs no network and can be sent to anyone.

    run = Report(load_params(Path("params.yaml")))
    Path("page.html").write_text(render(run), encoding="utf-8")

``render`` shows what a run's files say, so the same run gives the same bytes. Times and hardware
are no part of a run's files: ``render(run, measured(Path()))`` adds this machine's.
"""
