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
def predict(row: Row) -> dict[str, object]:  # type: ignore[valid-type]
    """One row in, its class and probabilities out."""
    probabilities = fitted.predict_proba(pd.DataFrame([row.model_dump()]))[0].tolist()
    label = "Yes" if probabilities[1] >= 0.5 else "No"
    return {"label": label, "probabilities": dict(zip(("No", "Yes"), probabilities, strict=True))}
