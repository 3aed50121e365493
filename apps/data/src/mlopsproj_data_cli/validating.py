"""Every image of a source examined and checked, and the report written for people and programs.

    report.json    report.html

Knows nothing of arguments or of how the report is shown.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mlopsproj_core.errors import InvalidDataError
from mlopsproj_core.local_files import put_in_place
from mlopsproj_data import DataConfig
from mlopsproj_data.drafts import draft_of
from mlopsproj_data.labelling.log_location import log_for
from mlopsproj_data.preparation import examine_source, source_of
from mlopsproj_data.validation.checks import check
from mlopsproj_data.validation.findings import Report
from mlopsproj_data.validation.page import page

from mlopsproj_data_cli.next_command import train_command
from mlopsproj_data_cli.progress import progress_bar

REPORT: Final = "report.json"
PAGE: Final = "report.html"
FOLDER: Final = Path("validation")
"""Where reports are kept, a folder for each data set, unless another is named."""


@dataclass(frozen=True)
class Validation:
    """What was found, and where it is written.

    Attributes:
        report: of the source.
        folder: of the report as JSON and as a page.
        next_command: what a user would type now; none where the data must be mended first.
    """

    report: Report
    folder: Path
    next_command: str | None

    def raise_for_errors(self) -> None:
        """Say no to what training would refuse.

        Raises:
            InvalidDataError: if there are errors.
        """
        if self.report.errors:
            checks = ", ".join(finding.check for finding in self.report.errors)
            drop = ", or leave out what is wrong by data.drop_invalid=true"
            raise InvalidDataError(
                f"{self.report.name} is not fit for training ({checks}): mend it"
                f"{drop if self.next_command else ''}."
            )


def validate_data(config: DataConfig, out: Path | None) -> Validation:
    """Examine and check the source that a configuration names, and write the report.

    Args:
        config: the source, and how its images are made alike.
        out: folder of the report, which is made; `validation/` and the data set's name unless
            given.

    Raises:
        ConfigError: if the configuration contradicts itself.
        DataError: if the source cannot be read at all, or the report not written.
    """
    source = source_of(config, log=log_for(config))
    with progress_bar("examining images") as progress:
        examined = examine_source(
            source, validation_fraction=config.validation_fraction, progress=progress
        )
    report = check(source, examined)
    folder = out or FOLDER / source.name
    text = json.dumps(report.as_dict(), indent=2, ensure_ascii=False) + "\n"
    for name, content in ((PAGE, page(report, source)), (REPORT, text)):
        with draft_of(folder / name, "another folder by --out FOLDER") as draft:
            draft.write_text(content, encoding="utf-8")
            put_in_place(draft, folder / name)
    return Validation(report, folder, _next_command(config, report))


def _next_command(config: DataConfig, report: Report) -> str | None:
    if not report.errors:
        return train_command(config)
    if all(finding.droppable for finding in report.errors):
        return train_command(replace(config, drop_invalid=True))
    return None
