"""Overlays and report of a run, from one look at its pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mambaad_cli import console
from mambaad_cli.data.index import pictures_root
from mambaad_cli.engine.detector import Detector
from mambaad_cli.engine.gallery import Row, Seen, look, threshold_of
from mambaad_cli.engine.reporting import describe
from mambaad_cli.engine.results import Evaluation, read_evaluation
from mambaad_cli.engine.runs import read_recipe
from mambaad_cli.errors import DataError, Interrupted
from mambaad_cli.render.overlay_pool import Draw, overlay_pool
from mambaad_cli.render.overlays import caption, overlap
from mambaad_cli.render.report import ReportPicture, write_report
from mambaad_cli.render.tables import HEADERS, percent


@dataclass(frozen=True)
class ShownRun:
    """A run that has been evaluated, its network, and the folder that its test pictures are in."""

    evaluation: Evaluation
    detector: Detector
    root: Path

    @property
    def run(self) -> Path:
        """Its folder."""
        return self.detector.run


def open_run(run: Path, data_dir: Path, device: str) -> ShownRun:
    """A run's folder, ready to be drawn.

    Raises:
        RunError: no checkpoint, or no evaluation yet.
        DataError: its dataset is not there.
    """
    evaluation = read_evaluation(run)
    root = pictures_root(read_recipe(run).data.dataset, data_dir)
    return ShownRun(evaluation, Detector.load(run, device), root)


@dataclass(frozen=True)
class Wanted:
    """What is to be drawn.

    Attributes:
        rows: the pictures that get an overlay.
        folder: where the overlays go, as <category>/<defect>/<name>.
        suffix: format of the overlays: ".png", ".jpg" or ".webp".
        scales: show the map of each scale in the overlays too.
        report: the page to write about the whole run, or None.
        single_file: put the pictures into the page.
    """

    rows: Sequence[Row] = ()
    folder: Path = Path("overlays")
    suffix: str = ".png"
    scales: bool = False
    report: Path | None = None
    single_file: bool = False


@dataclass(frozen=True)
class Drawn:
    """What was drawn: the overlays, and what could not be because a picture or mask is gone."""

    overlays: list[Path]
    problems: list[str]

    def complain(self) -> None:
        """Raise a `DataError` if there were problems."""
        if not self.problems:
            return
        first = "\n".join(f"  {problem}" for problem in self.problems[:5])
        more = f"\n  ... and {len(self.problems) - 5} more" if len(self.problems) > 5 else ""
        raise DataError(
            f"the evaluation knows pictures or masks that cannot be read now; all others are drawn:\n"
            f"{first}{more}",
            "put them back, or measure what is there: mambaad eval",
        )


def draw_run(shown: ShownRun, wanted: Wanted, batch_size: int = 8) -> Drawn:
    """Draw overlays, report or both; each picture goes through the network once.

    Raises:
        Interrupted: by Ctrl-C; overlays that are there are whole, an earlier report is untouched.
    """
    evaluation = shown.evaluation
    rows = evaluation.scores if wanted.report else wanted.rows
    targets = _targets(wanted)
    drawn = Drawn([], [])

    def views(draw: Draw) -> Iterator[ReportPicture]:
        for seen in look(shown.detector, shown.root, rows, batch_size, wanted.scales):
            drawn.problems.extend(seen.problems)
            target = targets.get(seen.row["image"])
            if target and seen.picture is not None:
                _overlay(evaluation, seen, target, draw)
                drawn.overlays.append(target)
            advance(1, seen.row["category"])
            yield _for_report(seen)

    try:
        with console.task("drawing", len(rows)) as advance, overlay_pool(len(targets)) as draw:
            if wanted.report:
                report = describe(shown.run, evaluation)
                write_report(report, views(draw), wanted.report, single_file=wanted.single_file)
            else:
                for _ in views(draw):
                    pass
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped after about {len(drawn.overlays)} of {len(targets)} overlays, which are kept",
            f"draw again: mambaad visualize {shown.run.name}",
        ) from None
    return drawn


def _targets(wanted: Wanted) -> dict[str, Path]:
    """The file of each overlay, by picture; where two would get one name, they keep their folders' names."""
    short = {row["image"]: PurePosixPath(row["image"]).stem for row in wanted.rows}
    places = Counter((row["category"], row["defect"], short[row["image"]]) for row in wanted.rows)
    targets = {}
    for row in wanted.rows:
        name = short[row["image"]]
        if places[row["category"], row["defect"], name] > 1:
            name = row["image"].replace("/", "-")
        targets[row["image"]] = wanted.folder / row["category"] / row["defect"] / f"{name}{wanted.suffix}"
    return targets


def _overlay(evaluation: Evaluation, seen: Seen, path: Path, draw: Draw) -> None:
    assert seen.picture is not None
    assert seen.anomaly_map is not None
    low, high = evaluation.scale
    row, category = seen.row, seen.row["category"]
    threshold = min(threshold_of(evaluation, "pixel", category), high)
    share = None if seen.mask is None else overlap(seen.anomaly_map, seen.mask, threshold)
    draw(
        path,
        seen.picture,
        seen.anomaly_map,
        mask=seen.mask,
        threshold=threshold,
        vmin=low,
        vmax=high,
        title=caption(
            category, row["defect"], row["score"], threshold_of(evaluation, "image", category), share
        ),
        note=f"colours are the same in every picture of the run; {_metrics(evaluation, category)}",
        scales=seen.scales,
    )


def _metrics(evaluation: Evaluation, category: str) -> str:
    values = evaluation.categories[category].metrics.values
    shown = (name for name in ("image_auroc", "pixel_ap", "pixel_aupro") if values.get(name) is not None)
    return f"{category} " + ", ".join(f"{HEADERS[name]} {percent(values[name])}" for name in shown)


def _for_report(seen: Seen) -> ReportPicture:
    row = seen.row
    return ReportPicture(
        name=row["image"],
        category=row["category"],
        defect=row["defect"],
        label=row["label"],
        score=row["score"],
        picture=seen.picture,
        anomaly_map=seen.anomaly_map,
        mask=seen.mask,
    )
