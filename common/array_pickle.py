"""Reading pickled NumPy arrays of others: a pickle can run any code, so everything else in it is refused."""

import pickle
from typing import IO, Any

ARRAY_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"),  # NumPy 1 wrote these files
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),  # bytes in pickles of protocol 2
}


def read_arrays(file: IO[bytes]) -> Any:
    """Unpickle dictionaries of NumPy arrays.

    Raises:
        pickle.UnpicklingError: the pickle names anything but NumPy's arrays.
    """
    return _ArrayUnpickler(file).load()


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAY_NAMES:
            raise pickle.UnpicklingError(f"{module}.{name} is not a NumPy array")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)
