"""What the stages do, told to a catalogue as OpenLineage events while they do it; needs the extra `openlineage`.

Where to is configured as everywhere in OpenLineage, by its environment variables (``OPENLINEAGE_URL``,
``OPENLINEAGE__TRANSPORT__TYPE``, ``OPENLINEAGE_CONFIG``) or a file ``openlineage.yml``; without any, nothing is told
and nothing is loaded. A catalogue that does not answer never breaks a run, nor holds it up for long: one warning, and
this run tells no more.
Spec: https://openlineage.io/docs/spec/object-model
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec
from urllib.parse import urlsplit

from millrace import __version__
from millrace.lineage.unheard import address, unheard

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunState

_PRODUCER = f"urn:millrace:{__version__}"
_CONFIGURED = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT__TYPE", "OPENLINEAGE__TRANSPORT")
#: Two more requests within a second, where the client would go on for half a minute; none where an answer is late.
_RETRIES = {"total": 2, "connect": 2, "read": 0, "raise_on_status": False}
#: So many seconds a run waits at its end for what is sent behind its back.
_PATIENCE = 10.0
_TOLD = {"START": "starts", "COMPLETE": "is complete", "FAIL": "failed"}
#: A job's name, the run it is part of, and the job above it.
_Named = tuple[str, str, str | None]
_P = ParamSpec("_P")
_LOG = logging.getLogger("millrace.lineage")


@dataclass(frozen=True, slots=True)
class Data:
    """A file, table or package that a job read or wrote: `place` is its path or URL.

    `rows` were read from it or written to it, `held` says of each check whether every row held it, and `columns` gives
    each column its type.
    """

    place: str
    version: int | None = None
    rows: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, bool] = field(default_factory=dict)


@dataclass(slots=True)
class Job:
    """What one job read and wrote, filled in while it works."""

    inputs: list[Data] = field(default_factory=list)
    outputs: list[Data] = field(default_factory=list)
    sql: str | None = None


class Events:
    """Tells of each job that it starts, and that it is complete or failed, with what it worked on."""

    def __init__(self) -> None:
        self.namespace = os.environ.get("OPENLINEAGE_NAMESPACE", "millrace")
        self.silenced = False

    @contextmanager
    def job(self, name: str, run: str, parent: str | None = None) -> Iterator[Job]:
        """Tell what happens inside as job `name` of a run, part of the job `parent` of the same run."""
        job = Job()
        if not self._listening:
            yield job
            return
        self._tell("START", (name, run, parent), job)
        try:
            yield job
        except BaseException as error:
            self._tell("FAIL", (name, run, parent), job, error)
            raise
        else:
            self._tell("COMPLETE", (name, run, parent), job)
        finally:
            if parent is None:
                self._deliver()

    def note(self, fill: Callable[Concatenate[Job, _P], None], job: Job, *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Let `fill` look up what a job worked on, where anybody is told."""
        if self._listening:
            try:
                fill(job, *args, **kwargs)
            except Exception as problem:  # noqa: BLE001 - to tell somebody of a run is no reason to break it
                _LOG.warning("OpenLineage is told less of this run: the store cannot be read: %s", problem)

    @property
    def _listening(self) -> bool:
        return not self.silenced and self._client is not None

    @cached_property
    def _client(self) -> OpenLineageClient | None:
        return _client()

    def _tell(self, state: str, named: _Named, job: Job, error: BaseException | None = None) -> None:
        """Send an event, and go on whatever the catalogue or its transport does."""
        if self.silenced or self._client is None:
            return
        try:
            self._client.emit(self._event(state, named, job, error))
        except Exception as problem:  # noqa: BLE001 - to tell somebody of a run is no reason to break it
            self._give_up(f"that {named[0]} {_TOLD[state]}", problem)

    def _deliver(self) -> None:
        """Wait until a transport that sends behind our back has sent what it was given."""
        transport = None if self.silenced or self._client is None else self._client.transport
        for one in getattr(transport, "transports", None) or [transport]:
            if not hasattr(one, "wait_for_completion"):
                continue
            sent = one.wait_for_completion(_PATIENCE)
            failed = one.get_stats()["failed"]
            if failed or not sent:
                why = f"{address(one)} did not take {f'{failed} events' if failed else 'them in time'}"
                _LOG.warning("%s", _warning("of all jobs", why, "see whether the catalogue runs and takes events"))

    def _give_up(self, what: str, problem: Exception) -> None:
        self.silenced = True
        _LOG.warning("%s", _warning(what, *unheard(problem, getattr(self._client, "transport", None))))

    def _event(self, state: str, called: _Named, job: Job, error: BaseException | None) -> Any:
        from openlineage.client import event_v2 as events
        from openlineage.client.generated import error_message_run, job_type_job, parent_run, sql_job

        name, run, parent = called
        run_facets: dict[str, Any] = {}
        if parent is not None:
            above = parent_run.Job(self.namespace, parent)
            run_facets["parent"] = parent_run.ParentRunFacet(parent_run.Run(self._id(parent, run)), above)
        if error is not None:
            said = str(error) or type(error).__name__
            run_facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(said, "PYTHON")
        job_facets: dict[str, Any] = {"jobType": job_type_job.JobTypeJobFacet("BATCH", "MILLRACE", "JOB")}
        if job.sql:
            job_facets["sql"] = sql_job.SQLJobFacet(job.sql, "duckdb")
        return events.RunEvent(
            eventTime=datetime.now(UTC).isoformat(timespec="milliseconds"),
            run=events.Run(self._id(name, run), run_facets),
            job=events.Job(self.namespace, name, job_facets),
            eventType=_state(state),
            inputs=[_input(data) for data in job.inputs],
            outputs=[_output(data) for data in job.outputs],
            producer=_PRODUCER,
        )

    def _id(self, job: str, run: str) -> str:
        """The same id whenever the same job of the same run is told."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.namespace}/{job}/{run}"))


def _warning(what: str, why: str, step: str) -> str:
    """What was not told, why, what to do; and that the run is none the worse for it."""
    return (
        f"OpenLineage was not told {what}: {why}. This run is otherwise unaffected, and tells no more.\n"
        f"Next: {step}, or set OPENLINEAGE_DISABLED=true"
    )


def _client() -> OpenLineageClient | None:
    """Whoever is to be told; None where nobody is, or cannot be."""
    if os.environ.get("OPENLINEAGE_DISABLED", "").lower() == "true" or not _configured():
        return None
    try:
        from openlineage.client import OpenLineageClient, set_producer

        stated = os.environ.get("OPENLINEAGE_CONFIG")
        if stated and not Path(stated).is_file():
            raise ValueError(f"OPENLINEAGE_CONFIG names `{stated}`, which is not there")
        set_producer(_PRODUCER)
        return _brief(OpenLineageClient())
    except ImportError:
        _LOG.warning("OpenLineage is configured and not told: pip install 'millrace[openlineage]'")
    except Exception as problem:  # noqa: BLE001 - a wrong configuration of the catalogue is no reason not to work
        _LOG.warning("OpenLineage is configured and not told: %s", problem)
    return None


def _brief(client: OpenLineageClient) -> OpenLineageClient:
    """`client`, which asks again for a second only, unless it is configured to: a run waits for it meanwhile."""
    from openlineage.client.transport.http import HttpConfig, HttpTransport

    transport = client.transport
    if isinstance(transport, HttpTransport) and transport.config.retry == HttpConfig(transport.url).retry:
        transport.config.retry = {**transport.config.retry, **_RETRIES}
    return client


def _configured() -> bool:
    files = (Path("openlineage.yml"), Path("~/.openlineage/openlineage.yml").expanduser())
    return any(os.environ.get(name) for name in _CONFIGURED) or any(path.is_file() for path in files)


def _state(name: str) -> RunState:
    from openlineage.client.event_v2 import RunState

    return RunState[name]


def _input(data: Data) -> InputDataset:
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.generated import data_quality_assertions_dataset as asserted
    from openlineage.client.generated import data_quality_metrics_input_dataset as measured

    facets: dict[str, Any] = {}
    if data.rows is not None:
        facets["dataQualityMetrics"] = measured.DataQualityMetricsInputDatasetFacet({}, rowCount=data.rows)
    if data.held:
        said = [asserted.Assertion(assertion=rule, success=held) for rule, held in data.held.items()]
        facets["dataQualityAssertions"] = asserted.DataQualityAssertionsDatasetFacet(said)
    return InputDataset(*named(data.place), facets=_facets(data), inputFacets=facets)


def _output(data: Data) -> OutputDataset:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.generated import output_statistics_output_dataset as counted

    facets: dict[str, Any] = {}
    if data.rows is not None:
        facets["outputStatistics"] = counted.OutputStatisticsOutputDatasetFacet(rowCount=data.rows)
    return OutputDataset(*named(data.place), facets=_facets(data), outputFacets=facets)


def _facets(data: Data) -> dict[str, Any]:
    from openlineage.client.generated import dataset_version_dataset, schema_dataset

    facets: dict[str, Any] = {}
    if data.version is not None:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(str(data.version))
    if data.columns:
        fields = [schema_dataset.SchemaDatasetFacetFields(name, kind) for name, kind in data.columns.items()]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields)
    return facets


def named(place: str) -> tuple[str, str]:
    """Namespace and name as OpenLineage names data: of a URL its scheme and host, of a path ``file``.

    Examples
    --------
    >>> named("s3://lake/raw/a.csv"), named("/data/a.csv")
    (('s3://lake', 'raw/a.csv'), ('file', '/data/a.csv'))
    """
    parts = urlsplit(place)
    if parts.scheme and "://" in place:
        host = parts.hostname or parts.netloc
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}", parts.path.lstrip("/") or "/"
    return "file", place
