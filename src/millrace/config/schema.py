"""What a project file may say: every section, key, default and limit; those of a source are in `config.source`.

The JSON Schema that editors use is generated from these classes, so their docstrings and descriptions are
what a user reads while typing. Loading, `${ENV}` and messages with line and column are in `config.load`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator

from millrace.config.alert import Alert
from millrace.config.deciding import Calibrate, ConformalSettings, CostMetric, Threshold
from millrace.config.false_alarms import parse_false_alarms
from millrace.config.features import FeatureSettings
from millrace.config.gate import metric, parse_condition
from millrace.config.kpis import KPIS, check_kpis
from millrace.config.metrics import METRICS
from millrace.config.models import Models, check_search, parse_models
from millrace.config.order import check_references, in_order
from millrace.config.refusal import must_parse, read_by, refused
from millrace.config.retraining import check_cost, check_rows
from millrace.config.rows import PATTERN as ROWS
from millrace.config.rows import parse_rows
from millrace.config.schedules import parse_schedule
from millrace.config.section import Age, Budget, Duration, Name, Scalar, Section, Whole
from millrace.config.source import ColumnSettings, ColumnType, Protection, RetainSettings, SourceSettings
from millrace.config.split import Fraction, SplitSettings
from millrace.config.stages import check_stages, parse_stage
from millrace.config.triggers import parse_trigger
from millrace.errors import ProjectFileError

#: Every section, wherever it is written.
__all__ = [
    "BatchSettings",
    "ColumnSettings",
    "ColumnType",
    "CostMetric",
    "LimitSettings",
    "ModelSettings",
    "MonitorSettings",
    "ProjectSettings",
    "Protection",
    "RetainSettings",
    "RetrainSettings",
    "ServeSettings",
    "SourceSettings",
    "SplitSettings",
    "TlsSettings",
    "TokenSettings",
    "UpSettings",
]
#: A source's name is a folder of the store and a table in SQL: no path may hide in it.
SourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$")]
MetricName = Annotated[
    str,
    must_parse(lambda name: name == "auto" or metric(name)),
    WithJsonSchema({"type": "string", "enum": ["auto", *METRICS]}),
]
Condition = Annotated[str, must_parse(parse_condition)]
FalseAlarms = Annotated[str, must_parse(parse_false_alarms)]
Trigger = Annotated[str, must_parse(parse_trigger)]
Rows = Annotated[str, must_parse(parse_rows), WithJsonSchema({"type": "string", "pattern": ROWS})]
Stage = Annotated[str, read_by(str), must_parse(parse_stage)]
When = Annotated[str, must_parse(parse_schedule)]
Kpis = Annotated[
    dict[str, str],
    must_parse(check_kpis),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: {"type": "string", "description": line} for name, line in KPIS.items()},
        }
    ),
]


class ModelSettings(Section):
    """What is predicted, and how the model is found and judged."""

    predict: Name = Field(description="the target column")
    task: Literal["auto", "binary", "multiclass", "regression"] = "auto"
    positive: Scalar | None = Field(None, description="the class that a binary model looks for; default: the rarer one")
    metric: MetricName | CostMetric = Field("auto", description="auto, a metric's name, or cost: {...}")
    calibrate: Calibrate = Field("auto", description="how probabilities are made honest; auto: if that surely helps")
    threshold: Threshold = Field("auto", description="auto, a number, or a floor such as `recall >= 0.95`")
    conformal: Literal["none"] | ConformalSettings = Field(
        ConformalSettings(), description="sets or intervals that hold the truth in a stated share of rows; or none"
    )
    drop: tuple[str, ...] = Field((), description="columns the model must not see")
    features: FeatureSettings = FeatureSettings()
    split: SplitSettings = SplitSettings()
    models: Models = Field("auto", description="auto, or the models to try: [linear, svm: {C: [1, 10]}]")
    resample: Literal["none", "over", "under"] = Field(
        "none", description="over: rows of smaller classes are learned from several times; under: fewer of larger ones"
    )
    search: Literal["portfolio", "grid", "random", "bayesian"] = Field(
        "portfolio",
        description="grid: every point of the lists under `models`; random: points drawn from them; bayesian: where "
        "earlier points did well (extra `search`)",
    )
    budget: Budget = Field(60.0, description="for training: a time such as 5 min, or a count such as 20 trials")
    max_latency_ms: Annotated[float, Field(gt=0)] | None = Field(
        None, description="for one row on one thread of this machine; slower models are left out"
    )
    max_size_mb: Annotated[float, Field(gt=0)] | None = Field(
        None, description="of model.onnx; larger models are left out"
    )
    gate: tuple[Condition, ...] = Field(
        (), description="conditions of release: `roc_auc >= 0.80`, `better than champion`"
    )
    seed: Whole = Field(0, ge=0, le=2**32 - 1, description="the same seed on the same rows gives the same model")

    @model_validator(mode="after")
    def _search_what_is_declared(self) -> Self:
        check_search(self.search, parse_models(self.models))
        return self

    @model_validator(mode="after")
    def _see_the_target(self) -> Self:
        if self.predict in self.drop:
            raise refused(
                ProjectFileError(
                    "`drop` names the column that the model predicts.",
                    code="config.value",
                    next_step="remove it from `drop`",
                )
            )
        return self


class TlsSettings(Section):
    """The server's certificate, as PEM files beside the project file or at an absolute path."""

    certificate: Name = Field(description="the certificate, followed by those that vouch for it")
    key: Name = Field(description="its private key, without a password")


