"""The keys of the correction window and what each does, as the window obeys them and the help lists them."""

from collections.abc import Callable
from operator import methodcaller
from typing import Any, NamedTuple

from masks.correction.display import HelpGroup


class KeyBinding(NamedTuple):
    """A key and its action.

    Attributes:
        names: matplotlib's names of the keys.
        shown: text of the keys in the help.
        meaning: text of the action in the help.
        action: calls a method of `CorrectionWindow`.
    """

    names: tuple[str, ...]
    shown: str
    meaning: str
    action: Callable[[Any], None]


MOUSE = [
    ("left drag", "paint; with flood: add a colour; with lasso: add"),
    ("right or Shift-drag", "erase; with flood and lasso: take away"),
    ("wheel", "zoom at the cursor"),
    ("middle or Space-drag", "move the frame"),
]
KEYS: dict[str, list[KeyBinding]] = {
    "Tools": [
        KeyBinding(("b",), "b", "brush", methodcaller("choose_tool", "brush")),
        KeyBinding(("g",), "g", "flood: a connected colour of the clothed frame", methodcaller("choose_tool", "flood")),
        KeyBinding(("l",), "l", "lasso", methodcaller("choose_tool", "lasso")),
        KeyBinding(("[",), "[", "smaller brush", methodcaller("resize_brush", -1)),
        KeyBinding(("]",), "]", "larger brush", methodcaller("resize_brush", 1)),
        KeyBinding(("s",), "s", "round or square brush", methodcaller("toggle_shape")),
        KeyBinding(("x",), "x", "snap to the grid of art pixels, on or off", methodcaller("toggle_snap")),
        KeyBinding((",",), ",", "less tolerance: flood takes fewer colours", methodcaller("change_tolerance", -1)),
        KeyBinding((".",), ".", "more tolerance", methodcaller("change_tolerance", 1)),
    ],
    "Mask": [
        KeyBinding(("z", "ctrl+z"), "z, Ctrl+z", "undo the last stroke", methodcaller("undo")),
        KeyBinding(("y", "ctrl+y", "ctrl+shift+z"), "y, Ctrl+y", "redo", methodcaller("redo")),
        KeyBinding(("c",), "c", "copy the mask of the previous frame", methodcaller("copy_previous")),
        KeyBinding(("r",), "r", "reset to the model's proposal", methodcaller("reset")),
        KeyBinding(("t",), "t", "teach: change all unreviewed frames as this one", methodcaller("propagate")),
    ],
    "Garments (view 5), under the mouse": [
        KeyBinding(("j",), "j", "join: once on each of two garments", methodcaller("join_garments")),
        KeyBinding(("k",), "k", "split off the colour under the mouse", methodcaller("split_garment", "colour")),
        KeyBinding(("v",), "v", "split at the height of the mouse", methodcaller("split_garment", "height")),
        KeyBinding(("w",), "w", "name: type it, then Enter", methodcaller("name_garment")),
        KeyBinding(("e",), "e", "leave out, or take in again", methodcaller("leave_out_garment")),
    ],
    "View": [
        KeyBinding(("1",), "1", "base frame", methodcaller("choose_view", "base")),
        KeyBinding(("2",), "2", "clothed frame", methodcaller("choose_view", "clothed")),
        KeyBinding(("3",), "3", "difference of the two", methodcaller("choose_view", "difference")),
        KeyBinding(("4",), "4", "overlay: the mask over the clothed frame", methodcaller("choose_view", "overlay")),
        KeyBinding(("5",), "5", "garments, each in its colour", methodcaller("choose_view", "garments")),
        KeyBinding(("f",), "f", "flicker between base and clothed", methodcaller("flicker")),
        KeyBinding(("-",), "-", "fainter overlay", methodcaller("change_opacity", -1)),
        KeyBinding(("=", "+"), "=, +", "stronger overlay", methodcaller("change_opacity", 1)),
        KeyBinding(("m",), "m", "hide or show the mask", methodcaller("toggle_mask")),
        KeyBinding(("i",), "i", "onion skin: the mask of the previous frame", methodcaller("toggle_onion")),
        KeyBinding(("0",), "0", "whole figure", methodcaller("fit")),
        KeyBinding(("a",), "a", "play the animation with masks", methodcaller("play")),
    ],
    "Frames": [
        KeyBinding(("n", "right", "pagedown"), "n, Right", "next frame", methodcaller("step", 1)),
        KeyBinding(("p", "left", "pageup"), "p, Left", "previous frame", methodcaller("step", -1)),
        KeyBinding(("u",), "u", "next unreviewed frame", methodcaller("next_unreviewed")),
        KeyBinding(("enter",), "Enter", "reviewed or not", methodcaller("toggle_reviewed")),
        KeyBinding(("o",), "o", "order: most unsure first, or by number", methodcaller("toggle_order")),
        KeyBinding(("ctrl+s",), "Ctrl+s", "save now (it also saves automatically)", methodcaller("save")),
        KeyBinding(("h", "f1"), "h", "this help", methodcaller("toggle_help")),
        KeyBinding(("ctrl+q", "ctrl+w"), "Ctrl+q", "save and close", methodcaller("close")),
    ],
}
ACTIONS = {name: key.action for keys in KEYS.values() for key in keys for name in key.names}


def help_groups() -> list[HelpGroup]:
    """Return the keys and their meanings for the help."""
    keys = [(title, [(key.shown, key.meaning) for key in keys]) for title, keys in KEYS.items()]
    return [("Mouse", MOUSE), *keys]


def plain_key(key: str) -> str:
    """Return a key's name as in KEYS, independent of the keyboard.

    Brackets need AltGr on many keyboards, which some systems report as Ctrl+Alt; Caps Lock is ignored.
    """
    key = key.removeprefix("ctrl+alt+")
    if key.startswith("ctrl+") and key[-1].isupper():
        return f"ctrl+shift+{key[-1].lower()}"
    return key.lower() if len(key) == 1 else key
