"""The command `data`: what is in labelled images, what is wrong with them, and how they are kept.

Only reads arguments and shows answers; Arrow, Pillow and the rest are imported where they are
needed, so that `data --help` answers at once.
"""

import json
import logging
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from mlopsproj_core.command import run_command
from mlopsproj_data.config import DataConfig

from mlopsproj_data_cli.flags import takes_data

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # help answers at once, and is not cut in a pipe
    help="Labelled images: what is wrong with them, and how training keeps them.",
    epilog="PATH is anything that holds labelled images; without it, the embedded sample is meant.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
Out = Annotated[Path, typer.Argument(help="Folder that does not exist yet, or is empty.")]


def main() -> None:
    """Run the command with this process's arguments; messages go to stderr."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("mlopsproj_data").setLevel(logging.INFO)
    # What it says of a prepared data set is the answer.
    logging.getLogger("mlopsproj_data.preparation").setLevel(logging.WARNING)
    run_command(lambda: app(prog_name="data"))


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2))


@app.command()
@takes_data(drop_invalid=False)
def validate(
    config: DataConfig,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report; validation/NAME unless given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong with the images and their labels.

    Ends with 3 if training would refuse them, with 0 if there is nothing to tell or only warnings.

    Example: data validate photos
    """
    from mlopsproj_data_cli.validating import PAGE, REPORT, validate_data
    from mlopsproj_data_cli.views import print_facts, print_report

    answer = validate_data(config, out)
    if as_json:
        _print_json(answer.report.as_dict())
    else:
        print_report(answer.report)
        next_command = [("next", answer.next_command)] if answer.next_command else []
        print_facts(
            [
                ("page", str(answer.folder / PAGE)),
                ("report", str(answer.folder / REPORT)),
                *next_command,
            ]
        )
    answer.raise_for_errors()


@app.command()
@takes_data(drop_invalid=True)
def prepare(config: DataConfig, *, as_json: AsJson = False) -> None:
    """Decode and resize all images once, for all trainings.

    What was prepared before is found again, at once, when nothing changed.

    Example: data prepare photos --image-size 64
    """
    from mlopsproj_data_cli.preparing import prepare_data
    from mlopsproj_data_cli.views import print_prepared

    answer = prepare_data(config)
    if as_json:
        _print_json(answer)
    else:
        print_prepared(answer)


@app.command()
@takes_data(drop_invalid=True)
def stats(
    config: DataConfig,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the card; cards/NAME unless given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the card of a data set, with a contact sheet.

    Example: data stats photos
    """
    from mlopsproj_data.card import write_card
    from mlopsproj_data.facts import describe

    from mlopsproj_data_cli.next_command import train_command
    from mlopsproj_data_cli.preparing import prepare_with_progress
    from mlopsproj_data_cli.views import print_facts

    dataset = prepare_with_progress(config)
    facts = describe(dataset)
    card = write_card(dataset, facts, out or Path("cards") / dataset.name)
    if as_json:
        _print_json({**facts, "card": str(card)})
    else:
        print_facts([("card", str(card)), ("next", train_command(config))])


@app.command()
def sample(out: Out, *, as_json: AsJson = False) -> None:
    """Write the embedded sample as a folder of image files.

    Every command can be tried on it as on photographs of one's own.

    Example: data sample photos
    """
    from mlopsproj_data.sample_folder import FOLDERS, write_sample_folder
    from mlopsproj_data.sources.fashion_mnist import SAMPLE_PER_CLASS

    from mlopsproj_data_cli.progress import progress_bar

    with progress_bar("writing images") as progress:
        write_sample_folder(out, progress=progress)
    counts = {split: count * len(FOLDERS) for split, count in SAMPLE_PER_CLASS.items()}
    if as_json:
        _print_json({"folder": str(out), "counts": counts, "classes": FOLDERS})
        return
    typer.echo(f"{out} holds {counts['train']:,} training and {counts['test']:,} test images.")
    for name, folder in FOLDERS.items():
        if name != folder:
            typer.echo(f"{name} lies in {folder}.")
    typer.echo(f"next  uv run data validate {shlex.quote(str(out))}")


@app.command()
def select(
    *,
    count: Annotated[int, typer.Option(min=1, help="How many predictions, at most.")] = 50,
    model: Annotated[
        str | None,
        typer.Option(help="NAME or NAME:VERSION; the version that answered last unless given."),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=TIMES, help="Only from this time on, UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=TIMES, help="Only before this time, UTC.")
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(help="Write images, a table to fill in and a page to a new folder."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the predictions that are most worth a label.

    Those that the model is unsure of or that are far from what it knows, and that are unlike each
    other; not labelled yet, with an image that is kept.

    Example: data select --count 20 --export to-label
    """
    from mlopsproj_data.labelling.log_location import log_location

    from mlopsproj_data_cli.selecting import export_selection, label_command, select_predictions
    from mlopsproj_data_cli.views import print_facts, print_selection

    log = log_location()
    times = {"since": _utc(since), "until": _utc(until)}
    selection = select_predictions(log, count, model=model, **times)
    sheet = None if export is None else export_selection(log, selection, export)
    document = selection.as_dict()
    if sheet is not None:
        document["export"] = {
            "folder": str(sheet.path),
            "images": sheet.images,
            "left_out": dict(sheet.left_out),
            "next_command": label_command(sheet.table),
        }
    if as_json:
        _print_json(document)
        return
    print_selection(document)
    if sheet is None:
        print_facts([("next", "uv run data select --export FOLDER")])
        return
    lost = [("left out", f"{len(sheet.left_out):,}: {'; '.join(set(sheet.left_out.values()))}")]
    print_facts(
        [
            ("page", str(sheet.page)),
            ("table", f"{sheet.table}: fill in the column label"),
            *(lost if sheet.left_out else []),
            ("next", label_command(sheet.table)),
        ]
    )


@app.command()
def label(
    table: Annotated[Path, typer.Argument(help="With the columns prediction_id and label.")],
    *,
    actor: Annotated[
        str | None, typer.Option(help="Who says so; who runs this unless given.")
    ] = None,
    new_classes: Annotated[
        bool, typer.Option("--new-classes", help="Take labels that the model has no class for.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Record the labels that a person filled into a table.

    All of them, or none if a row is wrong. Rows whose label is blank, or was told already, change
    nothing.

    Example: data label to-label/labels.csv --actor anna
    """
    from mlopsproj_data.labelling.log_location import log_location

    from mlopsproj_data_cli.labelling import tell
    from mlopsproj_data_cli.views import print_facts

    told = tell(log_location(), table, actor, new_classes=new_classes)
    total = sum(told.labels.values())
    if as_json:
        _print_json(
            {"told": total, "labels": told.labels, "blank": told.blank, "known": told.known}
        )
        return
    each = ", ".join(f"{name} {number:,}" for name, number in told.labels.items())
    print_facts(
        [
            ("told", f"{total:,}" + (f" ({each})" if each else "")),
            ("blank", f"{told.blank:,}"),
            ("known", f"{told.known:,} were told before"),
            ("next", "uv run train 'data.add=[feedback]'"),
        ]
    )


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=UTC)
