"""What the correction window shows, drawn by matplotlib: frame, header, footer, help, outlines under the mouse.

While a mask is painted, only the changed rectangle of the screen is drawn and sent to the window.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox, IdentityTransform

from masks.correction.boxes import Box, Point, whole
from masks.correction.frame_screen import SURROUND, FrameScreen, as_bytes, packed
from masks.correction.tools import Brush, brush_outline
from masks.correction.viewport import Viewport

HEADER_PX, STRIP_PX, FOOTER_PX = 54, 10, 60  # heights at 100 dpi
MARGIN_PX, TOOL_PX, LEGEND_PX = 16, 58, 24
SEPARATOR = "   ·   "
PANEL, INK, DIM = "#1f2229", "#e8eaf0", "#9aa1b1"
GOOD, WARM, BAD = "#5fd38d", "#ffb454", "#ff7a7a"
WAITING = "#454b58"
SURE, UNSURE = "#3f78b8", "#ff7a7a"  # colours of the strip from sure to unsure
MOST_UNSURE = 0.1  # unsureness from which a frame is fully UNSURE

HelpGroup = tuple[str, Sequence[tuple[str, str]]]  # title, and rows of (keys, meaning)


@dataclass(frozen=True)
class HeaderTexts:
    """The texts above the frame.

    Attributes:
        title: name of the frame.
        badge: state of the frame, beside the title.
        badge_colour: colour of the badge.
        detail: facts after the badge; the last ones are dropped if the window is narrow.
        progress: text at the right end.
        strip: colour of each frame in the strip below.
        place: index of the open frame in the strip.
    """

    title: str
    badge: str
    badge_colour: str
    detail: Sequence[str]
    progress: str
    strip: Sequence[str]
    place: int


def sureness_colour(unsureness: float | None) -> str:
    """Return the colour of a frame in the strip by how unsure its mask is, 0 to 1; None: unknown."""
    if unsureness is None:
        return WAITING
    return to_hex(LinearSegmentedColormap.from_list("", [SURE, UNSURE])(math.sqrt(min(1, unsureness / MOST_UNSURE))))


class CorrectionDisplay:
    """Everything shown in the window.

    Attributes:
        canvas: matplotlib's canvas.
        screen: the pixels of the frame and its mask.
        message: the lower line below the frame, in full.
    """

    def __init__(self, figure: Figure) -> None:
        assert isinstance(figure.canvas, FigureCanvasAgg)
        self.canvas = figure.canvas
        self.figure = figure
        self.screen = FrameScreen((1, 1))
        figure.set_facecolor(PANEL)
        self._view = _Pixels(1)
        self._strip = _Pixels(2)
        self._outlines = [_outline(figure, colour, width) for colour, width in (("#000000", 2.6), ("#ffffff", 1.1))]
        self._outlined = Box(0, 0, 0, 0)
        self._title, self._detail = _text(figure, 15, weight="bold"), _text(figure, 9.5, DIM)
        self._badge, self._progress = _text(figure, 10, weight="bold"), _text(figure, 9.5, align="right")
        self._tool, self._status = _text(figure, 10, WARM, weight="bold"), _text(figure, 9.5)
        self._message = _text(figure, 9, DIM)
        self.message = ""
        self._help: list[Artist] = []
        self._legend: list[Artist] = []
        for artist in (self._view, self._strip):
            figure.add_artist(artist)

    # ---- sizes ----

    @property
    def scale(self) -> float:
        """Screen pixels per layout pixel, such as 2 on a high-density screen."""
        return self.figure.dpi / 100

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the canvas in screen px."""
        return self.canvas.get_width_height(physical=True)

    @property
    def view_top(self) -> int:
        """First row of the frame's view on the canvas, below the header."""
        return round(HEADER_PX * self.scale)

    def lay_out(self) -> None:
        """Place everything for the current size of the canvas."""
        width, height = self.size
        shape = (max(height - self.view_top - round(FOOTER_PX * self.scale), 1), max(width, 1))
        if shape != self.screen.pixels.shape:
            self.screen = FrameScreen(shape)
        self._view.pixels, self._view.corner = self.screen.pixels, (self.view_top, 0)
        self._strip.corner = (self.view_top - round(STRIP_PX * self.scale), 0)
        low = height - self.view_top
        for outline in self._outlines:
            outline.set_clip_box(Bbox([[0, low - shape[0]], [width, low]]))
        middle = height - (HEADER_PX - STRIP_PX) / 2 * self.scale
        margin = MARGIN_PX * self.scale
        self._title.set_position((margin, middle))
        self._progress.set_position((width - margin, middle))
        self._tool.set_position((margin, 0.69 * FOOTER_PX * self.scale))
        self._status.set_position((margin + TOOL_PX * self.scale, 0.69 * FOOTER_PX * self.scale))
        self._message.set_position((margin, 0.29 * FOOTER_PX * self.scale))

    def point(self, x: float, y: float) -> Point:
        """Convert matplotlib's mouse position to the middle of that pixel in the view."""
        return x + 0.5, self.size[1] - y - self.view_top + 0.5

    def is_in_view(self, point: Point) -> bool:
        """Whether a point is in the view."""
        height, width = self.screen.pixels.shape
        return 0 <= point[0] < width and 0 <= point[1] < height

    # ---- texts ----

    def set_header(self, header: HeaderTexts) -> None:
        """Set the header; it appears with the next `show`."""
        self._title.set_text(header.title)
        self._badge.set_text(header.badge)
        self._badge.set_color(header.badge_colour)
        self._progress.set_text(header.progress)
        x, y = self._title.get_position()
        for before, text in ((self._title, self._badge), (self._badge, self._detail)):
            x += self._width_of(before) + MARGIN_PX * self.scale
            text.set_position((x, y))
        self._fit(self._detail, header.detail, SEPARATOR, MARGIN_PX * self.scale + self._width_of(self._progress))
        self._strip.pixels = self._strip_of(header)

    def _strip_of(self, header: HeaderTexts) -> np.ndarray:
        width = self.size[0]
        places = np.arange(width) * len(header.strip) // width
        colours = np.array([packed(colour) for colour in header.strip])[places]
        strip = np.repeat(colours[None], round(STRIP_PX * self.scale), axis=0)
        if len(header.strip) * 3 < width:
            strip[:, 1:][:, places[1:] != places[:-1]] = packed(PANEL)
        strip[: -round(6 * self.scale), places != header.place] = packed(PANEL)
        strip[: -round(6 * self.scale), places == header.place] = packed(INK)
        return strip

    def set_footer(self, tool: str, status: Sequence[str], message: str, message_colour: str) -> None:
        """Set the two lines below the frame, cut to the width; they appear with the next `show`."""
        self.message = message
        self._tool.set_text(tool)
        self._fit(self._status, status, SEPARATOR)
        self._fit(self._message, message.split(" "), " ")
        self._message.set_color(message_colour)

    def _fit(self, text: Text, parts: Sequence[str], separator: str, taken_px: float = 0) -> None:
        """Show as many of the first parts as fit left of the margin and of `taken_px`."""
        room = self.size[0] - MARGIN_PX * self.scale - taken_px - text.get_position()[0]
        for count in range(len(parts), -1, -1):
            text.set_text(separator.join(parts[:count]))
            if self._width_of(text) <= room:
                return

    def _width_of(self, text: Text) -> float:
        return text.get_window_extent(self.canvas.get_renderer()).width

    def set_help(self, groups: Sequence[HelpGroup]) -> None:
        """Show the list of keys over everything, as groups of (keys, meaning); an empty list hides it."""
        for artist in self._help:
            artist.remove()
        self._help = _help_panel(self.figure, self.size, self.scale, groups) if groups else []

    def set_legend(self, entries: Sequence[tuple[str, str]]) -> None:
        """Show (name, colour) pairs in the upper left corner of the view; an empty list hides them."""
        for artist in self._legend:
            artist.remove()
        self._legend = []
        for place, (name, colour) in enumerate(entries):
            text = _text(self.figure, 11, colour, weight="bold")
            below = self.view_top + (LEGEND_PX * (place + 1)) * self.scale
            text.set(position=(MARGIN_PX * self.scale, self.size[1] - below), text=name, zorder=4)
            self._legend.append(text)

    # ---- outlines under the mouse ----

    def outline_brush(self, brush: Brush, at: Point, viewport: Viewport) -> None:
        """Outline the pixels that a brush would paint; `at` is a point of the view."""
        self._set_outline(viewport.path_on_screen(brush_outline(brush, viewport.to_frame(at))))

    def outline_loop(self, points: Sequence[Point], viewport: Viewport) -> None:
        """Outline a lasso through points of the frame, with its closing line."""
        self._set_outline(viewport.path_on_screen(np.array([*points, points[0]])))

    def hide_outline(self) -> None:
        """Hide the outline."""
        self._set_outline(np.zeros((0, 2)))

    def _set_outline(self, points: np.ndarray) -> None:
        top = self.size[1] - self.view_top
        for outline in self._outlines:
            outline.set_data(points[:, 0], top - points[:, 1])
        self._outlined = Box(0, 0, 0, 0)
        if len(points):
            (left, up), (right, down) = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
            self._outlined = Box(int(up), int(left), int(down), int(right)).grown(round(3 * self.scale))

    @property
    def outlined(self) -> Box:
        """The part of the view covered by the outline."""
        return self._outlined.within(whole(self.screen.pixels))

    # ---- drawing ----

    def show(self) -> None:
        """Draw everything as soon as the window is idle."""
        self.canvas.draw_idle()

    def show_box(self, box: Box) -> None:
        """Draw a box of the view and the outlines above it at once, and send it to the window."""
        box = box.within(whole(self.screen.pixels))
        if box.is_empty or self._help:
            return
        renderer = self.canvas.get_renderer()
        self._view.draw_box(renderer, box)
        for outline in self._outlines:
            outline.draw(renderer)
        top = self.size[1] - self.view_top
        sent = on_whole_points(
            Box(top - box.bottom, box.left, top - box.top, box.right), self.canvas.device_pixel_ratio
        )
        self.canvas.blit(Bbox([[sent.left, sent.top], [sent.right, sent.bottom]]))


