"""The correction window twice: its actions without a display, and for real on a desktop of its own by mouse and keys.

The tests of the real window leave screenshots in their temporary folders.
"""

import contextlib
import importlib.util
import inspect
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from operator import methodcaller
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.backend_bases import KeyEvent, MouseEvent
from PIL import Image, ImageGrab

from common.errors import UserError
from masks.correction.boxes import Box
from masks.correction.display import FOOTER_PX, HEADER_PX, on_whole_points
from masks.correction.keys import ACTIONS, KEYS, plain_key
from masks.correction.opening import SIZE_INCHES, open_figure
from masks.correction.session import CorrectionSession
from masks.correction.toolkit import choose_backend
from masks.correction.viewport import Viewport
from masks.correction.window import CorrectionWindow
from masks.garments.garment_splitting import read_garments
from masks.model.metrics import f1_score
from masks.sets.naming import base_name, clothed_name, mask_name
from masks.sets.pairs import mask_image
from masks.sets.working_set import read_reviewed, write_proposals
from tests.helpers import ROOT, assert_user_error, run_script
from tests.masks.correction.test_propagation import walker, write_walk
from tests.masks.correction.test_session import CELL, SHAPE, corrected, proposal_of, read, write_working_set
from tests.masks.desktop import Desktop, needs_desktop, needs_qt, virtual_desktop
from tests.masks.garments.test_garment_splitting import walker as dressed_walker

pytestmark = pytest.mark.slow
SCRIPT = "masks/mask_correction_tool.py"
FIGURE = Box(0, 0, *SHAPE)  # what is drawn, and its margin


# ---- actions, without a display ----


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_working_set(tmp_path / "set", lacking=(3,))


@pytest.fixture
def window(folder: Path) -> Iterator[CorrectionWindow]:
    with matplotlib.rc_context(), CorrectionSession(folder) as session:
        yield CorrectionWindow(session, open_figure("Agg"), 600)
        pyplot.close("all")


def send(window: CorrectionWindow, name: str, x: float, y: float, **more: object) -> None:
    """A mouse event at a place of the frame, in px."""
    left, top = window.viewport.to_screen((x, y))
    canvas = window.display.canvas
    height = canvas.get_width_height(physical=True)[1]
    event = MouseEvent(name, canvas, left - 0.5, height - (top + window.display.view_top) + 0.5, **more)  # type: ignore[arg-type]
    canvas.callbacks.process(name, event)


def drag(
    window: CorrectionWindow, *places: tuple[float, float], button: int = 1, modifiers: tuple[str, ...] = ()
) -> None:
    send(window, "button_press_event", *places[0], button=button, modifiers=modifiers)
    for place in places[1:]:
        send(window, "motion_notify_event", *place, modifiers=modifiers)
    send(window, "button_release_event", *places[-1], button=button, modifiers=modifiers)


def press(window: CorrectionWindow, *keys: str) -> None:
    for key in keys:
        for name in ("key_press_event", "key_release_event"):
            window.display.canvas.callbacks.process(name, KeyEvent(name, window.display.canvas, key))


def mask_of(window: CorrectionWindow) -> np.ndarray:
    return window.session.frame.editor.mask


def message_of(window: CorrectionWindow) -> str:
    return window.display.message


def drawn(window: CorrectionWindow) -> np.ndarray:
    """What the window shows now, as (H, W, 4) uint8."""
    return np.asarray(window.display.canvas.buffer_rgba()).copy()


def test_every_key_does_one_thing_and_matplotlibs_own_keys_do_nothing(window: CorrectionWindow) -> None:
    names = [name for keys in KEYS.values() for key in keys for name in key.names]
    assert len(names) == len(set(names)) == len(ACTIONS)
    assert all(plain_key(name) == name for name in names)
    for action in ACTIONS.values():
        assert isinstance(action, methodcaller)
        method, *arguments = tuple[str, ...](action.__reduce__()[1])
        inspect.signature(getattr(window, method)).bind(*arguments)
    keymaps = {name: keys for name, keys in matplotlib.rcParams.items() if name.startswith("keymap.")}
    assert len(keymaps) > 10 and not any(keymaps.values())
    assert matplotlib.rcParams["toolbar"] == "None"


