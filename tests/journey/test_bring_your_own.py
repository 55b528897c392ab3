"""A model that Millrace did not train is packed, released, served, asked and watched by the commands of the docs."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import millrace as mr
from serving import serving

PROJECT = "version: 1\nproject: churn\nsources: {rows: {from: rows.csv}}\nmodel: {predict: churn}\n"
SIGNATURE = "task: binary\ntarget: churn\ninputs: {age: number, calls: number}\nclasses: ['no', 'yes']\n"


def test_a_strangers_models_are_served_asked_and_watched(type_in: Callable[..., Any], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    numbers = np.column_stack([random.normal(40, 10, 300), random.normal(5, 2, 300)])
    truth = np.where(numbers @ [0.1, 1.0] > 9, "yes", "no")
    rows = pl.DataFrame({"age": numbers[:, 0], "calls": numbers[:, 1], "churn": truth})
    rows.write_csv(tmp_path / "rows.csv")
    (tmp_path / "millrace.yaml").write_text(PROJECT)
    (tmp_path / "signature.yaml").write_text(SIGNATURE)

    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows.select("age", "calls"), truth)
    mr.package.build(pipeline, rows, name="churn", target="churn", store=str(tmp_path / "store"))
    bare = LogisticRegression().fit(numbers.astype(np.float32), truth)
    onnx.save_model(to_onnx(bare, numbers[:1].astype(np.float32), target_opset=17), tmp_path / "model.onnx")
    words = ("--name", "churn", "--signature", "signature.yaml", "--sample", "rows.csv", "--json")
    imported = json.loads(type_in("package", "import", "model.onnx", *words).stdout)
    assert imported["version"] == 2

    for version, model, given in ((1, pipeline, rows.select("age", "calls")), (2, bare, numbers.astype(np.float32))):
        type_in("package", "verify", str(version))
        type_in("release", "promote", str(version))
        type_in("predict", "rows.csv", "--to", "answers.parquet")
        answers = pl.read_parquet(tmp_path / "answers.parquet")
        np.testing.assert_allclose(answers["p_yes"], model.predict_proba(given)[:, 1], atol=1e-5)
        with serving(tmp_path / "store") as server:
            body = json.dumps({"rows": rows.select("age", "calls").to_dicts()}).encode()
            with urllib.request.urlopen(f"{server.url}/predict", body) as said:
                labels = [one["label"] for one in json.load(said)["predictions"]]
        assert labels == model.predict(given).tolist()
    decision = json.loads(type_in("monitor", "--json").stdout)
    assert decision["decision"] == "keep"
