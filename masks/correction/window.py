"""The correction window: what the mouse does, what the keys' actions do, automatic saving, and closing without loss."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib import pyplot
from matplotlib.backend_bases import KeyEvent, LocationEvent, MouseEvent
from matplotlib.backend_tools import Cursors
from matplotlib.figure import Figure

from common.errors import UserError
from masks.correction.boxes import Box, Point, whole
from masks.correction.display import BAD, DIM, GOOD, SEPARATOR, WARM, CorrectionDisplay, HeaderTexts, sureness_colour
from masks.correction.frame_screen import difference, overlay_colour
from masks.correction.keys import ACTIONS, help_groups, plain_key
from masks.correction.session import CorrectionSession, Propagated
from masks.correction.stale_events import StaleKeys
from masks.correction.tools import Brush, flood, lasso, sweep
from masks.correction.viewport import Viewport

if TYPE_CHECKING:
    from masks.correction.garment_editor import GarmentEditor

ZOOM_STEP = 1.25  # zoom factor per notch of the wheel
MAX_BRUSH = 512  # largest brush, in cells across
BRUSHES_ACROSS = 48  # widths of the first brush across a frame
TOLERANCE_STEP = 4
OPACITY_STEP = 0.1
SIGNAL_CHECK_S = 0.25
MESSAGE_S = 5.0  # a message disappears after this time, or with the next key or click
FRAME_S = 0.125  # time of a frame when the animation is played
GARMENT_OPACITY = 0.6
MOST_LETTERS = 40  # of a garment's name
SOON_S = 0.001  # pause between two frames of a propagation, in which the window reacts

Tool = Literal["brush", "flood", "lasso"]
View = Literal["base", "clothed", "difference", "overlay", "garments"]


@dataclass
class Drag:
    """A drag with a mouse button held.

    Attributes:
        kind: "paint", "loop" or "pan".
        button: the button that is held.
        value: what painting sets pixels to.
        points: points of the frame (for "paint" only the last one), or of the view for "pan".
    """

    kind: Literal["paint", "loop", "pan"]
    button: int
    value: bool
    points: list[Point]


@dataclass
class Running:
    """Work that goes on between events until a key or a click stops it.

    Attributes:
        what: "teaching" or "playing".
        timer: calls the next step.
        steps: the rest of the work, one step at a time.
    """

    what: Literal["teaching", "playing"]
    timer: Any
    steps: Iterator[object]


class CorrectionWindow:
    """Connects a session to a figure's events.

    Attributes:
        session: the correction session.
        display: what is shown.
        stop_signal: the signal that ended the window, or None.
    """

    def __init__(self, session: CorrectionSession, figure: Figure, autosave_s: float) -> None:
        self.session = session
        self.display = CorrectionDisplay(figure)
        self.stop_signal: int | None = None
        self.tool: Tool = "brush"
        self.view: View = "overlay"
        self.is_round, self.snaps, self.tolerance, self.opacity = True, True, 24, 0.4
        self.shows_mask, self.shows_onion, self._shows_help = True, False, False
        self.brush_size = max(1, round(session.frame.base.shape[1] / session.frame.cell_px / BRUSHES_ACROSS))
        self._autosave_s = autosave_s
        self._drag: Drag | None = None
        self._holds_space = self._is_closing = self._has_warned = False
        self._mouse: Point | None = None
        self._is_fitted = True  # until the user zooms or moves
        self._shape = session.frame.base.shape[:2]
        self._difference: tuple[str, np.ndarray] | None = None  # frame number and difference picture
        self._tinted = ("", "")  # frame number and colour of its overlay
        self._running: Running | None = None
        self._garments: GarmentEditor | None = None  # opened with its view
        self._joining: int | None = None  # the garment that the next one is joined to
        self._naming: tuple[int | None, str] | None = None  # the garment that gets a name, and what is typed so far
        self._stale_keys = StaleKeys()
        self._said_at = 0.0
        self._connect()
        self._greet_frame("h shows all keys")
        self._on_resize()

    def _connect(self) -> None:
        canvas = self.display.canvas
        handlers: dict[str, Callable[[Any], object]] = {
            "button_press_event": self._on_press,
            "motion_notify_event": self._on_motion,
            "button_release_event": self._on_release,
            "scroll_event": self._on_wheel,
            "key_press_event": self._on_key,
            "key_release_event": self._on_key_release,
            "figure_leave_event": self._on_leave,
            "resize_event": self._on_resize,
        }
        for name, handler in handlers.items():
            canvas.mpl_connect(name, handler)  # type: ignore[call-overload]
        canvas.set_cursor(Cursors.SELECT_REGION)
        self._timers = [
            canvas.new_timer(round(self._autosave_s * 1000), [(self.save, (), {})]),
            canvas.new_timer(round(SIGNAL_CHECK_S * 1000), [(self._check_signal, (), {})]),
        ]
        for timer in self._timers:
            timer.start()

    # ---- what is shown ----

    @property
    def cell_px(self) -> int:
        """Side in px of the cells that the tools work on."""
        return self.session.frame.cell_px if self.snaps else 1

    @property
    def brush(self) -> Brush:
        """The current brush."""
        return Brush(self.brush_size, self.is_round, self.cell_px)

    def refresh(self) -> None:
        """Redraw everything."""
        self._lay_out_frame()
        self.refresh_texts()

    def _lay_out_frame(self) -> None:
        frame = self.session.frame
        shape, view = frame.base.shape[:2], self.display.screen.pixels.shape
        if self._is_fitted or self._shape != shape:
            self._is_fitted, self._shape = True, shape
            self.viewport = Viewport.fit(self.session.figure_box(shape), view)
        self.viewport = self.viewport.kept_in_view(shape, view)
        onion = self.session.previous_mask() if self.shows_onion else None
        if onion is not None and onion.shape != shape:
            onion = None
        tint = (
            (self._overlay_colour(frame.clothed, frame.editor.mask), self.opacity) if self.view == "overlay" else None
        )
        self.display.screen.lay_out(self._picture(), self.viewport, onion, tint)
        self._paint_screen(whole(self.display.screen.pixels))
        self._outline()
        self.display.set_legend(self._legend())

    def refresh_texts(self) -> None:
        """Update header, footer and title, and redraw everything."""
        self.display.set_header(self._header())
        self._has_warned = self._has_warned and bool(self.session.fault)
        message = (self._fault(), BAD) if self.session.fault else self._message
        self.display.set_footer("pick" if self.view == "garments" else self.tool, self.status(), *message)
        if self.display.canvas.manager is not None:
            self.display.canvas.manager.set_window_title(self.title())
        self.display.show()

    def say(self, message: str, colour: str = DIM) -> None:
        """Show a message below the frame until the next one."""
        self._note(message, colour)
        self.refresh_texts()

    def _note(self, message: str, colour: str = DIM) -> None:
        """Set the message that the next `refresh_texts` shows."""
        self._message = message, colour
        self._said_at = time.monotonic()

    def _fault(self) -> str:
        closing = "; closing again loses it" if self._has_warned else ""
        fault = self.session.fault.replace(f"{self.session.folder}{os.sep}", "")  # a long path would hide the reason
        return f"NOT SAVED, kept in memory, tried again every {self._autosave_s:g} s{closing}: {fault}"

    def title(self) -> str:
        """Return the window's title: frame, progress, and a mark if something is unsaved."""
        session = self.session
        progress = f"{len(session.reviewed_frames)} of {len(session.numbers)} reviewed"
        mark, words = ("", "") if session.is_saved else ("* ", ", unsaved")
        return f"{mark}frame {session.frame.number}, {progress}{words} - mask correction"

    def status(self) -> list[str]:
        """Return the status after the tool's name: brush, tolerance, view."""
        if self.view == "garments":
            return [f"{len(self._editor().garments)} garments", f"zoom {self.viewport.zoom:.0%}"]
        cell = self.session.frame.cell_px
        unit = "px" if self.cell_px == 1 else f"art pixel{'s' * (self.brush_size > 1)} of {cell} px"
        words = [
            f"{'round' if self.is_round else 'square'} brush of {self.brush_size} {unit}",
            f"tolerance {self.tolerance}",
            f"view {self.view}" + (f" {self.opacity:.0%}" if self.view == "overlay" else ""),
        ]
        if cell > 1:
            words.insert(1, f"snap {'on' if self.snaps else 'off'}")
        if not self.shows_mask:
            words.append("mask hidden")
        if self.shows_onion:
            words.append("onion skin")
        return [*words, f"zoom {self.viewport.zoom:.0%}"]

    def _header(self) -> HeaderTexts:
        session = self.session
        frame = session.frame
        order = "most unsure first" if session.by_unsureness and session.unsureness else "by number"
        detail = [f"{session.position + 1} of {len(session.numbers)}, {order}"]
        if frame.number in session.unsureness:
            detail.append(f"unsureness {session.unsureness[frame.number]:.4f}")
        detail.append(f"{frame.base.shape[1]} x {frame.base.shape[0]} px")
        if frame.proposal is None:
            detail.append("no proposal")
        is_reviewed = frame.number in session.reviewed
        progress = f"{len(session.reviewed_frames)} of {len(session.numbers)} reviewed"
        return HeaderTexts(
            f"frame {frame.number}",
            "reviewed" if is_reviewed else "not reviewed",
            GOOD if is_reviewed else DIM,
            detail,
            progress + ("" if session.is_saved else f"{SEPARATOR}unsaved"),
            [GOOD if n in session.reviewed else sureness_colour(session.unsureness.get(n)) for n in session.numbers],
            session.position,
        )

    def _picture(self) -> np.ndarray:
        frame = self.session.frame
        if self.view == "garments":
            return self._editor().picture(frame, GARMENT_OPACITY)
        if self.view == "difference":
            if self._difference is None or self._difference[0] != frame.number:
                self._difference = frame.number, difference(frame.base, frame.clothed)
            return self._difference[1]
        return frame.base if self.view == "base" else frame.clothed

    def _overlay_colour(self, clothed: np.ndarray, mask: np.ndarray) -> str:
        """Return the colour of the overlay, which stays while a frame is painted."""
        if self._tinted[0] != self.session.frame.number or self._running:
            self._tinted = self.session.frame.number, overlay_colour(clothed, mask)
        return self._tinted[1]

    def _paint_screen(self, box: Box) -> Box:
        shows_mask = self.shows_mask and self.view != "garments"
        return self.display.screen.paint(self.session.frame.editor.mask if shows_mask else None, box)

    def _legend(self) -> list[tuple[str, str]]:
        if self.view != "garments":
            return []
        editor = self._editor()
        names = [garment.name + " (left out)" * garment.is_left_out for garment in editor.garments]
        return list(zip(names, editor.colours, strict=True))

    def _outline(self) -> Box:
        """Move the outline to the mouse; return the box to redraw."""
        before = self.display.outlined
        if self._drag is not None and self._drag.kind == "loop":
            self.display.outline_loop(self._drag.points, self.viewport)
        elif self.view == "garments":
            self.display.hide_outline()
        elif self.tool == "brush" and self._mouse is not None and self.display.is_in_view(self._mouse):
            self.display.outline_brush(self.brush, self._mouse, self.viewport)
        else:
            self.display.hide_outline()
        return before.joined(self.display.outlined)

    def _show_change(self, box: Box | None) -> None:
        """Redraw what changed: a box of the frame, and the outline."""
        touched = self._outline()
        if box is not None and not box.is_empty:
            touched = touched.joined(self._paint_screen(self.viewport.box_on_screen(box)))
        self.display.show_box(touched)

    # ---- mouse ----

    def _on_press(self, event: MouseEvent) -> None:
        point = self.display.point(event.x, event.y)
        self.stop_running()
        self._forget_message()
        if self._shows_help:
            self.toggle_help()
        elif self._drag is None and self.display.is_in_view(point) and event.button in (1, 2, 3):
            self._mouse = point
            self._begin(int(event.button), "shift" in event.modifiers)

    def _begin(self, button: int, is_shifted: bool) -> None:
        assert self._mouse is not None
        at = self.viewport.to_frame(self._mouse)
        value = button == 1 and not is_shifted
        if button == 2 or (button == 1 and self._holds_space):
            self._drag = Drag("pan", button, False, [self._mouse])
            self.display.canvas.set_cursor(Cursors.MOVE)
        elif self.view == "garments":
            self._say_garment(at)
        elif self.tool == "flood":
            self._flood(at, value)
        else:
            self._drag = Drag("paint" if self.tool == "brush" else "loop", button, value, [at])
            self._continue(self._drag)

    def _on_motion(self, event: MouseEvent) -> None:
        self._mouse = self.display.point(event.x, event.y)
        if self._drag is not None:
            self._continue(self._drag)
        else:
            self._show_change(None)

    def _continue(self, drag: Drag) -> None:
        assert self._mouse is not None
        at = self.viewport.to_frame(self._mouse)
        if drag.kind == "pan":
            x, y = (now - before for now, before in zip(self._mouse, drag.points[0], strict=True))
            drag.points = [self._mouse]
            self._look_at(self.viewport.moved(x, y))
        elif drag.kind == "paint":
            frame = self.session.frame
            region = sweep(self.brush, drag.points[0], at, frame.editor.mask.shape[:2])
            drag.points = [at]
            self._show_change(frame.editor.set_pixels(region, drag.value))
        else:
            drag.points.append(at)
            self._show_change(None)

    def _on_release(self, event: MouseEvent) -> None:
        if self._drag is not None and event.button == self._drag.button:
            self._finish_drag()

    def _finish_drag(self) -> None:
        """End the current drag, as releasing the button does."""
        drag, self._drag = self._drag, None
        if drag is None:
            return
        if drag.kind == "loop":
            editor = self.session.frame.editor
            box = editor.set_pixels(lasso(drag.points, editor.mask.shape[:2], self.cell_px), drag.value)
            self._show_change(box)
        self.session.frame.editor.end_stroke()
        self.display.canvas.set_cursor(Cursors.SELECT_REGION)
        self.refresh_texts()

    def _flood(self, at: Point, value: bool) -> None:
        frame = self.session.frame
        if not (0 <= at[0] < frame.clothed.shape[1] and 0 <= at[1] < frame.clothed.shape[0]):
            return
        self._show_change(frame.editor.set_pixels(flood(frame.clothed, at, self.tolerance, frame.cell_px), value))
        frame.editor.end_stroke()
        self.refresh_texts()

    def _on_wheel(self, event: MouseEvent) -> None:
        point = self.display.point(event.x, event.y)
        if not self._shows_help and self.display.is_in_view(point):
            notches = min(max(event.step, -1), 1)  # touchpads count in pixels
            self._look_at(self.viewport.zoomed(ZOOM_STEP**notches, point))
            self.refresh_texts()

    def _look_at(self, viewport: Viewport) -> None:
        self._is_fitted, self.viewport = False, viewport
        self._lay_out_frame()
        self.display.show_box(whole(self.display.screen.pixels))

    def _on_leave(self, _event: LocationEvent) -> None:
        self._holds_space = False  # its release may reach another window
        if self._drag is None:
            self._mouse = None
            self._show_change(None)

    def _on_resize(self, _event: object = None) -> None:
        self.display.lay_out()
        if self._shows_help:
            self.display.set_help(help_groups())
        self.refresh()

    # ---- keys ----

    def _on_key(self, event: KeyEvent) -> None:
        key = plain_key(event.key or "")
        if self._stale_keys.is_stale(key, event.guiEvent):
            return
        if self._running is not None:
            self.stop_running()
            return
        if self._naming is not None:
            self._type(event.key or "")
            return
        self._forget_message()
        if key == " ":
            self._holds_space = True
        elif self._shows_help:
            self.toggle_help()
        elif key in ACTIONS:
            try:
                ACTIONS[key](self)
            except UserError as error:
                self.say(str(error), BAD)

    def _on_key_release(self, event: KeyEvent) -> None:
        self._stale_keys.release(event.guiEvent)
        if plain_key(event.key or "") == " ":
            self._holds_space = False

    def choose_tool(self, tool: Tool) -> None:
        """Switch to another tool."""
        self._finish_drag()
        self.tool = tool
        self.refresh()

    def resize_brush(self, direction: int) -> None:
        """Make the brush one step larger (1) or smaller (-1); steps grow with the brush."""
        step = max(1, self.brush_size // 6)
        self._set_brush(self.brush_size + direction * step)

    def toggle_shape(self) -> None:
        """Switch between round and square brush."""
        self.is_round = not self.is_round
        self._set_brush(self.brush_size)

    def toggle_snap(self) -> None:
        """Switch between art pixels and single pixels; the brush keeps about its size."""
        size_px = self.brush_size * self.cell_px
        self.snaps = not self.snaps
        self._set_brush(round(size_px / self.cell_px))

    def _set_brush(self, size: int) -> None:
        self.brush_size = min(max(size, 1), MAX_BRUSH)
        self._show_change(None)
        self.refresh_texts()

    def change_tolerance(self, direction: int) -> None:
        """Change the largest colour difference that flood accepts."""
        self.tolerance = min(max(self.tolerance + direction * TOLERANCE_STEP, 0), 255)
        self.refresh_texts()

    def undo(self) -> None:
        """Undo the last stroke of this frame, the last propagation on all frames, or the last change of garments."""
        self._finish_drag()
        if self.view == "garments":
            self._after_garments(
                self._editor().undo(), "the last change of the garments is taken back", "nothing to undo"
            )
            return
        if self.session.can_take_back:
            undone = self.session.take_back()
            self._note(f"taken back on {len(undone)} frames", GOOD)
            self.refresh()
            return
        self._after_edit(self.session.frame.editor.undo(), "nothing to undo on this frame")

    def redo(self) -> None:
        """Redo the last undone stroke."""
        self._finish_drag()
        self._after_edit(self.session.frame.editor.redo(), "nothing to redo on this frame")

    def copy_previous(self) -> None:
        """Copy the mask of the previous frame, by number."""
        self._finish_drag()
        mask = self.session.previous_mask()
        if mask is None:
            self.say("the previous frame has no mask to copy", WARM)
        elif mask.shape != self._shape:
            self.say("the previous frame has another size; its mask is not copied", WARM)
        else:
            self._after_edit(self.session.frame.editor.replace(mask), "")

    def reset(self) -> None:
        """Reset the mask to the proposal."""
        self._finish_drag()
        proposal = self.session.frame.proposal
        if proposal is None:
            self.say("this frame has no proposal; use undo to take back single strokes", WARM)
        else:
            self._after_edit(self.session.frame.editor.replace(proposal), "")

    def _after_edit(self, box: Box | None, if_none: str) -> None:
        if box is None:
            self.say(if_none, WARM)
            return
        self._show_change(box)
        self.refresh_texts()

    def choose_view(self, view: View) -> None:
        """Switch to another view of the frame."""
        self._finish_drag()
        if view == "garments":
            self._editor()  # it may fail, and the view then stays
            self._note("click names a garment; j joins, k and v split, w names, e leaves out, z takes back")
        self.view = view
        self.refresh()

    def flicker(self) -> None:
        """Switch between base and clothed frame."""
        self.choose_view("clothed" if self.view == "base" else "base")

    def change_opacity(self, direction: int) -> None:
        """Change the opacity of the mask in the overlay."""
        self.opacity = min(max(round(self.opacity + direction * OPACITY_STEP, 1), 0.1), 1.0)
        self.choose_view("overlay")

    def toggle_mask(self) -> None:
        """Hide or show the mask and its contour."""
        self.shows_mask = not self.shows_mask
        self.refresh()

    def toggle_onion(self) -> None:
        """Show or hide the mask of the previous frame, by number, as hatching."""
        self.shows_onion = not self.shows_onion
        if self.shows_onion and self.session.previous_mask() is None:
            self._note("there is no previous frame", WARM)
        self.refresh()

    def fit(self) -> None:
        """Fit the whole frame into the view."""
        self._is_fitted = True
        self.refresh()

    def step(self, count: int) -> None:
        """Save, then go to the next or previous frame."""
        self._finish_drag()
        self.session.step(count)
        self._show_frame()

    def next_unreviewed(self) -> None:
        """Save, then go to the next unreviewed frame."""
        self._finish_drag()
        found = self.session.go_to_unreviewed()
        self._show_frame()
        if not found:
            left = len(self.session.numbers) - len(self.session.reviewed_frames)
            self.say("this is the last frame to review" if left else "all frames are reviewed", GOOD)

    def _show_frame(self) -> None:
        """Show a frame that was just opened."""
        self._greet_frame("")
        self.refresh()

    def _greet_frame(self, greeting: str) -> None:
        frame = self.session.frame
        self._note(greeting)
        if frame.proposal is None and not frame.editor.mask.any():
            self._note("no proposal for this frame; it starts from an empty mask", WARM)

    def toggle_reviewed(self) -> None:
        """Mark the frame as reviewed, or as not reviewed."""
        self.session.toggle_reviewed()
        self.refresh_texts()

    def toggle_order(self) -> None:
        """Switch between order by unsureness and by number."""
        self.session.toggle_order()
        if self.session.by_unsureness and not self.session.unsureness:
            self.say("there is no proposals.csv in masks_initial, so the order stays by number", WARM)
        self.refresh_texts()

    def toggle_help(self) -> None:
        """Show or hide all keys."""
        self._finish_drag()
        self._shows_help = not self._shows_help
        self.display.set_help(help_groups() if self._shows_help else [])
        self.display.show()

    # ---- garments ----

    def _editor(self) -> "GarmentEditor":
        if self._garments is None:
            from masks.correction.garment_editor import GarmentEditor  # OpenCV, which Qt must precede

            self._garments = GarmentEditor(self.session)
        return self._garments

    def _garment_here(self) -> int | None:
        """Return the garment under the mouse; None, with a message, if there is none or another view is open."""
        if self.view != "garments":
            self.say("garments are changed in their view; 5 opens it", WARM)
            return None
        at = None if self._mouse is None else self.viewport.to_frame(self._mouse)
        place = None if at is None else self._editor().at(self.session.frame, at)
        if place is None:
            self.say("no garment is under the mouse", WARM)
        return place

    def _say_garment(self, at: Point) -> None:
        place = self._editor().at(self.session.frame, at)
        self.say("no garment" if place is None else self._editor().garments[place].name)

    def join_garments(self) -> None:
        """Remember the garment under the mouse, or join it to the remembered one."""
        place, first = self._garment_here(), self._joining
        self._joining = None
        if place is None:
            return
        name = self._editor().garments[place].name
        if first is None:
            self._joining = place
            self.say(f"{name}: j on another garment joins it to this one")
        else:
            self._after_garments(self._editor().join(first, place), "joined", f"{name} cannot be joined to itself")

    def split_garment(self, how: Literal["colour", "height"]) -> None:
        """Split the garment under the mouse by the colour, or at the height, of the mouse."""
        self._joining = None
        if self._garment_here() is None or self._mouse is None:
            return
        editor, at = self._editor(), self.viewport.to_frame(self._mouse)
        split = editor.split_by_colour if how == "colour" else editor.split_at_height
        self._after_garments(
            split(self.session.frame, at), "split; z takes it back", f"it cannot be split by {how} here"
        )

    def leave_out_garment(self) -> None:
        """Leave the garment under the mouse out, or take it in again."""
        self._joining = None
        place = self._garment_here()
        if place is not None:
            self._after_garments(self._editor().toggle_left_out(place), "", "")

    def name_garment(self) -> None:
        """Begin to type a name for the garment under the mouse; without one, what is typed does nothing."""
        self._joining = None
        if self.view == "garments":
            place = self._garment_here()
            self._naming = place, ""
            self._type("")
        else:
            self._garment_here()

    def _type(self, key: str) -> None:
        """Take a key as a part of a garment's name."""
        assert self._naming is not None
        place, text = self._naming
        if key in ("enter", "escape"):
            self._naming = None
            if key == "enter" and text.strip() and place is not None:
                self._after_garments(self._editor().rename(place, text), "", "")
            else:
                self.say("the name stays as it was")
            return
        text = text[:-1] if key == "backspace" else text + key * (len(key) == 1 and key.isprintable())
        self._naming = place, text[:MOST_LETTERS]
        what = "no garment is under the mouse" if place is None else f"name of {self._editor().garments[place].name}"
        self.say(f"{what}: {text}_   (Enter: done, Esc: as it was)", WARM)

    def _after_garments(self, is_changed: bool, done: str, if_not: str) -> None:
        self._note(done if is_changed else if_not, GOOD if is_changed else WARM)
        self.refresh()

    # ---- work that goes on between events ----

    def propagate(self) -> None:
        """Change the masks of all unreviewed frames as the open frame and the reviewed ones teach."""
        self._finish_drag()
        if len(self.session.numbers) == len({*self.session.reviewed_frames, self.session.frame.number}):
            self.say("all other frames are reviewed, so they stay as they are", WARM)
            return
        self._start("teaching", self._teach(), SOON_S)

    def _teach(self) -> Iterator[None]:
        masks: dict[str, Propagated] = {}
        total = len(self.session.numbers)
        for done, (number, found) in enumerate(self.session.propagated_masks(), start=1):
            if found is not None:
                masks[number] = found
            self.say(f"teaching: {done} of at most {total - 1} frames; any key stops", DIM)
            yield
        changed = self.session.take_over(masks)
        self._note(f"{len(masks)} other frames show these clothes, {len(changed)} changed; z takes it back", GOOD)
        self.refresh()

    def play(self) -> None:
        """Play the animation with its masks, until a key or a click stops it."""
        self._finish_drag()
        self._start("playing", self._frames_to_play(), FRAME_S)

    def _frames_to_play(self) -> Iterator[None]:
        screen = self.display.screen
        pictures: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        while True:
            for number in self.session.in_order:
                if number not in pictures:
                    pictures[number] = self.session.picture_of(number)
                clothed, mask = pictures[number]
                if clothed.shape[:2] != self._shape:
                    continue
                screen.lay_out(clothed, self.viewport, None, (self._overlay_colour(clothed, mask), self.opacity))
                screen.paint(mask if self.shows_mask else None, whole(screen.pixels))
                self.say(f"playing: frame {number}; any key stops", DIM)
                yield

    def _start(self, what: Literal["teaching", "playing"], steps: Iterator[None], pause_s: float) -> None:
        self.display.hide_outline()
        timer = self.display.canvas.new_timer(round(pause_s * 1000), [(self._next_step, (), {})])
        self._running = Running(what, timer, steps)
        timer.start()

    def _next_step(self) -> None:
        if self._running is None:
            return
        running = self._running
        try:
            next(running.steps)
        except StopIteration:
            running.timer.stop()
            self._running = None
        except UserError as error:
            self.stop_running()
            self.say(str(error), BAD)

    def stop_running(self) -> None:
        """Stop a propagation, which then changes nothing, or the animation."""
        if self._running is None:
            return
        running, self._running = self._running, None
        running.timer.stop()
        self._note("stopped; no frame was changed" if running.what == "teaching" else "")
        self.refresh()

    # ---- saving and closing ----

    def save(self) -> None:
        """Save everything; called by key and by the timer."""
        if self.session.is_saved:
            return
        written = self.session.save()
        if not self.session.fault:
            self._note(f"saved at {time.strftime('%H:%M:%S')}: {', '.join(written)}")
        self.refresh_texts()

    def may_close(self) -> bool:
        """Save and return whether the window may close; the first failure to save prevents it."""
        if not self._is_closing:
            self._finish_drag()
            self.session.save()
            self._is_closing = self._has_warned or not self.session.fault
            self._has_warned = True
            self.refresh_texts()
        if self._is_closing:
            self.stop_running()
            for timer in self._timers:
                timer.stop()
        return self._is_closing

    def close(self) -> None:
        """Save and close the window, unless saving fails for the first time."""
        if self.may_close():
            pyplot.close(self.display.figure)

    def stop(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal: close soon. A signal handler must do as little as possible."""
        self.stop_signal = number

    def _forget_message(self) -> None:
        if self._message[0]:
            self._message = "", DIM
            self.refresh_texts()

    def _check_signal(self) -> None:
        if self._running is None and time.monotonic() - self._said_at > MESSAGE_S:
            self._forget_message()
        if self.stop_signal is not None:
            self._is_closing = True
            self.close()
