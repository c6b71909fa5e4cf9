"""Time of one mouse move while a mask is painted, in a real window, beside a full redraw by imshow.

python -m tests.benchmarks.masks_painting
"""

import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.benchmarks.hardware import describe_machine
from tests.masks.desktop import LACKING, Desktop, virtual_desktop

SIZES_PX = (512, 2048)
MOVES = 200
NAIVE_MOVES = 20
TARGET_MS = 30


def write_frames(folder: Path, size_px: int) -> None:
    """One pair: a smooth figure, and the same in a coat."""
    y, x = np.mgrid[:size_px, :size_px] / size_px - 0.5
    figure, coat = np.hypot(x * 1.6, y) < 0.45, np.hypot(x * 1.8, y - 0.1) < 0.25
    base = np.stack([180 + 60 * y, 120 + 60 * x, 90 + 0 * x, 255.0 * figure], axis=2)
    clothed = np.where(coat[..., None], np.stack([40 + 60 * x, 80 + 60 * y, 160 + 0 * x, 255 + 0 * x], axis=2), base)
    (folder / "frames").mkdir(parents=True)
    for name, picture in (("base_frame_00.png", base), ("clothed_frame_00.png", clothed)):
        Image.fromarray(picture.astype(np.uint8)).save(folder / "frames" / name)


def circle(number: int, count: int, width: int, height: int) -> tuple[float, float]:
    """Places of the mouse: twice around, about 10 px a move at 200 moves."""
    angle = 4 * np.pi * number / count
    return width / 2 + 150 * np.cos(angle), height / 2 + 150 * np.sin(angle)


def times_of(move: Callable[[int], None], count: int) -> str:
    """Median, 95th percentile and maximum of some moves, in ms."""
    times = []
    for number in range(count):
        start = time.perf_counter()
        move(number)
        times.append(1000 * (time.perf_counter() - start))
    p95 = statistics.quantiles(times, n=20)[-1]
    return f"median {statistics.median(times):6.1f}  95 % {p95:6.1f}  max {max(times):6.1f} ms"


def measure_ours(folder: Path, backend: str) -> None:
    """Paint in the tool's own window: with the first brush and a large one, the whole frame seen and enlarged."""
    from matplotlib import pyplot
    from matplotlib.backend_bases import MouseEvent

    from masks.correction.opening import open_figure
    from masks.correction.session import CorrectionSession
    from masks.correction.window import CorrectionWindow

    with CorrectionSession(folder) as session:
        window = CorrectionWindow(session, open_figure(backend), 600)
        canvas = window.display.canvas
        pyplot.show(block=False)
        canvas.flush_events()
        gc.freeze()  # as `correct` does
        width, height = window.display.size

        def send(name: str, number: int, **more: object) -> None:
            event = MouseEvent(name, canvas, *circle(number, MOVES, width, height), **more)  # type: ignore[arg-type]
            canvas.callbacks.process(name, event)
            canvas.flush_events()

        first = window.brush_size
        for zoom in (1, 8):
            for _ in range(9 if zoom == 8 else 0):
                send("scroll_event", 0, step=1)
            for size in (first, max(first, 256)):
                window.brush_size = size
                send("button_press_event", 0, button=1)
                figures = times_of(lambda number: send("motion_notify_event", number), MOVES)
                send("button_release_event", 0, button=1)
                print(f"  ours, brush {size:3d} px, zoom {window.viewport.zoom:5.0%}   {figures}")
        pyplot.close("all")


def measure_naive(folder: Path, backend: str) -> None:
    """What a first tool does: imshow, set_data of the whole mask, draw."""
    import matplotlib

    matplotlib.use(backend)
    from matplotlib import pyplot

    clothed = np.asarray(Image.open(folder / "frames/clothed_frame_00.png"))
    overlay = np.zeros_like(clothed)
    overlay[..., 0] = 255
    figure, axes = pyplot.subplots(figsize=(12, 7.6))
    axes.imshow(clothed)
    image = axes.imshow(overlay)
    pyplot.show(block=False)
    figure.canvas.flush_events()

    def move(number: int) -> None:
        x, y = (round(v) for v in circle(number, NAIVE_MOVES, *clothed.shape[:2]))
        overlay[y - 10 : y + 10, x - 10 : x + 10, 3] = 100
        image.set_data(overlay)
        figure.canvas.draw()
        figure.canvas.flush_events()

    print(f"  imshow, set_data, draw            {times_of(move, NAIVE_MOVES)}")
    pyplot.close("all")


def measure_all(desktop: Desktop, folder: Path, size_px: int) -> None:
    """Both windows of both toolkits, each in a process of its own."""
    write_frames(folder, size_px)
    for backend in ("TkAgg", "QtAgg"):
        print(f"{size_px} px, {backend}", flush=True)
        for kind in ("ours", "naive"):
            command = [sys.executable, "-m", "tests.benchmarks.masks_painting", kind, str(folder), backend]
            result = subprocess.run(command, env=desktop.environment, check=False, capture_output=True, text=True)
            print(result.stdout or f"  {kind}: {result.stderr.strip().splitlines()[-1]}\n", end="", flush=True)


def main() -> None:
    if len(sys.argv) > 1:
        kind, path, backend = sys.argv[1:]
        (measure_ours if kind == "ours" else measure_naive)(Path(path), backend)
        return
    if LACKING:
        sys.exit(f"not installed: {', '.join(LACKING)}")
    print(f"{describe_machine()}\none mouse move, from the event to the window; target: under {TARGET_MS} ms")
    with virtual_desktop() as desktop, tempfile.TemporaryDirectory() as name:
        for size_px in SIZES_PX:
            measure_all(desktop, Path(name) / str(size_px), size_px)


if __name__ == "__main__":
    main()
