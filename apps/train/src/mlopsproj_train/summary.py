"""What a run ends with: `summary.json`, and the same as a table with the next command.

Knows nothing of how the figures came about.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mlopsproj_core.local_files import put_in_place
from rich.console import Console
from rich.table import Table

from mlopsproj_train.publishing import PREDICT


@dataclass(frozen=True)
class Summary:
    """The outcome of one run.

    Attributes:
        model: name in the registry.
        version: number in the registry.
        alias: that points at the version now.
        data: name of the data set.
        data_fingerprint: of its images, labels and splits.
        train_images: that were trained on.
        test_images: that it was judged on.
        accuracy: on the test set, 0 to 1.
        accuracy_interval: 95 %, low and high.
        epochs: that were trained.
        train_seconds: of training and validation.
        images_per_second: of training alone.
        run_dir: folder of the run.
        registry: URL.
        next_command: what a user would type now.
    """

    model: str
    version: int
    alias: str
    data: str
    data_fingerprint: str
    train_images: int
    test_images: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    epochs: int
    train_seconds: float
    images_per_second: float
    run_dir: str
    registry: str
    next_command: str

    def write(self, path: Path) -> None:
        """Write the JSON document, at once: a run with a summary is done."""
        draft = path.with_name(f".{path.name}")
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        put_in_place(draft, path)

    def print_table(self, console: Console) -> None:
        """Show it to a person."""
        low, high = self.accuracy_interval
        epochs = f"{self.epochs} epoch{'s' if self.epochs > 1 else ''}"
        # Where it needs no setting, since a service has its settings from the environment.
        serve = "uv run api, or " if self.next_command == PREDICT else ""
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        table.add_column(style="cyan")
        table.add_column(overflow="fold")
        for name, value in (
            (
                "data",
                f"{self.data}: {self.train_images:,} training and {self.test_images:,} test images",
            ),
            (
                "accuracy",
                f"{self.accuracy:.4f}  (95 % interval {low:.4f} to {high:.4f})",
            ),
            ("time", f"{self.train_seconds:.1f} s for {epochs}"),
            ("images/s", f"{self.images_per_second:,.0f}"),
            ("run folder", self.run_dir),
            ("model version", f"{self.model}:{self.version} ({self.alias}) in {self.registry}"),
            ("next", f"{serve}{self.next_command}"),
        ):
            table.add_row(name, value)
        console.print(table)
