"""Showing a picture in a window."""

import signal

from PIL import Image

from common.errors import UserError


def check_display() -> None:
    """Raise UserError where no window can be opened."""
    import matplotlib
    from matplotlib import pyplot

    try:
        pyplot.switch_backend(matplotlib.rcParams["backend"])
        shown_in = matplotlib.get_backend().lower()
    except ImportError:  # a toolkit without a display
        shown_in = "agg"
    if shown_in == "agg":
        raise UserError("setting SHOW: there is no display, or no toolkit for windows (pip install PySide6)")


def show_picture(card: Image.Image, title: str) -> None:
    """Open a window with the picture, until it is closed."""
    from matplotlib import pyplot

    figure = pyplot.figure(title, figsize=(12, 12 * card.height / card.width))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(card)
    axes.set_axis_off()
    for number in (signal.SIGINT, signal.SIGTERM):  # a window's loop hears of a signal only when something is clicked
        signal.signal(number, signal.SIG_DFL)
    pyplot.show()