@pytest.mark.parametrize(
    ("key", "plain"),
    [("B", "b"), ("ctrl+z", "ctrl+z"), ("ctrl+Z", "ctrl+shift+z"), ("ctrl+alt+[", "["), ("pagedown", "pagedown")],
)
def test_keys_have_one_name_on_every_keyboard(key: str, plain: str) -> None:
    assert plain_key(key) == plain


def test_one_click_paints_one_art_pixel_and_the_right_button_or_shift_erases(window: CorrectionWindow) -> None:
    press(window, "[")
    assert window.brush_size == 1 and window.cell_px == CELL
    expected = proposal_of(0)
    drag(window, (41.2, 2.9))
    expected[0:CELL, 40 : 40 + CELL] = True
    assert (mask_of(window) == expected).all()
    drag(window, (1, 9), (9, 9), button=3)
    expected[8:12, :12] = False
    assert (mask_of(window) == expected).all()
    drag(window, (1, 21), modifiers=("shift",))
    expected[20:24, :4] = False
    assert (mask_of(window) == expected).all()
    press(window, "x")
    drag(window, (30.5, 28.5))
    expected[28, 30] = True
    assert window.cell_px == 1 and window.brush_size == CELL
    assert mask_of(window)[28, 30] and (mask_of(window) != expected).sum() < CELL * CELL


def test_brush_size_and_shape(window: CorrectionWindow) -> None:
    sizes = []
    for _ in range(12):
        press(window, "]")
        sizes.append(window.brush_size)
    assert sizes == sorted(set(sizes)) and sizes[:5] == [2, 3, 4, 5, 6]
    for start, key, end in ((500, "]", 512), (2, "[", 1), (1, "[", 1)):
        window.brush_size = start
        press(window, key)
        assert window.brush_size == end
    press(window, "s", "]", "]")
    assert not window.is_round
    before = mask_of(window).copy()
    drag(window, (26, 14))
    assert (mask_of(window) & ~before).sum() == 3 * 3 * CELL * CELL


def test_flood_adds_and_erases_connected_pixels_of_a_colour(window: CorrectionWindow) -> None:
    shirt = np.zeros(SHAPE, bool)
    shirt[2 * CELL : 6 * CELL, : 4 * CELL] = True
    press(window, "g", *"," * 7)
    assert window.tolerance == 0
    drag(window, (5, 12), button=3)
    assert not (mask_of(window) & shirt).any()
    drag(window, (5, 12))
    assert (mask_of(window) & shirt).sum() == shirt.sum()
    press(window, "z", "z")
    assert (mask_of(window) == proposal_of(0)).all()
    drag(window, (500, 12))
    assert window.session.is_saved is False and (mask_of(window) == proposal_of(0)).all()
    press(window, ".")
    assert window.tolerance == 4


def test_lasso_adds_and_subtracts(window: CorrectionWindow) -> None:
    press(window, "l")
    drag(window, (24, 0), (48, 0), (48, 32), (24, 32))
    expected = proposal_of(0)
    expected[:, 24:] = True
    assert (mask_of(window) == expected).all()
    drag(window, (24, 0), (48, 0), (48, 16), (24, 16), button=3)
    expected[:16, 24:] = False
    assert (mask_of(window) == expected).all()
    press(window, "ctrl+z", "ctrl+z", "ctrl+y", "ctrl+Z")
    assert (mask_of(window) == expected).all()


def test_undo_in_the_middle_of_a_drag_ends_it(window: CorrectionWindow) -> None:
    send(window, "button_press_event", 41, 2, button=1)
    press(window, "z")
    send(window, "motion_notify_event", 30, 2)
    assert (mask_of(window) == proposal_of(0)).all()
    press(window, "z")
    assert "nothing to undo" in message_of(window)