class TokenSettings(Section):
    """Tokens of an identity provider (OpenID Connect) that are taken like access keys."""

    keys: Name = Field(description="its public keys: a file beside the project file, or an https URL (JWKS)")
    issuer: Name = Field(description="its name, as tokens have it in `iss`")
    audience: Name = Field(description="for whom tokens must be, as they have it in `aud`")


class BatchSettings(Section):
    """Requests that share a run of the graph, where a run costs much more than a row."""

    requests: Whole = Field(32, ge=2, le=1024, description="how many share a run at most")
    wait_ms: Annotated[float, Field(gt=0, le=1000)] = Field(
        2.0, description="how long the first waits for others, in milliseconds"
    )


class LimitSettings(Section):
    """How much a server takes before it says no, so that it goes on answering."""

    body_mib: Whole = Field(16, ge=1, le=1024, description="the largest body, in MiB; a larger one is answered 413")
    queue: Whole = Field(
        256, ge=1, description="requests that wait for the model in each worker; one more is answered 503"
    )
    rate: Annotated[float, Field(gt=0)] | None = Field(
        None, description="requests per second of each client to each worker; one more is answered 429"
    )


class ServeSettings(Section):
    """How predictions are served."""

    host: Name = "127.0.0.1"
    port: Whole = Field(8080, ge=0, le=65535, description="0 takes any free port")
    grpc: Whole | None = Field(None, ge=0, le=65535, description="also answer over gRPC, on this port")
    workers: Whole = Field(1, ge=1)
    log: Literal["all", "none"] | Fraction = Field(
        "all", description="which predictions are logged: all, none, or a part such as 10%"
    )
    keys: Literal["none", "required"] = Field(
        "none", description="whether requests need an access key of `millrace key create`"
    )
    tokens: TokenSettings | None = Field(None, description="take tokens of an identity provider")
    tls: TlsSettings | None = Field(None, description="answer over HTTPS with this certificate")
    trust: Name | None = Field(None, description="a public key: only packages that it signed are served")
    limits: LimitSettings = LimitSettings()
    batch: BatchSettings | None = Field(None, description="let requests share a run of the graph")

    def placed(self, port: int, folder: Path) -> Self:
        """The same on `port`, with the paths of its certificate and its trusted key taken from `folder`."""
        placed: dict[str, object] = {"port": port}
        if self.tls:
            paths = {name: str(folder / path) for name, path in self.tls.model_dump().items()}
            placed["tls"] = self.tls.model_copy(update=paths)
        if self.tokens and not self.tokens.keys.startswith(("https://", "http://")):
            placed["tokens"] = self.tokens.model_copy(update={"keys": str(folder / self.tokens.keys)})
        if self.trust:
            placed["trust"] = str(folder / self.trust)
        return self.model_copy(update=placed)


class MonitorSettings(Section):
    """What is watched, and how many false alarms are bearable."""

    false_alarms: FalseAlarms = Field("1 per month", description="budget over all columns and looks, as `N per month`")
    window: Duration = Field(86400.0, description="how far back a look reaches, such as 1 day")
    kpis: Kpis = Field({}, description='what the service is held to: `p99_latency_ms: "< 50"`, `error_rate: "< 1%"`')
    alert: tuple[Alert, ...] = Field(
        (),
        description="who is told: `webhook: URL`, `slack: URL`, `email: {…}`; `after: 4 hours`: unless seen to by then",
    )
    maturity: Age = Field(0.0, description="how old predictions are before their outcomes count, such as 7 days")
    without_labels: bool = Field(True, description="whether answers are judged before their outcomes are known, too")
    detectors: tuple[Name, ...] = Field(
        (), description="detectors that are fed the errors in the order of predictions, such as `betting` or `adwin`"
    )
    otel: Name | None = Field(
        None, description="an OpenTelemetry collector that each look tells what it found, such as http://localhost:4318"
    )
    cooldown: Duration = Field(86400.0, description="how long the same condition is not told again, such as 1 day")


