"""An open database, and what it gives to notebooks and scripts."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ageui.api.frames import epochs_frame, runs_frame
from ageui.api.shown import ShownComparison, ShownRun
from ageui.files.database_path import database_path, real_path
from ageui.planning.stored_comparison import compare_stored
from ageui.store import RunDetail, Store
from ageui.store.connect import open_as_is
from ageui.store.example import copy_sentence, opened_path, shipped_example
from ageui.store.migrations import MIGRATIONS
from ageui.text.sentences import counted
from engine.errors import ConfigError, StoreError

if TYPE_CHECKING:
    import pandas as pd

    from engine.age_predictor import AgePredictor

RunReference = int | str
"""A run's id, its name, or a filter that matches one run."""


class Database:
    """An open database of runs, made by `ageui.open` and closed by `close` or a with statement.

    Runs are named as in commands: by id, by name, or by a filter. Objects stay valid after the database is closed.
    Methods raise `ConfigError` for a run, filter or option that is wrong, and `StoreError` if the file cannot be read.

    Examples
    --------
    >>> import ageui
    >>> db = ageui.demo()
    >>> db
    <Database runs.db: 253 runs>
    >>> db.runs("tag=demo mae<7.5")[["name", "loss", "mae"]].round(2).head(2)
                 name loss   mae
    id
    55   mellow-mouse  mse  7.44
    54  swift-warbler  mse  7.41
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def path(self) -> Path:
        """The file, without symbolic links."""
        return self._store.path

    def close(self) -> None:
        """Closes the file."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Database {self.path.name}: {counted(self._store.runs.count(), 'run')}>"

    def runs(
        self, filter: str = "", *, split: str | None = None, sort: str = "-id", limit: int | None = None
    ) -> "pd.DataFrame":
        """The runs that match a filter, a row per run.

        Parameters
        ----------
        filter
            Terms as in `ageui ls`, such as `loss=mape mae<8`; no term means all runs that are not archived.
        split
            The split whose figures to give; by default test if it has labels, else valid, else train.
        sort
            A field, after `-` from high to low.
        limit
            The largest number of runs.

        Returns
        -------
        pandas.DataFrame
            Indexed by id: name, status, tags, times and note; the settings; then `split`, `images`, `mae`, a column for
            the bias of each attribute (`gender`), its signed gap (`gender_signed`), and their 95% intervals
            (`mae_low`, `mae_high`) and p-values of no bias (`gender_p`), in years.

        Examples
        --------
        >>> import ageui
        >>> db = ageui.demo()
        >>> runs = db.runs("tag=demo")
        >>> runs.groupby("loss")["mae"].mean().round(2).to_dict()
        {'mape': 9.88, 'mse': 7.44}
        """
        return runs_frame(self._store, filter, split=split, sort=sort, limit=limit)

    def run(self, run: RunReference) -> ShownRun:
        """A run with its settings, history and scores. A notebook shows its curves and tables.

        Examples
        --------
        >>> import ageui
        >>> ageui.demo().run("placid-oyster")
        <Run 52 placid-oyster: done, MAE 7.39 on valid>
        """
        return ShownRun(self._detail(run))

    def history(self, run: RunReference) -> "pd.DataFrame":
        """The epochs of a run, a row each: losses on ages divided by 100, `val_mae` and `val_gender` etc. in years.

        Examples
        --------
        >>> import ageui
        >>> ageui.demo().history("placid-oyster")[["train_loss", "val_loss"]].round(4).head(2)
               train_loss  val_loss
        epoch
        1          0.0224    0.0173
        2          0.0146    0.0134
        """
        return epochs_frame(self._detail(run).history)

    def steps(self, run: RunReference) -> "pd.Series[float]":
        """The train loss of a run by step, for the steps that were stored."""
        import pandas as pd

        points = self._store.runs.metric(self._store.runs.find_one(str(run)), "step/loss")
        index = pd.Index([step for step, _ in points], name="step")
        return pd.Series([loss for _, loss in points], index=index, name="loss", dtype="float64")

    def predictions(self, run: RunReference, split: str | None = None) -> "pd.DataFrame":
        """A run's predictions: split, image, age, predicted (both in years), and a column per attribute.

        No rows if none are stored. `split` keeps those of one split.
        """
        frame = self._store.scores.predictions_frame(self._store.runs.find_one(str(run)))
        return frame if split is None else frame[frame["split"] == split].reset_index(drop=True)

    def compare(
        self,
        *runs: RunReference,
        split: str | None = None,
        baseline: RunReference | None = None,
        fold_seeds: bool = False,
        fold_across: str = "",
        figures: Sequence[str] = ("signed",),
        groups: bool = False,
        by: Sequence[str] = (),
        correct: str = "holm",
        margin: float | None = None,
        best: str | None = None,
        where: str = "",
    ) -> ShownComparison:
        """Compares runs side by side, with the tests and marks of `ageui compare`.

        Parameters
        ----------
        runs
            Ids, names and filters, which add up; single terms such as `loss=mape` must all hold.
        split
            The split to compare on; by default the first of test, valid, train that all runs have.
        baseline
            The run that differences are to, or `constant`.
        fold_seeds
            Whether runs that differ only in their seed become one row of means; only then do differences carry ✔.
        fold_across
            `arithmetic`, `revision` or both with a comma: what else such runs may differ in.
        figures
            Further figures, such as `signed`, `worst` or `cs5`.
        groups, by
            Whether to add the MAE of every group, and crossed groups such as `gender*ethnicity`.
        correct, margin
            The correction for many tests (`holm`, `bh`, `none`), and the years below which settings get ≈.
        best, where
            The figure to find the best setting by, and limits such as `age-bias<=3`. Only the winner, the front and the
            baseline are left.

        Returns
        -------
        ShownComparison
            A notebook shows it as a table; its `frame` holds all figures and tests.

        Examples
        --------
        >>> import ageui
        >>> comparison = ageui.demo().compare("tag=demo", baseline="placid-oyster", fold_seeds=True)
        >>> comparison.frame[["mae", "mae_difference", "mae_real"]].round(2).loc[["mape · none"]]
                      mae  mae_difference mae_real
        run
        mape · none  9.98            2.54     True
        """
        from ageui.compare.best import Best
        from ageui.compare.comparison import Marking
        from ageui.compare.many_tests import known_correction
        from ageui.compare.seed_figures import known_across

        if best is None and where:
            raise ConfigError("where= is about the best setting; add best=, as in best='mae'")
        found = compare_stored(
            self._store,
            [str(run) for run in runs],
            split=split,
            baseline=None if baseline is None else str(baseline),
            fold_seeds=fold_seeds,
            fold_across=known_across(fold_across),
            further=figures,
            crossed=by,
            groups=groups,
            marking=Marking(known_correction(correct), margin),
            best=None if best is None else Best.of(best, where),
        )
        return ShownComparison(found.comparison)

    def load_model(self, run: RunReference, *, device: str = "auto") -> "AgePredictor":
        """A trained run as a torch module with its preprocessing, in inference mode.

        `model.predict(pictures)` returns years for paths, images of Pillow or arrays; `model.read(pictures)` makes the
        pixels, and `model(pixels)` returns years as a tensor with gradients. The ages are those of `ageui predict`. An
        ensemble or a calibrated run has no network: load its sources.

        Raises `DataError` if the run has no weights, and `DeviceError` if this machine lacks the device.
        """
        from ageui.derive.prediction_weights import prediction_weights
        from engine.predict import load_predictor

        detail = self._detail(run)
        if detail.derived_from is not None:
            raise ConfigError(
                f"run {detail.id} ({detail.name}) is made from the predictions of others, and has no network; load "
                f"{detail.derived_from.source_names}, or use: ageui predict --run {detail.id}"
            )
        weights = prediction_weights(self._store, detail)
        return load_predictor(
            weights.file,
            sha256=weights.sha256,
            device=device,
            precision=weights.precision,
            on_photos=bool(detail.data_spec.get("photos")),
        )

    def _detail(self, run: RunReference) -> RunDetail:
        return self._store.runs.detail(self._store.runs.find_one(str(run)))