def on_whole_points(box: Box, pixel_ratio: float) -> Box:
    """Enlarge a box until its edges are whole numbers in the toolkit's unit of `pixel_ratio` screen px.

    Qt repaints only whole units, and leaves seams if the screen is scaled by 1.5 and a box ends inside one.
    """
    step = Fraction(pixel_ratio).limit_denominator(8).numerator
    top, left = (edge // step * step for edge in box[:2])
    bottom, right = (-(-edge // step) * step for edge in box[2:])
    return Box(top, left, bottom, right)


class _Pixels(Artist):
    """Screen pixels drawn unchanged; `corner` is the row and column of the first one on the canvas."""

    def __init__(self, zorder: float) -> None:
        super().__init__()
        self.set_zorder(zorder)
        self.pixels = np.full((1, 1), packed(SURROUND))
        self.corner = (0, 0)

    def draw(self, renderer: RendererBase) -> None:
        """Draw all pixels."""
        self.draw_box(renderer, whole(self.pixels))

    def draw_box(self, renderer: RendererBase, box: Box) -> None:
        """Draw the pixels of a box."""
        bottom = int(renderer.get_canvas_width_height()[1]) - self.corner[0] - box.bottom
        tile = as_bytes(self.pixels[box.slices][::-1])  # Agg draws an image from its lowest row up
        renderer.draw_image(renderer.new_gc(), self.corner[1] + box.left, bottom, tile)


def _outline(figure: Figure, colour: str, width: float) -> Line2D:
    line = Line2D([], [], color=colour, linewidth=width, transform=IdentityTransform(), zorder=3, antialiased=True)
    line.set_solid_joinstyle("miter")
    figure.add_artist(line)
    return line


def _text(
    figure: Figure, size: float, colour: str = INK, weight: str = "normal", align: Literal["left", "right"] = "left"
) -> Text:
    text = Text(
        0, 0, "", fontsize=size, color=colour, weight=weight, horizontalalignment=align, verticalalignment="center",
        transform=IdentityTransform(), zorder=5, parse_math=False,
    )  # fmt: skip
    figure.add_artist(text)
    return text


def _help_panel(figure: Figure, size: tuple[int, int], scale: float, groups: Sequence[HelpGroup]) -> list[Artist]:
    """Draw groups of keys in two columns, on a dark sheet over the whole canvas."""
    width, height = size
    sheet = Rectangle((0, 0), width, height, facecolor=SURROUND, alpha=0.95, transform=IdentityTransform(), zorder=8)
    figure.add_artist(sheet)
    artists: list[Artist] = [sheet]
    columns = _two_columns(groups)
    lines = max(sum(len(rows) + 2 for _, rows in column) for column in columns)
    step = min(22 * scale, (height - 20 * scale) / lines)
    font = min(9.5, 0.42 * step / scale, 9.5 * width / (1100 * scale))

    def write(x: float, y: float, words: str, colour: str, weight: str) -> None:
        text = _text(figure, font, colour, weight)
        text.set(position=(x, y), text=words, zorder=9)
        artists.append(text)

    for number, column in enumerate(columns):
        x = width * (0.04 + 0.5 * number)
        y = (height + lines * step) / 2 - step
        for title, rows in column:
            write(x, y, title, WARM, "bold")
            for keys, meaning in rows:
                y -= step
                write(x, y, keys, INK, "bold")
                write(x + 0.15 * width, y, meaning, INK, "normal")
            y -= 2 * step
    return artists


def _two_columns(groups: Sequence[HelpGroup]) -> list[list[HelpGroup]]:
    """Split the groups, in order, into two columns of similar length."""
    lengths = [len(rows) + 2 for _, rows in groups]
    split = min(range(1, len(groups)), key=lambda i: abs(sum(lengths[:i]) - sum(lengths[i:])))
    return [list(groups[:split]), list(groups[split:])]
