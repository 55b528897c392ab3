"""What a project does with models: look into packages, sign them, answer files with them."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from millrace.errors import UsageError
from millrace.project.base import Loaded
from millrace.records.package import Manifest, PackageInfo
from millrace.records.predicted import Predicted
from millrace.records.progress import Watch, unwatched
from millrace.store.audited import audited


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

    def predict(
        self,
        source: str,
        to: str,
        *,
        version: int | None = None,
        conformal: bool = False,
        trust: str | None = None,
        watch: Watch = unwatched,
    ) -> Predicted:
        """Answer every row of a file, into a CSV, Parquet or NDJSON file, a batch at a time.

        With `conformal` what else may be true follows each answer: sets or intervals, and expected costs. With
        `trust`, a public key in place of the one that serving trusts, only a package that it signed answers.
        """
        from millrace.ingest.questions import questions
        from millrace.package.api import Package
        from millrace.package.batch import answer_file

        start, info = perf_counter(), self._package(version)
        own = self.settings.serve.trust
        key = trust if trust is not None or own is None else str(self.path.parent / own)
        asked = questions(self.settings, source, self.path.parent)
        done = answer_file(Package.load(info.path, threads=0, trust=key), asked, Path(to), watch, conformal=conformal)
        return Predicted(done.rows, to, info.name, info.version, round(perf_counter() - start, 3), done.refused)
