"""What captions may say of each value of an attribute; {} is its colour. Values have the order of these tables."""

import itertools

from avatar.prompt.genre_outfits import ACCESSORIES, GARMENTS, NEUTRAL_ACCESSORIES, NEUTRAL_GARMENT

EVERY_GARMENT = (*GARMENTS.values(), NEUTRAL_GARMENT)
EVERY_ACCESSORY = (*itertools.chain(*ACCESSORIES.values()), *NEUTRAL_ACCESSORIES)
AGES = {
    "young": ("young", "young face", "youthful"),
    "middle-aged": ("middle-aged", "middle-aged face", "a few wrinkles", "mature face"),
    "old": ("old", "older", "elderly", "wrinkles", "lined face", "wrinkled face"),
}
SKINS = {
    "porcelain": ("porcelain", "very pale", "ivory"),
    "fair": ("fair", "pale"),
    "light": ("light", "peach"),
    "golden": ("golden", "warm beige"),
    "olive": ("olive", "honey"),
    "tan": ("tan", "tanned", "light brown"),
    "brown": ("brown", "medium brown", "bronze"),
    "dark brown": ("dark brown", "rich brown"),
    "deep": ("deep", "dark", "deep brown"),
    "ebony": ("ebony", "very dark", "black-brown"),
}
HAIR_COLOURS = {
    "black": ("black", "black", "jet-black"),
    "brown": ("brown", "brown", "chestnut"),
    "blonde": ("blonde", "blond", "golden blonde"),
    "ginger": ("ginger", "red", "copper"),
    "silver": ("silver", "grey", "silver-grey"),
    "pink": ("pink", "pink", "bubblegum pink"),
    "blue": ("blue", "blue", "bright blue"),
    "green": ("green", "green", "emerald green"),
    "purple": ("purple", "purple", "violet"),
}
HAIRSTYLES = {
    "bald": ("bald", "shaved head", "no hair, bald head"),
    "buzz cut": ("{} buzz cut", "very short {} hair", "{} hair in a buzz cut"),
    "quiff": ("{} quiff", "{} hair in a quiff", "short {} hair swept up in a quiff"),
    "side parting": ("short {} hair with a side parting", "neat {} side parting", "side-parted {} hair"),
    "short curls": ("short curly {} hair", "{} short curls", "short {} curls"),
    "spikes": ("spiky {} hair", "{} spikes", "{} hair in wild spikes"),
    "mohawk": ("{} mohawk", "tall {} mohawk", "{} mohawk with shaved sides"),
    "mullet": ("{} mullet", "{} mullet with a choppy fringe", "shaggy {} mullet"),
    "afro": ("{} afro", "big round {} afro", "{} afro hair"),
    "bob": ("{} bob with a fringe", "{} bob", "chin-length {} bob"),
    "long straight": ("long straight {} hair", "straight long {} hair", "sleek long {} hair"),
    "long wavy": ("long wavy {} hair", "wavy {} hair over the shoulders", "long {} waves"),
    "ponytail": ("{} ponytail", "{} hair in a ponytail", "high {} ponytail"),
    "top bun": ("{} top bun", "{} hair in a top bun", "{} bun on top of the head"),
    "space buns": ("{} space buns", "{} hair in two space buns", "two {} buns"),
    "braids": ("{} braids", "two long {} braids", "{} hair in braids"),
    "dreadlocks": ("{} dreadlocks", "long {} dreadlocks", "{} locs"),
}
BEARDS = {
    "none": ("clean-shaven", "no beard"),
    "stubble": ("stubble", "short stubble", "designer stubble", "unshaven"),
    "moustache": ("moustache", "curled moustache", "handlebar moustache"),
    "full moustache": ("full moustache", "thick moustache", "walrus moustache", "bushy moustache"),
    "goatee": ("goatee", "goatee with a moustache"),
    "short beard": ("short beard", "trimmed beard", "short full beard"),
    "long beard": ("long beard", "long full beard", "big long beard"),
}
EXPRESSIONS = {
    "calm": ("calm", "calm expression", "serious look"),
    "smile": ("smiling", "gentle smile", "friendly smile"),
    "laugh": ("laughing", "laughing with closed eyes", "big laugh"),
    "wink": ("winking", "playful wink", "wink and a smirk"),
    "surprised": ("surprised", "surprised face", "amazed, mouth open"),
    "tongue out": ("tongue out", "sticking the tongue out", "cheeky, tongue out"),
}
PATTERNS = {
    "plain": ("plain {} backdrop", "{} background", "soft {} backdrop"),
    "sun": ("{} backdrop with a round sun", "big sun on {a} {} background"),
    "rays": ("{} backdrop with rays", "sunburst rays on {a} {} background"),
    "confetti": ("{} backdrop with confetti", "confetti on {a} {} background"),
    "lights": ("{} backdrop with fairy lights", "strings of lights on {a} {} background"),
    "stars": ("{} backdrop with stars", "sparkling stars on {a} {} background"),
    "stage": ("{} backdrop with stage lights", "stage light beams on {a} {} background"),
    "waves": ("{} backdrop with waves", "wavy lines on {a} {} background"),
    "bunting": ("{} backdrop with bunting", "festival bunting on {a} {} background"),
}
