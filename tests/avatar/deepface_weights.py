"""Weights for DeepFace, made here: files of its own names and form, filled with random numbers.

Its ONNX files take (n, 224, 224, 3) float32, blue first, 0 to 1, and give (n, classes) probabilities; what stands
between is up to the file. The tiny ones take the mean colour through one linear layer, so that a test knows the answer;
`tests/benchmarks/avatar_faces.py` runs the real architecture, 537 MB each.
"""

from pathlib import Path

import numpy as np

CLASSES = {"gender_model_weights": 2, "race_model_single_batch": 6}
TRAITS = {"gender_model_weights": "gender", "race_model_single_batch": "race"}


def weights_folder(home: Path) -> Path:
    """Where DeepFace looks below its home."""
    folder = home / ".deepface/weights"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_tiny_weights(home: Path, seed: int) -> dict[str, list[np.ndarray]]:
    """Write both files; return matrix (3, classes) and bias (classes,) by trait."""
    rng = np.random.default_rng(seed)
    numbers = {}
    for stem, classes in CLASSES.items():
        matrix = rng.normal(scale=6, size=(3, classes)).astype(np.float32)
        bias = (-matrix.mean(axis=0) * 0.7).astype(np.float32)
        _write_onnx(weights_folder(home) / f"{stem}.onnx", matrix, bias)
        numbers[TRAITS[stem]] = [matrix, bias]
    return numbers


def _write_onnx(path: Path, matrix: np.ndarray, bias: np.ndarray) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["face"], ["colour"], axes=[1, 2], keepdims=0),
            helper.make_node("Gemm", ["colour", "matrix", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["shares"], axis=1),
        ],
        "mean colour",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, ["n", 224, 224, 3])],
        [helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["n", len(bias)])],
        [numpy_helper.from_array(matrix, "matrix"), numpy_helper.from_array(bias, "bias")],
    )
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