def test_copy_of_the_frame_before_and_reset_can_be_undone(window: CorrectionWindow) -> None:
    press(window, "c")
    assert "no mask to copy" in message_of(window)
    press(window, "n", "c")
    assert window.session.frame.number == "01" and (mask_of(window) == proposal_of(0)).all()
    press(window, "r")
    assert (mask_of(window) == proposal_of(1)).all()
    press(window, "z")
    assert (mask_of(window) == proposal_of(0)).all()
    press(window, "z")
    assert (mask_of(window) == proposal_of(1)).all()
    press(window, "p", "p", "r")
    assert window.session.frame.number == "03" and "no proposal" in message_of(window)


def test_a_frame_of_another_size_is_fitted_and_its_mask_not_copied(tmp_path: Path) -> None:
    folder = write_working_set(tmp_path / "set", 2)
    for name in ("frames/base_frame_01", "frames/clothed_frame_01", "masks_initial/mask_01"):
        with Image.open(folder / f"{name}.png") as image:
            image.resize((96, 64), 0).save(folder / f"{name}.png")
    with matplotlib.rc_context(), CorrectionSession(folder) as session:
        window = CorrectionWindow(session, open_figure("Agg"), 600)
        before = window.viewport.zoom
        press(window, "i", "n")
        assert window.viewport.zoom == pytest.approx(before / 2)
        press(window, "c")
        assert "another size" in message_of(window) and mask_of(window).shape == (64, 96)
        pyplot.close("all")


def test_the_wheel_zooms_at_the_cursor_and_the_zoom_is_kept_between_frames(window: CorrectionWindow) -> None:
    before = window.viewport.to_screen((10, 10))
    for step in (1, 40, 0.5):
        send(window, "scroll_event", 10, 10, step=step)
    assert window.viewport.to_screen((10, 10)) == pytest.approx(before, abs=2)
    zoomed = window.viewport
    press(window, "n")
    assert window.viewport == zoomed and zoomed.zoom > 1
    drag(window, (10, 10), (14, 12), button=2)
    assert window.viewport.to_screen((10, 10)) == pytest.approx(zoomed.to_screen((14, 12)), abs=1)
    moved = window.viewport
    canvas = window.display.canvas
    canvas.callbacks.process("key_press_event", KeyEvent("key_press_event", canvas, " "))
    drag(window, (14, 12), (10, 10))
    canvas.callbacks.process("key_release_event", KeyEvent("key_release_event", canvas, " "))
    assert window.viewport != moved and (mask_of(window) == proposal_of(1)).all()
    press(window, "0")
    assert window.viewport == Viewport.fit(FIGURE, window.display.screen.pixels.shape)


def test_a_window_that_shrinks_keeps_the_frame_in_view(window: CorrectionWindow) -> None:
    drag(window, (0, 0), (48, 32), button=2)
    window.display.figure.set_size_inches(4, 3)
    window.display.canvas.callbacks.process("resize_event", SimpleNamespace())
    left, top = window.viewport.to_screen((0, 0))
    height, width = window.display.screen.pixels.shape
    assert (width, height) < (401, 301) and left < width and top < height


def test_a_first_frame_without_a_proposal_says_so(tmp_path: Path) -> None:
    with matplotlib.rc_context(), CorrectionSession(write_working_set(tmp_path / "set", 2, lacking=(0,))) as session:
        window = CorrectionWindow(session, open_figure("Agg"), 600)
        assert "starts from an empty mask" in message_of(window)
        press(window, "n")
        assert message_of(window) == ""
        pyplot.close("all")


def test_each_view_shows_something_else_and_the_status_line_says_which(window: CorrectionWindow) -> None:
    seen = {}
    for key, view in (("1", "base"), ("2", "clothed"), ("3", "difference"), ("4", "overlay")):
        press(window, key)
        assert f"view {view}" in " ".join(window.status())
        seen[view] = window.display.screen.pixels.tobytes()
    assert len(set(seen.values())) == 4
    for expected in ("base", "clothed", "base"):
        press(window, "f")
        assert window.view == expected and window.display.screen.pixels.tobytes() == seen[expected]
    press(window, "m")
    assert "mask hidden" in " ".join(window.status()) and window.display.screen.pixels.tobytes() != seen["base"]
    press(window, "m", *"-" * 4)
    assert window.view == "overlay" and "10%" in " ".join(window.status())
    faint = window.display.screen.pixels.tobytes()
    press(window, *"=" * 10)
    assert "100%" in " ".join(window.status()) and window.display.screen.pixels.tobytes() not in (faint, *seen.values())


