"""A package opened for answering: columns in, ONNX Runtime, answers out."""
