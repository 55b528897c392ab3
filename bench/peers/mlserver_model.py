"""The peer: the scikit-learn pipeline as MLServer keeps it. Run: python mlserver_model.py FOLDER."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import joblib
from model import pipeline

folder = Path(sys.argv[1])
folder.mkdir()
joblib.dump(pipeline(), folder / "model.joblib")
settings = {
    "name": "bench",
    "implementation": "mlserver_sklearn.SKLearnModel",
    "parameters": {"uri": "./model.joblib"},
}
(folder / "model-settings.json").write_text(json.dumps(settings))