def open(path: str | os.PathLike[str] | None = None, *, read_only: bool = True) -> Database:
    """Opens a database of runs.

    Parameters
    ----------
    path
        The file; by default the one that commands use: `AGEUI_DB`, else `runs.local.db` in this folder, else `runs.db`.
    read_only
        Whether the file stays as it is. Otherwise, an outdated database is upgraded, with a copy of the old one beside
        it.

    Returns
    -------
    Database
        If your changes to a shipped example are in a local copy, that copy, with a warning.

    Raises
    ------
    StoreError
        If the file is missing, is no database of ageui, or has an outdated schema and may not be changed.

    Examples
    --------
    >>> import ageui
    >>> ageui.open("missing.db")
    Traceback (most recent call last):
        ...
    engine.errors.StoreError: no runs yet: .../missing.db does not exist; start a run with...
    """
    named = real_path(database_path(Path(path) if path is not None else None))
    found = opened_path(named, to_change=False)
    if found != named:
        warnings.warn(copy_sentence(named, found), stacklevel=2)
    engine, version = open_as_is(found)
    engine.dispose()
    if version < len(MIGRATIONS):
        if read_only:
            raise StoreError(
                f"the database {found} has schema {version} and needs an upgrade to schema {len(MIGRATIONS)}; any "
                "command of ageui upgrades it and keeps a copy of the old one, as does read_only=False"
            )
        Store.open(found, create=False).close()
    store = Store.open(found, read_only=True)
    if left := store.rescoring.remaining():
        what = f"{counted(left, 'result')} of an earlier version"
        warnings.warn(
            f"some intervals and marks are missing: {what}; score them again with: ageui db rescore", stacklevel=2
        )
    return Database(store)


def demo() -> Database:
    """Opens the shipped runs, which never change.

    Examples
    --------
    >>> import ageui
    >>> len(ageui.demo().runs("source=measured"))
    187
    """
    return Database(Store.open(shipped_example(), read_only=True))
