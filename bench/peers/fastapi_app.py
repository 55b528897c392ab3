"""The peer: FastAPI, pydantic, a pandas frame, a scikit-learn pipeline. Run: uvicorn fastapi_app:app."""

from __future__ import annotations

import pandas as pd
from fastapi import FastAPI
from model import COLUMNS, pipeline
from pydantic import create_model

Row = create_model("Row", **dict.fromkeys(COLUMNS, (float, ...)))
app = FastAPI()
fitted = pipeline()


@app.post("/predict")
def predict(rows: list[Row]) -> list[dict[str, object]]:  # type: ignore[valid-type]
    """Rows in, their classes and probabilities out."""
    probabilities = fitted.predict_proba(pd.DataFrame([row.model_dump() for row in rows])).tolist()
    return [
        {"label": "Yes" if both[1] >= 0.5 else "No", "probabilities": dict(zip(("No", "Yes"), both, strict=True))}
        for both in probabilities
    ]
