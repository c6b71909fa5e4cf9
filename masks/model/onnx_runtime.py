"""The network run by ONNX Runtime: on a CPU faster than PyTorch, most of all where other work shares the cores.

A network is converted once; the file is kept in checkpoints/cache/onnx/ under the hash of its weights.
"""

import contextlib
import hashlib
import io
import warnings

import numpy as np
import torch

from common.errors import UserError
from common.files import write_bytes
from common.paths import CHECKPOINTS
from masks.model.unet import CHANNELS, SIZE_PX, UNet

CACHE = CHECKPOINTS / "cache/onnx"  # git-ignored
NAME = "ONNX Runtime"
OPSET = 17


class OnnxNetwork:
    """A network that ONNX Runtime runs on the CPU.

    Args:
        network: the network, in evaluation mode and on the CPU.
    """

    def __init__(self, network: UNet) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = torch.get_num_threads()
        # Threads that spin while they wait take the cores from other processes.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(_converted(network), options, providers=["CPUExecutionProvider"])

    def __call__(self, pairs: np.ndarray) -> np.ndarray:
        """Map (B, 8, SIZE_PX, SIZE_PX) float32 pairs in [0, 1] to (B, 1, SIZE_PX, SIZE_PX) float32 logits."""
        return np.asarray(self._session.run(None, {"pairs": pairs})[0])


def _converted(network: UNet) -> bytes:
    """Return the network as the content of an ONNX file, from the cache if it is there."""
    file = CACHE / f"{_hash(network)}.onnx"
    if file.is_file():
        return file.read_bytes()
    buffer = io.BytesIO()
    example = torch.zeros(1, CHANNELS, SIZE_PX, SIZE_PX)
    dynamic = {name: {0: "batch"} for name in ("pairs", "logits")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter, which takes no buffer, needs ten times as long
        torch.onnx.export(
            network, (example,), buffer, dynamo=False, opset_version=OPSET,  # type: ignore[arg-type]
            input_names=["pairs"], output_names=["logits"], dynamic_axes=dynamic,
        )  # fmt: skip
    with contextlib.suppress(OSError, UserError):  # a folder that cannot be written costs the conversion each time
        CACHE.mkdir(parents=True, exist_ok=True)
        write_bytes(file, buffer.getvalue())
    return buffer.getvalue()


def _hash(network: UNet) -> str:
    total = hashlib.sha256(repr((network.widths, OPSET)).encode())
    for name, tensor in network.state_dict().items():
        total.update(name.encode())
        total.update(tensor.contiguous().numpy().tobytes())
    return total.hexdigest()[:32]
