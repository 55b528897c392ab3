"""How each family of encodings is written as ONNX operators, one file per family."""
