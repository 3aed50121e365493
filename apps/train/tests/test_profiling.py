import io
import json
import logging
from dataclasses import replace

import pytest
from mlopsproj_train.profiling import PhaseTimes, StepTrace
from rich.console import Console


@pytest.fixture(scope="session")
def profiled(tiny_config, tiny_dataset, tmp_path_factory):
    """A training of 18 steps with its phases; the folder holds the trace."""
    from mlopsproj_data import DataModule
    from mlopsproj_train.fitting import fit
    from mlopsproj_train.planning import new_module
    from mlopsproj_train.run_folder import RunFolder

    config = replace(tiny_config, trainer=replace(tiny_config.trainer, max_epochs=3))
    folder = RunFolder(tmp_path_factory.mktemp("profiled"))
    phases = PhaseTimes()
    data = DataModule(tiny_dataset, batch_size=16)
    fitted = fit(
        new_module(config, tiny_dataset), data, config, folder, tracker=None, phases=phases
    )
    return phases, folder, fitted


def test_every_phase_is_timed_once(profiled):
    phases, _, _ = profiled
    table = phases.table()
    assert list(table) == [
        "data",
        "forward",
        "backward",
        "optimiser",
        "validation",
        "logging, callbacks and checkpoints",
    ]
    assert all(seconds > 0 for seconds in table.values())
    epochs = sum(phases.recorded_durations["run_training_epoch"])
    assert sum(table.values()) == pytest.approx(epochs)
    steps = 18
    for endings in phases_of_a_step():
        calls = [
            action
            for action, seconds in phases.recorded_durations.items()
            if action.endswith(endings) and "[Callback]" not in action
            for _ in seconds
        ]
        assert len(calls) == steps, set(calls)


def phases_of_a_step():
    from mlopsproj_train import profiling

    return profiling._FORWARD, profiling._BACKWARD, profiling._OPTIMISER


def test_the_table_shows_seconds_and_shares(profiled):
    phases, _, _ = profiled
    console = Console(file=io.StringIO(), width=100)
    phases.print_table(console)
    text = console.file.getvalue()
    for phase in phases.table():
        assert phase in text
    shares = [float(word.rstrip("%")) for word in text.split() if word.endswith("%")]
    assert sum(shares) == pytest.approx(100, abs=0.5)


def test_without_a_training_there_is_nothing_to_share():
    assert set(PhaseTimes().table().values()) == {0.0}
    PhaseTimes().print_table(Console(file=io.StringIO()))


def test_a_trace_of_some_steps_is_written(profiled):
    _, folder, _ = profiled
    events = json.loads((folder.path / "trace.json").read_text())["traceEvents"]
    names = {event.get("name", "") for event in events}
    assert any("convolution" in name for name in names)
    steps = {name for name in names if name.startswith("ProfilerStep#")}
    assert len(steps) == 8


def test_too_few_steps_for_a_trace_are_told(tiny_config, tmp_path, train_only, caplog):
    caplog.set_level(logging.INFO)
    config = replace(tiny_config, trainer=replace(tiny_config.trainer, max_epochs=1))
    train_only(config, tmp_path, phases=PhaseTimes())
    assert "no profiler trace: 6 steps are too few" in caplog.text
    assert not (tmp_path / "trace.json").exists()


def test_an_interrupted_profile_lets_the_next_begin(tiny_config, tmp_path, train_only):
    config = replace(tiny_config, trainer=replace(tiny_config.trainer, max_epochs=3))
    with pytest.raises(KeyboardInterrupt):
        train_only(config, tmp_path / "one", interrupt_at=10, phases=PhaseTimes())
    train_only(config, tmp_path / "two", phases=PhaseTimes())
    assert (tmp_path / "two" / "trace.json").exists()


def test_a_trace_that_never_began_is_stopped(tmp_path):
    StepTrace(tmp_path / "trace.json").on_exception(None, None, KeyboardInterrupt())
