"""The peer: LitServe around the scikit-learn pipeline. Run: python litserve_app.py PORT."""

import sys
from typing import Any

import litserve
import pandas as pd
from model import pipeline


class Bench(litserve.LitAPI):
    """Rows in, probabilities out."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's own
        """Fit the pipeline."""
        self.fitted = pipeline()

    def decode_request(self, request: dict[str, Any]) -> pd.DataFrame:
        """The rows as a frame."""
        return pd.DataFrame(request["rows"])

    def predict(self, frame: pd.DataFrame) -> list[list[float]]:
        """Their probabilities."""
        return self.fitted.predict_proba(frame).tolist()

    def encode_response(self, output: list[list[float]]) -> dict[str, Any]:
        """As JSON."""
        return {"probabilities": output}


if __name__ == "__main__":
    server = litserve.LitServer(Bench(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, log_level="error", generate_client_file=False
    )