def test_the_onion_skin_shows_the_mask_of_the_frame_before(window: CorrectionWindow) -> None:
    press(window, "i")
    assert "no previous frame" in message_of(window)
    press(window, "n", "m")
    with_onion = window.display.screen.pixels.copy()
    press(window, "i")
    changed = np.argwhere(with_onion != window.display.screen.pixels) + 0.5
    x, y = window.viewport.to_frame((changed[:, 1], changed[:, 0]))  # type: ignore[arg-type]
    assert len(changed) and proposal_of(0)[np.floor(y).astype(int), np.floor(x).astype(int)].all()


def test_drawing_in_part_shows_what_drawing_everything_shows(window: CorrectionWindow) -> None:
    drag(window, (5, 2), (30, 20), (44, 30))
    press(window, "]", "]")
    send(window, "button_press_event", 9, 9, button=3)
    send(window, "motion_notify_event", 40, 3)
    send(window, "motion_notify_event", 22.3, 18)
    in_part = drawn(window)
    window.display.canvas.draw()
    assert np.abs(in_part.astype(int) - drawn(window)).max() <= 1
    window.display.canvas.callbacks.process("figure_leave_event", SimpleNamespace())


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5, 1.75, 2, 3])
def test_boxes_are_sent_in_whole_units_of_a_scaled_screen(ratio: float) -> None:
    box = Box(101, 22, 203, 307)
    sent = on_whole_points(box, ratio)
    assert all((edge / ratio).is_integer() for edge in sent)
    assert sent.within(box) == box and box.grown(8).within(sent) == sent


def test_help_covers_the_window_until_the_next_key(window: CorrectionWindow) -> None:
    press(window, "4")  # the first message has gone
    before = drawn(window)
    press(window, "h")
    assert (drawn(window) != before).mean() > 0.3
    drag(window, (41, 2))
    assert (mask_of(window) == proposal_of(0)).all(), "the click closes the help and paints nothing"
    assert (drawn(window) == before).all()
    press(window, "h", "n")
    assert window.session.frame.number == "00"


def run_timer(window: CorrectionWindow) -> None:
    """Do what the window's timer does until the work ends."""
    while window._running is not None:
        window._next_step()


def test_a_message_goes_away_with_the_next_key_or_after_a_while(
    window: CorrectionWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    press(window, "z")
    assert "nothing to undo" in message_of(window)
    press(window, "m")
    assert message_of(window) == ""
    press(window, "z")
    window._check_signal()
    assert "nothing to undo" in message_of(window)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 10)
    window._check_signal()
    assert message_of(window) == ""


def test_one_key_teaches_the_other_frames_and_one_undo_takes_it_back(tmp_path: Path) -> None:
    with matplotlib.rc_context(), CorrectionSession(write_walk(tmp_path)) as session:
        window = CorrectionWindow(session, open_figure("Agg"), 600)
        proposals = {number: session.picture_of(number)[1] for number in session.in_order}
        session.frame.editor.replace(walker(0).mask)
        press(window, "t")
        run_timer(window)
        assert "5 changed; z takes it back" in message_of(window)
        for step in range(1, 5):
            mask = session.picture_of(f"0{step}")[1]
            assert f1_score(mask, walker(step).mask) > 0.9 > f1_score(proposals[f"0{step}"], walker(step).mask)
        press(window, "z")
        assert "taken back" in message_of(window)
        for number in list(proposals)[1:]:
            assert (session.picture_of(number)[1] == proposals[number]).all()
        assert (mask_of(window) == walker(0).mask).all(), "the correction itself stays"
        press(window, "z")
        assert (mask_of(window) == proposals["00"]).all()
        pyplot.close("all")


def hover(window: CorrectionWindow, column: float, row: float) -> None:
    send(window, "motion_notify_event", column + 0.5, row + 0.5, modifiers=())


