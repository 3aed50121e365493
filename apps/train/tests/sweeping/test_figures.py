"""What is drawn, on the axes of the figures themselves."""

import pytest
from matplotlib.figure import Figure
from mlopsproj_train.config import TrainConfig
from mlopsproj_train.sweeping.figures import draw_figures
from mlopsproj_train.sweeping.outcomes import Outcome, TrialResult
from mlopsproj_train.sweeping.search_space import SearchSpace

SPACE = SearchSpace.read(
    {
        "optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True},
        "trainer.batch_size": {"low": 8, "high": 32},
        "model.network.widths": {"choices": [[8], [16]]},
        "seed": {"low": 0, "high": 9},
    },
    TrainConfig(),
)


def row(number, outcome, *accuracies, lr="0.01", widths="[8]"):
    settings = {"optimizer.lr": lr, "trainer.batch_size": "16", "model.network.widths": widths}
    return TrialResult(number, number, outcome, settings | {"seed": "1"}, accuracies, None)


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were saved, by the beginning of their first title."""
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *args, **kw: (figures.append(self), save(self, *args, **kw))
    )
    return figures


def test_two_processes_may_draw_at_once(tmp_path, monkeypatch):
    rows, folder, save = [row(0, Outcome.complete, 0.5, 0.6)], tmp_path / "figures", Figure.savefig

    def save_while_another_draws(self, *args, **kw):
        save(self, *args, **kw)
        monkeypatch.setattr(Figure, "savefig", save)
        draw_figures(rows, SPACE, {}, folder)

    monkeypatch.setattr(Figure, "savefig", save_while_another_draws)
    paths = draw_figures(rows, SPACE, {}, folder)
    assert sorted(folder.iterdir()) == sorted(paths)


def test_the_course_the_epochs_and_the_settings_are_drawn(tmp_path, drawn):
    rows = [
        row(0, Outcome.complete, 0.5, 0.6),
        row(1, Outcome.pruned, 0.2, lr="0.1"),
        row(2, Outcome.complete, 0.7, 0.8, widths="[16]"),
        row(3, Outcome.failed),
    ]
    paths = draw_figures(rows, SPACE, {"optimizer.lr": 0.75}, tmp_path / "figures")
    assert [path.name for path in paths] == ["history.png", "epochs.png", "settings.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    assert sorted(tmp_path.glob("figures/*")) == sorted(paths)
    history, epochs, settings = drawn
    (best,) = history.axes[0].lines
    assert list(best.get_xdata()) == [0, 2]
    assert list(best.get_ydata()) == [0.6, 0.8]
    assert [list(line.get_ydata()) for line in epochs.axes[0].lines] == [
        [0.5, 0.6],
        [0.2],
        [0.7, 0.8],
    ]
    titles = [axes.get_title() for axes in settings.axes]
    assert titles[:4] == [
        *("optimizer.lr (importance 0.75)", "trainer.batch_size", "model.network.widths", "seed")
    ]
    assert [axes.get_visible() for axes in settings.axes] == [True] * 4 + [False] * 2
    assert settings.axes[0].get_xscale() == "log"
    assert [text.get_text() for text in settings.axes[2].get_xticklabels()] == ["[8]", "[16]"]


def test_before_a_trial_has_a_figure_nothing_is_drawn(tmp_path):
    rows = [row(0, Outcome.failed), row(1, Outcome.running, 0.4)]
    assert draw_figures(rows, SPACE, {}, tmp_path / "figures") == []
    assert not list(tmp_path.iterdir())
