"""What a project does with models: look into packages, sign them, answer files with them."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import astuple
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from millrace.engine import open_engine
from millrace.errors import UsageError
from millrace.project.base import Loaded
from millrace.records.package import Manifest, PackageInfo
from millrace.records.predicted import Predicted
from millrace.records.progress import Watch, unwatched
from millrace.store.audited import audited

if TYPE_CHECKING:
    from millrace.store.answers import Existing


class Models(Loaded):
    """The verbs of packages."""

    def report(self, version: int | None = None) -> str:
        """Where the report of a package is."""
        package = self._package(version)
        key = f"reports/{package.name}-{package.version}.html"
        if self.store.read(key) is None:
            raise UsageError(f"Package {package.name} {package.version} has no report.", where="report")
        return self.store.at(key)

    def inspect(self, version: int | None = None) -> Manifest:
        """What a package says about itself."""
        from millrace.package.api import inspect

        return inspect(self._package(version).path)

    def verify(self, version: int | None = None, trust: str | None = None) -> PackageInfo:
        """Check a package against its manifest, and with the public key `trust` its signature.

        Raises `TamperedError`.
        """
        from millrace.package.api import verify

        return verify(self._package(version).path, trust)

    @audited("package sign")
    def sign(self, key: str, version: int | None = None) -> PackageInfo:
        """Sign a package with the private key in the file `key`."""
        from millrace.package.api import sign

        return sign(self._package(version).path, key)

    def predict(  # noqa: PLR0913 - what is asked, who answers, where, and how
        self,
        source: str,
        to: str,
        *,
        version: int | None = None,
        conformal: bool = False,
        trust: str | None = None,
        existing: Existing = "refuse",
        engine: str | None = None,
        watch: Watch = unwatched,
    ) -> Predicted:
        """Answer every row of a file or a table, into a file or a table, a batch at a time.

        `source` is a file, a glob, the folder or URL of a Delta table, or a table of the project: by its source's name,
        or by its key in the store. `to` is a CSV, Parquet or NDJSON file, or the folder or URL of a Delta table, where
        the answers appear in one commit, once, however often this is done; answers of another job that are there
        already are an error, unless `existing` says ``append`` or ``replace``.

        With `conformal` what else may be true follows each answer: sets or intervals, and expected costs. With
        `trust`, a public key in place of the one that serving trusts, only a package that it signed answers. `engine`
        says where the package is asked in place of the project file's: ``local``, ``ray`` or ``ray://host:10001``.
        """
        from millrace.ingest.questions import questions
        from millrace.package.api import Package
        from millrace.package.batch import Asking, answer_file, answer_table, table_at
        from millrace.store.answers import AnswerTable

        start, info = perf_counter(), self._package(version)
        own = self.settings.serve.trust
        named = trust if trust is not None or own is None else str(self.path.parent / own)
        key = None if named is None else str(Path(named).absolute())
        package = Package.load(info.path, trust=key)
        asked = questions(self.settings, self.store, source, self.path.parent)
        asking = Asking(package, key, conformal, asked.columns)
        with open_engine(engine) if engine else nullcontext(self._engine) as where:
            answers = asking.answers(asked.batches, where)
            if (at := table_at(to, existing)) is None:
                done = answer_file(answers, Path(to), watch, asked.rows)
            else:
                job = _job(info, source, asked.identity, conformal=conformal)
                told = {"package": info.name, "version": str(info.version), "asked": source}
                done = answer_table(answers, AnswerTable(at, job, existing), told, watch, asked.rows)
        took = round(perf_counter() - start, 3)
        return Predicted(done.rows, to, info.name, info.version, took, *astuple(done)[1:])


def _job(info: PackageInfo, source: str, identity: str | None, *, conformal: bool) -> str:
    """What tells a batch prediction apart from all others. Raises `UsageError` where nothing does before it is done."""
    if identity is None:
        raise UsageError(
            f"Nothing tells whether `{source}` has the same rows when this is started again, "
            "so its answers cannot be written into a table exactly once.",
            where="--to",
            allowed=["a file: .csv, .parquet or .ndjson"],
            next_step="ingest it, and answer its table",
        )
    return "\n".join([info.name, str(info.version), str(conformal), identity])