def garment_names(folder: Path) -> list[str]:
    garments = read_garments(folder / "garments.json")
    assert garments is not None
    return [garment.name + " (left out)" * garment.is_left_out for garment in garments]


def test_garments_are_joined_split_named_and_left_out_in_their_view(tmp_path: Path) -> None:
    for name in ("frames", "masks_initial"):
        (tmp_path / name).mkdir()
    for step in range(3):
        frame = dressed_walker(step)[0]
        for path, picture in ((base_name(f"{step}"), frame.base), (clothed_name(f"{step}"), frame.clothed)):
            Image.fromarray(picture).save(tmp_path / "frames" / path)
        mask_image(frame.mask * np.uint8(255)).save(tmp_path / "masks_initial" / mask_name(f"{step}"))
    with matplotlib.rc_context(), CorrectionSession(tmp_path, by_unsureness=False) as session:
        window = CorrectionWindow(session, open_figure("Agg"), 600)
        press(window, "j")
        assert "5 opens it" in message_of(window)
        press(window, "5")
        drag(window, (22.5, 30.5))
        assert message_of(window) == "top" and not session.unsaved, "a click paints nothing"
        hover(window, 22, 30)
        press(window, "j")
        hover(window, 22, 46)
        press(window, "j")
        assert garment_names(tmp_path) == ["hair or hat", "top", "shoes"]
        press(window, "k")
        assert garment_names(tmp_path) == ["hair or hat", "top", "top 2", "shoes"]
        press(window, "w", "k", "n", "i", "backspace", "backspace", "i", "l", "t", "enter")
        assert garment_names(tmp_path) == ["hair or hat", "top", "kilt", "shoes"]
        hover(window, 22, 32)
        press(window, "v", "e")
        assert garment_names(tmp_path) == ["hair or hat", "top", "top 2 (left out)", "kilt", "shoes"]
        press(window, "z", "z", "z")
        assert garment_names(tmp_path) == ["hair or hat", "top", "top 2", "shoes"]
        hover(window, 2, 2)
        press(window, "w", "n", "enter")
        assert session.frame.number == "0" and not session.reviewed, "what is typed changes nothing else"
        press(window, "n", "4")
        assert session.frame.number == "1" and "view overlay" in " ".join(window.status())
        pyplot.close("all")


def test_any_key_stops_teaching_and_playing_and_then_nothing_is_changed(window: CorrectionWindow) -> None:
    session = window.session
    before = {number: session.picture_of(number)[1] for number in session.in_order}
    drag(window, (41, 2))
    press(window, "t")
    window._next_step()
    assert "any key stops" in message_of(window)
    press(window, "n")
    assert session.frame.number == "00" and "no frame was changed" in message_of(window)
    for number in ("01", "02", "03"):
        assert (session.picture_of(number)[1] == before[number]).all()
    press(window, "4")
    still = drawn(window)
    press(window, "a")
    shown = []
    for _ in range(5):
        window._next_step()
        shown.append(drawn(window))
    assert (shown[1] != shown[0]).any() and (shown[4][100:500] == shown[0][100:500]).all(), "four frames in turn"
    press(window, "a")
    assert window._running is None and (drawn(window)[100:500] == still[100:500]).all()


