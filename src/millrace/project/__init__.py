"""Project: the loaded project file and its store; every CLI verb is one of its methods."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from millrace.errors import UsageError
from millrace.lifecycle import check, run
from millrace.project.live import Live
from millrace.project.models import Models
from millrace.project.rows import Rows
from millrace.records.checked import Checked
from millrace.records.initialized import InitResult
from millrace.records.progress import Watch, unwatched
from millrace.records.run import Run
from millrace.store.audited import actor, audited

__all__ = ["Project"]


class Project(Rows, Models, Live):
    """A project file and everything that grew from it.

    Examples
    --------
    ::

        project = Project.load("millrace.yaml")
        run = project.run()
        print(run.evaluation.metrics["roc_auc"])
    """

    @classmethod
    def init(
        cls,
        data: str | Sequence[str],
        predict: str | None = None,
        *,
        table: str | Sequence[str] | None = None,
        query: str | None = None,
        folder: str | Path = ".",
        force: bool = False,
    ) -> InitResult:
        """Look at `data` and write a commented project file for it into `folder`.

        Each of several data becomes a source, and so does each `table` of a database; `query` is asked instead of one.
        Raises `UsageError` when there is a project file already,
        unless `force`.
        """
        from millrace.sources.proposing.project_file import propose

        path = Path(folder).resolve() / "millrace.yaml"
        if path.exists() and not force:
            raise UsageError(
                "A project file is here already; nothing was changed.",
                where=str(path),
                code="init.exists",
                next_step="millrace init --force …, or millrace check",
            )
        text = propose(data, predict, folder=path.parent, table=table, query=query)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return InitResult(str(path), text)

    def check(self) -> Checked:
        """Say whether the sources are there and have what the model needs; nothing is written."""
        return check(self._site())

    @audited("run")
    def run(self, watch: Watch = unwatched) -> Run:
        """Ingest, train, evaluate, package, gate and, if the gate agrees, release."""
        return run(self._site(watch), by=actor())

    @audited("train")
    def train(self, watch: Watch = unwatched) -> Run:
        """Do as `run` does, without releasing."""
        return run(self._site(watch), then="", by=actor())
