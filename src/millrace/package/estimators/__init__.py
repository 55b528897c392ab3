"""How each family of estimators is written as ONNX operators, one file per family."""
