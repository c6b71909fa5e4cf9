"""What captions may say of each value of an attribute; {} is its colour. Values have the order of these tables."""

import itertools

from avatar.prompt.genre_outfits import ACCESSORIES, GARMENTS, NEUTRAL_ACCESSORIES, NEUTRAL_GARMENT

EVERY_GARMENT = (*GARMENTS.values(), NEUTRAL_GARMENT)
EVERY_ACCESSORY = (*itertools.chain(*ACCESSORIES.values()), *NEUTRAL_ACCESSORIES)
OWN_GLASSES = {  # glasses of the drawn people that no genre wears
    "thin-rimmed glasses": ("thin-rimmed glasses", "thin metal-rimmed glasses", "fine wire-rimmed glasses"),
    "thick-rimmed glasses": ("thick-rimmed glasses", "thick-rimmed dark glasses", "bold thick-rimmed glasses"),
}
OWN_HEADWEAR = {  # headwear of the drawn people that nobody gets by taste
    "hat": ("plain hat", "simple brimmed hat", "hat with a plain brim"),
    "headscarf": ("headscarf over the hair", "wrapped headscarf", "soft patterned headscarf"),
    "turban": ("wrapped turban", "neatly folded turban", "turban around the head"),
}
SKINS = {
    "porcelain": ("porcelain", "very pale", "ivory"),
    "fair": ("fair", "pale"),
    "light": ("light", "peach"),
    "golden": ("golden", "warm beige"),
    "olive": ("olive", "honey", "medium"),
    "tan": ("tan", "tanned", "light brown"),
    "brown": ("brown", "medium brown", "bronze"),
    "dark brown": ("dark brown", "rich brown"),
    "deep": ("deep", "dark", "deep brown"),
    "ebony": ("ebony", "very dark", "black-brown"),
}
HAIR_COLOURS = {
    "black": ("black", "black", "jet-black"),
    "brown": ("brown", "brown", "chestnut"),
    "blonde": ("blonde", "blond", "light blonde"),
    "ginger": ("ginger", "red", "copper"),
    "grey": ("grey", "grey", "silver-grey", "silver"),
    "white": ("white", "white", "snow-white"),
    "pink": ("pink", "pink", "bubblegum pink"),
    "blue": ("blue", "blue", "bright blue"),
    "green": ("green", "green", "emerald green"),
    "purple": ("purple", "purple", "violet"),
}
GREYING = ("greying temples", "salt-and-pepper hair", "grey at the temples")
HAIRSTYLES = {
    "bald": ("bald", "shaved head", "no hair, bald head"),
    "buzz cut": ("{} buzz cut", "very short {} hair", "{} hair in a buzz cut"),
    "receding": ("receding {} hair", "{} hair with a receding hairline", "short receding {} hair"),
    "crown bald": ("bald on top with {} hair at the sides", "balding {} hair", "bald crown with {} hair at the sides"),
    "quiff": ("{} quiff", "{} hair in a quiff", "short {} hair swept up in a quiff"),
    "side parting": ("short {} hair with a side parting", "neat {} side parting", "side-parted {} hair"),
    "short layered": ("short layered {} hair", "layered short {} haircut", "short {} hair in feathered layers"),
    "short curls": ("short curly {} hair", "{} short curls", "short {} curls"),
    "short coils": ("short coily {} hair", "close-cropped {} coils", "short {} coils"),
    "cornrows": ("{} cornrows", "{} hair in cornrows", "{} cornrow braids"),
    "spikes": ("spiky {} hair", "{} spikes", "{} hair in wild spikes"),
    "mohawk": ("{} mohawk", "tall {} mohawk", "{} mohawk with shaved sides"),
    "mullet": ("{} mullet", "{} mullet with a choppy fringe", "shaggy {} mullet"),
    "afro": ("{} afro", "big round {} afro", "{} afro hair"),
    "bob": ("{} bob with a fringe", "{} bob", "chin-length {} bob"),
    "medium straight": ("medium-length straight {} hair", "shoulder-length straight {} hair", "straight {} lob"),
    "medium wavy": ("medium-length wavy {} hair", "shoulder-length wavy {} hair", "shoulder-length {} waves"),
    "medium curly": ("medium-length curly {} hair", "shoulder-length curly {} hair", "shoulder-length {} curls"),
    "long straight": ("long straight {} hair", "straight long {} hair", "sleek long {} hair"),
    "long wavy": ("long wavy {} hair", "wavy {} hair over the shoulders", "long {} waves"),
    "long curly": ("long curly {} hair", "curly {} hair over the shoulders", "long {} curls"),
    "ponytail": ("{} ponytail", "{} hair in a ponytail", "high {} ponytail"),
    "top bun": ("{} top bun", "{} hair in a top bun", "{} bun on top of the head"),
    "low bun": ("{} hair in a low bun", "{} low bun", "{} hair tied at the nape"),
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
AGES = {
    "young": ("young", "young face", "youthful"),
    "middle-aged": ("middle-aged", "middle-aged face", "a few wrinkles", "mature face"),
    "old": ("old", "older", "elderly", "wrinkles", "lined face", "wrinkled face"),
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