class RetrainSettings(Section):
    """When the model is trained again."""

    when: tuple[Trigger, ...] = Field(
        ("drift", "harm"), description="drift, harm, or an interval since the last release such as `30 days`"
    )
    rows: Rows = Field(
        "all", description="what is learned from: all, `since drift`, `newest 90 days`, or `weighted 30 days` by age"
    )
    cost: Annotated[float, Field(gt=0)] | None = Field(
        None, description="of a retraining, as `model.metric` states costs: harm that costs less until the next waits"
    )
    cooldown: Duration = Field(86400.0, description="how long `up` trains nothing after a training, such as 1 day")
    approval: Literal["none", "required"] = Field(
        "none", description="whether a person promotes what a retraining brought through the gate"
    )
    stages: Annotated[tuple[Stage, ...], must_parse(check_stages)] = Field(
        (), description="steps of a challenger to all of the traffic, such as [shadow, 5%, 50%]; default: at once"
    )
    hold: Duration = Field(86400.0, description="how long each stage is held, such as 1 day")


class UpSettings(Section):
    """What `millrace up` does by itself, and when: an interval such as `15 min`, or five fields of cron in UTC."""

    ingest: When = Field("5 s", description="how often sources are looked at for what is new")
    monitor: When = Field("15 min", description="how often what was served is looked at; a roll back follows at once")
    retrain: When | None = Field(None, description="when a retraining may start; default: with each look")
    serve: bool = Field(True, description="whether predictions are served, once there is a champion")
    status: Whole | None = Field(
        None,
        ge=0,
        le=65535,
        description="tell how it stands over HTTP, on this port of 127.0.0.1; 0: any free one",
    )


class ProjectSettings(Section):
    """A whole project file."""

    version: Literal[1] = Field(1, description="of this format")
    project: str = Field("", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$|^$", description="default: the folder's name")
    sources: dict[SourceName, SourceSettings] = Field(min_length=1, description="where rows come from, each by a name")
    dataset: Annotated[dict[Literal["sql"], Name], Field(min_length=1)] | None = Field(
        None, description="SQL over the sources; default: the only source"
    )
    model: ModelSettings = Field(description="what is predicted, and how")
    serve: ServeSettings = ServeSettings()
    monitor: MonitorSettings = MonitorSettings()
    retrain: RetrainSettings = RetrainSettings()
    up: UpSettings = UpSettings()
    engine: Annotated[str, Field(pattern=r"^(local|ray|ray://[^/]+)$")] = Field(
        "local", description="where work runs: local, ray (a Ray on this machine), or ray://host:10001"
    )
    store: Name = Field("store", description="where all rests: a folder, or s3://…, gs://…, az://…")

    @property
    def pii(self) -> dict[str, Protection]:
        """How the columns with personal values are protected, whatever source they come from; the first one counts."""
        return {column: how for source in reversed(self.sources.values()) for column, how in source.pii.items()}

    @property
    def in_order(self) -> tuple[str, ...]:
        """The names of the sources, each behind those that it refers to."""
        return tuple(in_order(self.sources))

    @model_validator(mode="after")
    def _refer_to_what_is_there(self) -> Self:
        try:
            check_references(self.sources)
        except ProjectFileError as error:
            raise refused(error) from error
        return self

    @model_validator(mode="after")
    def _learn_what_is_known(self) -> Self:
        if self.dataset is None and self.model.predict in self.pii:
            raise refused(
                ProjectFileError(
                    f"`pii` protects `{self.model.predict}`, which the model predicts.",
                    code="config.pii",
                    next_step="remove it from `pii`, or predict another column",
                )
            )
        return self

    @model_validator(mode="after")
    def _know_what_a_retraining_needs(self) -> Self:
        check_rows(self.retrain.rows, self.model.split.time)
        check_cost(self.retrain.cost, self.retrain.when, priced=isinstance(self.model.metric, CostMetric))
        return self

    @model_validator(mode="after")
    def _know_the_dataset(self) -> Self:
        if len(self.sources) > 1 and self.dataset is None:
            raise refused(
                ProjectFileError(
                    f"There are {len(self.sources)} sources, and no `dataset` says how they become one.",
                    code="config.missing-key",
                    allowed=["dataset: {sql: select … from … join …}"],
                    next_step="add a `dataset` section, or keep one source",
                )
            )
        return self
