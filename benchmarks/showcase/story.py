"""The way round, step by step: train, serve, watch, label, retrain, promote, watch on.

Each step is done by the commands and requests that a user would type, against processes that run.
What had to happen is noted with what did. Knows nothing of figures and tables.
"""

import json
from collections.abc import Sequence
from contextlib import ExitStack

from showcase.cells import Cell, Parts, divide, mixed, write_class_folders
from showcase.journal import Event, Journal, Phase, Point, accuracy, percent, read_share
from showcase.judgement import judge_drift, judge_recovery
from showcase.monitor import Monitor
from showcase.service import Answer, Client
from showcase.workplace import MODEL, Workplace

FIRST, LABELLED, WATCHED, WINDOW = 644, 600, 300, 100
"""Cells that the first model learns from and that are labelled; monocrystalline cells before the
others come; images between two checks, and in the window of each."""

CLASS_MARGIN = 0.2
"""Fall of a class's recall that is accepted. Some seventy defective cells are tested on, which can
show that it fell by no more than 11 points, but not by no more than the 10 of the default."""

_EQUAL = 1e-9
_KEPT = ("accuracy", "accuracy_interval", "train_images", "test_images", "epochs")
"""Of the summary of the first training."""


class Story:
    """One way round in one folder."""

    def __init__(self, workplace: Workplace, journal: Journal) -> None:
        """Do nothing yet.

        Args:
            workplace: where it happens; its first model is kept from an earlier time.
            journal: that everything is noted in.
        """
        self._workplace, self._journal = workplace, journal
        self._parts = divide(FIRST, LABELLED)
        self._answers: list[Answer] = []

    def tell(self) -> None:
        """All of it.

        Raises:
            CommandError: if a command fails.
            RuntimeError: if a service does.
            TimeoutError: if a service takes too long.
        """
        parts, journal = self._parts, self._journal
        journal.figures["cells"] = {name: len(cells) for name, cells in vars(parts).items()}
        self._train_first()
        with ExitStack() as stack:
            server, url = self._workplace.start("api", MLOPSPROJ_API_ACCESS_LOG="0")
            stack.enter_context(server)
            self._client = Client(url, self._workplace.folder / "api")
            stack.callback(self._client.close)
            again = [*self._training(), "data.add=[feedback]"]
            self._monitor = Monitor(self._workplace, WINDOW, again)
            stack.callback(self._monitor.close)
            own = self._stream("mono", parts.own[:WATCHED], 1)
            new = self._stream("poly", parts.labelled, 1)
            judge_drift(journal, own, new)
            self._label(new)
            self._retrain()
            after = self._stream("mono and poly", self._later(parts), 2)
            judge_recovery(journal, own, new, after)

    @staticmethod
    def _later(parts: Parts) -> tuple[Cell, ...]:
        """Of both types as many as the second model was tested on of each; it has seen none."""
        count = min(len(parts.own), len(parts.unseen)) // WINDOW * WINDOW
        return mixed(parts.own[:count], parts.unseen[:count])

    def _training(self) -> list[str]:
        """How the first model is trained; more labels are added to it later on."""
        return [
            *("train", "experiment=solar_cells_mono", "logger=disabled", "output=json"),
            *("data.source=folders", f"data.path={self._workplace.folder / 'cells'}"),
            *(f"data.name={MODEL}", f"data.prepared_dir={self._workplace.folder / 'prepared'}"),
        ]

    def _train_first(self) -> None:
        folder = self._workplace.folder
        run, kept = folder / "first", folder / "first-registry"
        summary = run / "summary.json"
        if not summary.exists():
            write_class_folders(self._parts.first, folder / "cells")
            if (run / "checkpoints" / "last.ckpt").exists():
                self._workplace.run("train", f"resume={run}", "output=json")
            else:
                self._workplace.fresh(run)
                self._workplace.run(*self._training(), f"run_dir={run}", f"registry={kept}")
        # Whatever an earlier time made after the first model is made anew.
        self._workplace.begin_anew(kept)
        figures = json.loads(summary.read_text(encoding="utf-8"))
        self._journal.figures["first"] = {name: figures[name] for name in _KEPT}
        low, high = figures["accuracy_interval"]
        self._journal.expect(
            "a model of monocrystalline cells is trained and goes to production",
            happened=figures["alias"] == "production",
            found=f"{100 * figures['accuracy']:.1f} % ({100 * low:.1f} to {100 * high:.1f}) of"
            f" {figures['test_images']} test images",
        )

    def _stream(self, name: str, cells: Sequence[Cell], version: int) -> list[Answer]:
        """Send cells one after the other; each `WINDOW` of them is checked."""
        first = len(self._answers)
        checked = sum(point.version == version for point in self._journal.points)
        print(f"streaming {len(cells)} {name} cells to version {version}", flush=True)
        for place, cell in enumerate(cells, 1):
            self._answers.append(self._client.ask(cell))
            if place % WINDOW == 0:
                self._check(version, place // WINDOW + checked)
        own = self._answers[first:]
        self._journal.phases.append(Phase(name, first, len(self._answers), version))
        wrong = sorted({answer.version for answer in own} - {version})
        if wrong:
            raise RuntimeError(f"version {wrong[0]} answered instead of {version}")
        return own

    def _check(self, version: int, number: int) -> None:
        self._client.wait_until_logged()
        window = self._answers[-WINDOW:]
        found = self._monitor.check(version, number)
        estimate = found["estimated_accuracy"]
        point = Point(
            images=len(self._answers),
            window=int(found["images"]),
            version=int(found["version"]),
            verdict=str(found["verdict"]),
            p_value=found["p_value"],
            alpha=float(found["alpha"]),
            accuracy=accuracy(window).value,
            estimate=None if estimate is None else read_share(estimate),
            reference_accuracy=float(found["reference_accuracy"]["value"]),
            changed=tuple(found["changed"]),
        )
        self._journal.points.append(point)
        print(
            f"  {point.images:5} images: {point.verdict}, p={point.p_value:.4f}, right"
            f" {100 * point.accuracy:.0f} %, estimated {percent(point.estimate)}"
            f"{': ' + point.changed[0] if point.changed else ''}",
            flush=True,
        )

    def _label(self, answers: Sequence[Answer]) -> None:
        """Tell what the cells are that the alarm was about, in place of the people who know."""
        stored = sum(self._client.label(answer) for answer in answers)
        self._client.wait_until_logged()
        self._note(f"{len(answers)} labels")
        self._journal.expect(
            "labels are taken, with the images to learn from",
            happened=stored == len(answers),
            found=f"{stored} of {len(answers)}",
        )
        found = self._workplace.document(
            *("monitor", "check", "--model", f"{MODEL}:1", "--json"),
            *("--window-images", str(len(answers))),
            codes=(0, 3),
        )
        measured, true = found["accuracy"], accuracy(answers)
        self._journal.expect(
            "with the labels the monitor knows the accuracy itself",
            happened=measured is not None and abs(measured["value"] - true.value) < _EQUAL,
            found=percent(read_share(measured)) if measured else "none",
        )

    def _retrain(self) -> None:
        """Approve of the retraining that drift asked for; what comes out has to pass the gates."""
        journal = self._journal
        asked = self._monitor.waiting()
        journal.expect(
            "drift asks for a retraining, which waits for approval",
            happened=len(asked) == 1,
            found=f"{len(asked)} waiting",
        )
        done = self._monitor.approve(asked[0])
        journal.expect(
            "once approved, it is trained again, with the labels",
            happened=done["state"] == "done",
            found=done["state"] if done["state"] == "done" else done["detail"],
        )
        self._note("approved, retrained")
        answer = self._workplace.document(
            *("registry", "promote", f"{MODEL}@candidate", "--json"),
            *("--prepared-dir", str(self._workplace.folder / "prepared")),
            *("--class-margin", str(CLASS_MARGIN)),
            codes=(0, 3, 4),
        )
        journal.figures["gates"] = answer["gates"]
        told = [f"{gate['name']} {gate['verdict']} ({gate['figure']})" for gate in answer["gates"]]
        journal.expect(
            "the new model passes the gates",
            happened=answer["verdict"] == "pass",
            found="; ".join(told),
        )
        seconds = self._client.wait_for_version(2)
        self._note("promoted, reloaded")
        journal.expect(
            "the running service takes it over", happened=True, found=f"after {seconds:.1f} s"
        )

    def _note(self, what: str) -> None:
        self._journal.events.append(Event(len(self._answers), what))
