"""The peer: BentoML around the scikit-learn pipeline. Run: bentoml serve bentoml_service:Bench."""

import bentoml
import pandas as pd
from model import pipeline


@bentoml.service(workers=1)
class Bench:
    """Rows in, probabilities out."""

    def __init__(self) -> None:
        self.fitted = pipeline()

    @bentoml.api
    def predict(self, rows: list[dict[str, float]]) -> list[list[float]]:
        """The probabilities of some rows."""
        return self.fitted.predict_proba(pd.DataFrame(rows)).tolist()