def test_repeats_of_a_held_key_that_waited_are_dropped(
    window: CorrectionWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas, now = window.display.canvas, 10_000_000
    monkeypatch.setattr(time, "monotonic", lambda: now / 1000)

    def at(key: str, late_ms: int, name: str = "key_press_event") -> None:
        event = KeyEvent(name, canvas, key)
        event.guiEvent = SimpleNamespace(time=now - late_ms)
        canvas.callbacks.process(name, event)

    numbers = []
    for late_ms in (0, 20, 5000, 4000):
        at("n", late_ms)
        numbers.append(window.session.frame.number)
    assert numbers == ["01", "02", "02", "02"]
    at("p", 3000)
    assert window.session.frame.number == "01", "another key is obeyed, however late"
    at("p", 2990, "key_release_event")
    at("p", 2990)
    assert window.session.frame.number == "01", "X11 repeats a held key by releases at the same time"
    at("p", 2900, "key_release_event")
    at("p", 2840)
    assert window.session.frame.number == "00", "a key that is pressed again is obeyed, however late"


def test_title_and_header_show_frame_progress_and_what_is_unsaved(window: CorrectionWindow) -> None:
    assert window.title() == "frame 00, 0 of 4 reviewed - mask correction"
    drag(window, (41, 2))
    assert window.title() == "* frame 00, 0 of 4 reviewed, unsaved - mask correction"
    press(window, "enter", "ctrl+s")
    assert window.title() == "frame 00, 1 of 4 reviewed - mask correction" and "saved at" in message_of(window)


def test_frames_are_walked_reviewed_and_saved_by_keys(window: CorrectionWindow, folder: Path) -> None:
    drag(window, (41, 2))
    painted = mask_of(window).copy()
    press(window, "enter", "right")
    assert (read(corrected(folder)) == painted).all() and read_reviewed(folder) == {"00"}
    press(window, "enter", "n", "enter", "left", "left", "u")
    assert window.session.frame.number == "03" and "starts from an empty mask" in message_of(window)
    press(window, "u")
    assert "last frame to review" in message_of(window)
    press(window, "enter", "u")
    assert "all frames are reviewed" in message_of(window)
    assert read_reviewed(folder) == {"00", "01", "02", "03"}


def test_the_order_changes_by_key_and_says_where_nothing_is_known(tmp_path: Path, window: CorrectionWindow) -> None:
    press(window, "o", "o")
    assert "proposals.csv" in message_of(window)
    folder = write_working_set(tmp_path / "other")
    write_proposals(folder / "masks_initial", {"00": 0.1, "01": 0.2, "02": 0.7, "03": 0.3}, "model")
    with CorrectionSession(folder) as session:
        other = CorrectionWindow(session, open_figure("Agg"), 600)
        press(other, "o", "n")
        assert session.frame.number == "03" and session.position == 3
        press(other, "o", "n")
        assert session.frame.number == "01"


def test_what_cannot_be_saved_is_said_and_closing_refuses_once(window: CorrectionWindow, folder: Path) -> None:
    (folder / "masks_corrected").write_text("in the way")
    drag(window, (41, 2))
    press(window, "n")
    assert window.session.frame.number == "01" and "NOT SAVED" in message_of(window)
    assert "masks_corrected/mask_00.png" in message_of(window).replace("\\", "/")
    assert not window.may_close() and "closing again loses it" in message_of(window)
    (folder / "masks_corrected").unlink()
    press(window, "ctrl+s")
    assert "saved at" in message_of(window) and corrected(folder).is_file()
    (folder / "masks_corrected").rename(folder / "away")
    (folder / "masks_corrected").write_text("in the way")
    drag(window, (41, 2))
    assert not window.may_close() and window.may_close()


# ---- the script, without a window ----


def test_the_tool_imports_neither_opencv_nor_torch() -> None:
    """OpenCV's wheels bring Qt plugins that keep PySide6 from starting; torch takes seconds."""
    modules = [f"correction.{name}" for name in ("display", "session", "window", "tools", "frame_screen", "toolkit")]
    code = "import sys\n" + "".join(f"import masks.{name}\n" for name in [*modules, "mask_correction_tool"])
    code += "from masks.correction.tools import flood\nimport numpy\n"
    code += "flood(numpy.zeros((9, 9, 4), numpy.uint8), (1, 1), 0)\n"
    code += "print(*sorted({'cv2', 'torch', 'torchvision', 'pandas'} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_without_a_display_the_tool_says_which_setting_is_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("other systems have a display of their own")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    result = run_script(SCRIPT, folder)
    assert_user_error(result, "no display", "DISPLAY", "ssh -X")
    assert len(result.stderr.strip().splitlines()) == 1


def test_without_a_toolkit_the_tool_names_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":12345")
    monkeypatch.setitem(sys.modules, "tkinter", None)
    monkeypatch.setitem(sys.modules, "PySide6", None)
    with pytest.raises(UserError) as error:
        choose_backend()
    text = str(error.value)
    assert "python3-tk" in text and "pip install PySide6" in text and "\n" not in text


