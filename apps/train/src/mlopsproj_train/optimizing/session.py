"""One climb from its model to what is published: try, time, choose, score the chosen on test.

Each step is a call into a neighbour; here stand only their order and what is kept.
"""

import logging
import shlex
import shutil
from pathlib import Path
from typing import Any

from mlopsproj_core.bundle import EVALUATION, MODEL, Bundle
from mlopsproj_core.cpu import available_cpus, cpu_name, instruction_sets
from mlopsproj_core.errors import GateRefusedError, UndecidedError
from mlopsproj_core.registry import Registry
from mlopsproj_core.settings import Settings
from mlopsproj_evaluation import Comparison, Scores, Verdict, compare
from mlopsproj_evaluation.latency import Ratio
from mlopsproj_mirror import mirror_changes

from mlopsproj_train.answers import answer_console, print_json
from mlopsproj_train.arguments import quoted
from mlopsproj_train.config import Output
from mlopsproj_train.devices import use_available_cpus
from mlopsproj_train.logs import set_up_logging
from mlopsproj_train.optimizing.checks import check_settings
from mlopsproj_train.optimizing.choice import Standing, choose
from mlopsproj_train.optimizing.climbing import climb
from mlopsproj_train.optimizing.config import OptimizeConfig
from mlopsproj_train.optimizing.documents import write_document
from mlopsproj_train.optimizing.figures import draw_variants
from mlopsproj_train.optimizing.folder import held
from mlopsproj_train.optimizing.ladder import make_ladder
from mlopsproj_train.optimizing.parent import find_parent
from mlopsproj_train.optimizing.publication import CHOSEN, publish_chosen
from mlopsproj_train.optimizing.report import Findings, as_document, table
from mlopsproj_train.optimizing.times import read_times, times_key, write_times
from mlopsproj_train.optimizing.timing import Case, overall, slower_at, time_variants
from mlopsproj_train.optimizing.workshop import BASELINE, Workshop

logger = logging.getLogger(__name__)


def optimise(config: OptimizeConfig, *, own_data: bool) -> dict[str, Any]:
    """Climb, choose, publish, and print what came out.

    Args:
        config: of the climb.
        own_data: take the data set that the model was trained on in place of `config.data`.

    Returns:
        What `report.json` holds.

    Raises:
        ConfigError: if a setting is out of range, or the data is not the model's.
        GateRefusedError: if no variant is faster and good enough.
        UndecidedError: if one may be, but the evidence does not suffice.
        MlopsprojError: if the model cannot be found or read.
        KeyboardInterrupt: if the user ended it, saying how to go on.
    """
    set_up_logging()
    use_available_cpus()
    check_settings(config)
    registry = Registry(config.registry or Settings().registry_url)
    parent = find_parent(config, registry, own_data=own_data)
    logger.info("optimising %s, trained on %s", parent.version, parent.dataset.name)
    name = f"{parent.version.name}-{parent.version.number}"
    folder = Path(config.out or f"optimizations/{name}")
    workshop = Workshop(parent, config, folder)
    with held(folder, parent):
        try:
            climb(workshop, make_ladder(config))
            findings = _find(workshop)
            document = as_document(findings)
            write_document(document, folder / "report.json")
            draw_variants(findings, folder / "variants.png")
            if (folder / CHOSEN).exists():
                shutil.rmtree(folder / CHOSEN)
            if findings.choice.variant is not None:
                document |= publish_chosen(workshop, registry, findings.choice)
                mirror_changes(registry, Settings().wandb_registry, [parent.version.name])
                write_document(document, folder / "report.json")
        except KeyboardInterrupt as interrupt:
            text = f"{str(interrupt) or 'Interrupted.'} Go on with the same command."
            raise KeyboardInterrupt(text) from interrupt
    _answer(config, findings, document, folder)
    return document


def _find(workshop: Workshop) -> Findings:
    times, key = workshop.folder / "times.json", times_key(workshop)
    kept = read_times(times, key)
    if kept is None:
        kept = time_variants(workshop)
        write_times(times, key, *kept)
    else:
        logger.info("timed before: %s", times)
    cases, torch_reasons = kept
    standings = _standings(workshop, cases)
    accept = workshop.config.accept_undecided is not None
    return Findings(
        parent=str(workshop.parent.version),
        budget=workshop.config.budget,
        machine={
            "cpu": cpu_name(),
            "instruction_sets": list(instruction_sets()),
            "cores": available_cpus(),
            "int8_saturates": workshop.reduced_range,
        },
        outcomes=workshop.outcomes,
        standings=standings,
        cases=cases,
        torch=torch_reasons,
        choice=choose(standings[1:], accept_undecided=accept),
    )


def _standings(workshop: Workshop, cases: list[Case]) -> list[Standing]:
    parent = Scores.read(workshop.bundle(BASELINE) / EVALUATION)
    found = []
    for name in workshop.standing:
        bundle = Bundle.open(workshop.bundle(name))
        comparison = compare(
            Scores.read(bundle.path / EVALUATION), parent, margin=workshop.config.budget
        )
        speedup = overall(cases, name) if name != BASELINE else Ratio(1.0, 1.0, 1.0, 0)
        size = (bundle.path / MODEL).stat().st_size
        accuracy = bundle.manifest.metrics["accuracy"]
        slower = slower_at(cases, name) if name != BASELINE else ()
        found.append(Standing(name, size, accuracy, comparison, speedup, slower))
    return found


def _answer(
    config: OptimizeConfig, findings: Findings, document: dict[str, Any], folder: Path
) -> None:
    if config.output is Output.json:
        print_json(document)
    else:
        console = answer_console()
        console.print(table(findings))
        sets = ", ".join(findings.machine["instruction_sets"]) or "unknown"
        console.print(f"{findings.machine['cpu']}: {sets}", soft_wrap=True)
        console.print(f"report.json and variants.png: {folder}", soft_wrap=True)
    choice = findings.choice
    if choice.variant is None:
        text = f"Nothing was published: {choice.reason}."
        if choice.verdict is Verdict.undecided:
            raise UndecidedError(
                f"{text} Take the risk by accept_undecided=REASON, or accept more by budget=…."
            )
        raise GateRefusedError(text)
    if document["published"] is None:
        raise GateRefusedError(
            f"Nothing was published: {choice.variant.name} was good enough on validation images,"
            f" and is not on test: {_tested(document['test']['comparison'])}."
        )
    if config.output is Output.table:
        tested = document["test"]
        console.print(f"{choice.variant.name}: {choice.reason}", soft_wrap=True)
        console.print(f"on test: {_tested(tested['comparison'])}", soft_wrap=True)
        option = f" --registry {shlex.quote(quoted(config.registry))}" if config.registry else ""
        console.print(
            f"published {document['published']}; next: uv run registry promote"
            f" {document['published']}{option}",
            soft_wrap=True,
        )


def _tested(values: dict[str, Any]) -> str:
    found = Comparison(**values)
    return (
        f"{100 * found.difference:+.2f} points ({100 * found.low:+.2f} to"
        f" {100 * found.high:+.2f}) on {found.images:,} images, {found.verdict.value}"
    )