def test_a_display_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":12345")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for toolkit, module in (("tk", "tkinter"), ("qt", "PySide6")):
        if importlib.util.find_spec(module):
            with pytest.raises(UserError, match=r"display|platform plugin|xcb") as error:
                choose_backend(toolkit)  # type: ignore[arg-type]
            assert "\n" not in str(error.value)


# ---- a real window ----


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    with virtual_desktop() as desktop:
        yield desktop


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


class RunningTool:
    """The tool in a process of its own, and a hand at its mouse and keys."""

    def __init__(self, desktop: Desktop, folder: Path, toolkit: str, *flags: object) -> None:
        self.desktop = desktop
        command = [sys.executable, str(ROOT / SCRIPT), str(folder), "--toolkit", toolkit, *map(str, flags)]
        self.process = subprocess.Popen(
            command, env=desktop.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.window = ""
        wait_for(self._is_open, "the window")
        desktop.do("mousemove", 5, 5, "sleep", 0.3)
        geometry = dict(
            line.split("=") for line in desktop.do("getwindowgeometry", "--shell", self.window).splitlines() if line
        )
        self.left, self.top, self.width, self.height = (int(geometry[n]) for n in ("X", "Y", "WIDTH", "HEIGHT"))

    def _is_open(self) -> bool:
        if self.process.poll() is not None:
            message = self.process.communicate()[1].strip()
            if "no window can be opened" in message:
                pytest.skip(message)
            raise AssertionError(message)
        with contextlib.suppress(subprocess.CalledProcessError):
            self.window = self.desktop.do("search", "--onlyvisible", "--name", "mask correction").split()[0]
        return bool(self.window)

    @property
    def title(self) -> str:
        return self.desktop.do("getwindowname", self.window).strip()

    def place(self, column: int, row: int) -> tuple[int, int]:
        """Where the middle of an art pixel lies on the screen, while the frame is fitted."""
        scale = self.width / SIZE_INCHES[0] / 100
        header = round(HEADER_PX * scale)
        viewport = Viewport.fit(FIGURE, (self.height - header - round(FOOTER_PX * scale), self.width))
        x, y = viewport.to_screen(((column + 0.5) * CELL, (row + 0.5) * CELL))
        return self.left + int(x), self.top + header + int(y)

    def drag(self, *cells: tuple[int, int], button: int = 1, holding: str = "") -> None:
        if holding:
            self.desktop.do("keydown", holding, "sleep", 0.1)
        self.desktop.do("mousemove", *self.place(*cells[0]), "mousedown", button)
        for cell in cells[1:]:
            self.desktop.do("mousemove", *self.place(*cell), "sleep", 0.1)
        self.desktop.do("mouseup", button, "sleep", 0.1)
        if holding:
            self.desktop.do("keyup", holding, "sleep", 0.1)

    def press(self, *keys: str) -> None:
        self.desktop.do("key", "--delay", 60, *keys)

    def wait_for_title(self, words: str) -> None:
        wait_for(lambda: words in self.title, f"{words!r} in the title, which is {self.title!r}")

    def screenshot(self, path: Path) -> np.ndarray:
        time.sleep(0.3)
        image = ImageGrab.grab((0, 0, self.width, self.height), xdisplay=self.desktop.display)
        image.save(path)
        return np.asarray(image)

    def end(self) -> str:
        """Close by key; return what it printed."""
        self.press("ctrl+q")
        output, errors = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, errors
        return output


@contextlib.contextmanager
def tool(desktop: Desktop, folder: Path, toolkit: str, *flags: object) -> Iterator[RunningTool]:
    running = RunningTool(desktop, folder, toolkit, *flags)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()


def with_cells(mask: np.ndarray, cells: list[tuple[int, int]], value: bool) -> np.ndarray:
    mask = mask.copy()
    for column, row in cells:
        mask[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] = value
    return mask


@needs_desktop
def test_tk_is_taken_first(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tkinter")
    monkeypatch.setenv("DISPLAY", desktop.display)
    assert choose_backend() == "TkAgg"


@needs_desktop
@needs_qt
def test_qt_is_taken_where_python_has_no_tk(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", desktop.display)
    monkeypatch.setitem(sys.modules, "tkinter", None)
    assert choose_backend() == "QtAgg"


@needs_desktop
@pytest.mark.parametrize("toolkit", ["tk", "qt"])
def test_paint_erase_undo_redo_next_review_and_close_by_hand(
    desktop: Desktop, folder: Path, tmp_path: Path, toolkit: str
) -> None:
    painted = with_cells(proposal_of(0), [(10, 1), (10, 2), (10, 3)], True)
    erased = with_cells(painted, [(0, 2), (1, 2)], False)
    with tool(desktop, folder, toolkit, "--order", "number") as hand:
        hand.wait_for_title("frame 00, 0 of 4 reviewed - ")
        plain = hand.screenshot(tmp_path / f"{toolkit}_overlay.png")
        hand.drag((10, 1), (10, 2), (10, 3))
        hand.wait_for_title("* frame 00")
        assert (hand.screenshot(tmp_path / f"{toolkit}_painted.png") != plain).any()
        hand.drag((0, 2), button=3)
        hand.drag((1, 2), holding="shift")
        hand.press("n")
        hand.wait_for_title("frame 01, 0 of 4 reviewed - ")
        assert (read(corrected(folder)) == erased).all()
        hand.press("p", "z", "z", "Return", "u")
        hand.wait_for_title("frame 01, 1 of 4 reviewed - ")
        assert (read(corrected(folder)) == painted).all() and read_reviewed(folder) == {"00"}
        hand.press("p", "y", "y")
        hand.wait_for_title("* frame 00")
        for key, name in (("h", "help"), ("h", "clothed"), ("3", "difference")):
            before = hand.screenshot(tmp_path / f"{toolkit}_{name}.png")
            hand.press(key)
            picture = tmp_path / f"{toolkit}_{name}.png"
            wait_for(lambda: (hand.screenshot(picture) != before).any(axis=2).mean() > 0.05, name)  # noqa: B023
        hand.drag((5, 5), (7, 5), holding="space")
        hand.desktop.do("click", 4)
        hand.drag((5, 5), (7, 5), button=2)
        output = hand.end()
    assert "masks saved now: 1" in output and "reviewed: 1" in output
    assert (read(corrected(folder)) == erased).all() and read_reviewed(folder) == {"00"}


@needs_desktop
@pytest.mark.parametrize("toolkit", ["tk", "qt"])
def test_autosave_kill_9_and_open_again(
    desktop: Desktop, folder: Path, tmp_path: Path, toolkit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", desktop.display)
    first = with_cells(proposal_of(0), [(10, 1)], True)
    with tool(desktop, folder, toolkit, "--autosave-s", 1) as hand:
        assert_user_error(run_script(SCRIPT, folder, "--toolkit", toolkit), "open in another window")
        hand.drag((10, 1))
        wait_for(corrected(folder).is_file, "the autosave")
        hand.wait_for_title("frame 00, 0 of 4 reviewed - ")
        assert (read(corrected(folder)) == first).all()
        hand.desktop.do("mousemove", *hand.place(10, 5), "mousedown", 1)
        hand.process.send_signal(signal.SIGKILL)
        hand.process.wait(10)
        hand.desktop.do("mouseup", 1)
    kept = read(corrected(folder))
    assert (kept == first).all() or (kept == with_cells(first, [(10, 5)], True)).all()
    with tool(desktop, folder, toolkit) as hand:
        hand.wait_for_title("frame 00, 0 of 4 reviewed - ")
        hand.drag((11, 7))
        hand.wait_for_title("* frame 00")
        hand.screenshot(tmp_path / f"{toolkit}_reopened.png")
        hand.process.send_signal(signal.SIGTERM)
        assert hand.process.wait(10) == 143
    assert (read(corrected(folder)) == with_cells(kept, [(11, 7)], True)).all()
    (copy,) = (folder / "backups").glob("*/masks_corrected/mask_00.png")
    assert (read(copy) == kept).all()
    assert not list((folder / "masks_corrected").glob(".*"))
