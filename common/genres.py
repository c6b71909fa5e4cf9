"""The genres of Re:Live, their order, and the words by which people call them.

Every taste vector in the project has one value a genre, in the order of GENRES, from 0 (nothing) to 1 (most).
"""

import functools
import math
import re
import unicodedata

from common.errors import UserError

GENRES: dict[str, str] = {  # key, as columns and vectors use it: the name that people see
    "pop": "Pop",
    "rock": "Rock",
    "indie": "Indie",
    "metal": "Metal",
    "punk": "Punk",
    "electronic": "Electronic",
    "hiphop": "Hip-hop",
    "latin": "Latin",
    "reggae": "Reggae & ska",
    "soul": "Soul & funk",
    "jazz": "Jazz & blues",
    "folk": "Folk & country",
    "classical": "Classical",
    "world": "World & flamenco",
}

# English, Spanish, Catalan and the abbreviations of well-known surveys, written as `plain()` leaves them.
SYNONYMS: dict[str, str] = {
    "pop": """pop, popular music, top 40, mainstream, dance pop, electropop, electro pop, synthpop, synth pop,
        teen pop, boy bands, boyband, k pop, kpop, pop k, j pop, jpop, britpop, brit pop, hyperpop, europop, schlager,
        eurovision, easy listening, moodeasy, chart music, chart hits, pop hits""",
    "rock": """rock, rock n roll, rock and roll, rock roll, rocknroll, rocanrol, rock i roll, rock y roll, rockabilly,
        classic rock, rock clasico, rock classic, hard rock, hardrock, rock duro, rock dur, soft rock, oldies,
        contemporary rock, conrock, prog, prog rock, progressive rock, rock progresivo, rock progressiu,
        psychedelic rock, psychedelia, psychedelic, psicodelia, grunge, rock catala, rock espanol, rock en espanol,
        rock en catala, arena rock, glam rock, glam, stoner rock, garage rock, post rock, krautrock, surf rock""",
    "indie": """indie, indy, indie rock, indie pop, indie folk, independent music, alternative, alternativa,
        alternativo, alternatiu, alternative rock, rock alternativo, rock alternatiu, alt rock, shoegaze, dream pop,
        emo, new wave, post punk, postpunk""",
    "metal": """metal, heavy metal, hvymetal, heavy, death metal, black metal, thrash metal, thrash, doom metal,
        metalcore, nu metal, power metal, metal hardrock, metal or hardrock, metal hard rock, metal or hard rock,
        metal and hard rock, hard rock metal, hard rock heavy metal, hard rock and metal, industrial metal,
        folk metal, gothic metal, symphonic metal""",
    "punk": """punk, punk rock, punkrock, hardcore, hardcore punk, pop punk, ska punk, street punk, queercore""",
    "electronic": """electronic, electronica, electronic dance, electro, edm, e d m, techno, tecno, hard techno,
        trance, house, deep house, tech house, dance, club music, rave, hardstyle, makina, dubstep, drum and bass,
        drum n bass, drum bass, dnb, d n b, jungle, ambient, idm, downtempo, chillout, chill out, breakbeat,
        electroswing, electro swing, eurodance, lofi, lo fi, chillwave, synthwave, vaporwave, uk garage""",
    "hiphop": """hip hop, hiphop, rap, trap, drill, grime, urbana, urbano, urban music, freestyle rap""",
    "latin": """latin, latino, latina, latin pop, pop latino, pop llati, latin american, latinoamericana, llatina,
        llati, reggaeton, regueton, regaeton, reggeaton, perreo, dembow, salsa, bachata, merengue, cumbia, bolero,
        boleros, tango, ranchera, rancheras, mariachi, corridos, norteno, regional mexican, vallenato, bossa nova,
        bossanova, samba, latin urban, urbano latino""",
    "reggae": """reggae, regge, ska, dub, dancehall, roots reggae, rocksteady, rock steady, ragga, raggamuffin""",
    "soul": """soul, neo soul, funk, funky, r b, rnb, r n b, r and b, rhythm and blues, rhythm n blues, rhythm blues,
        disco, motown, gospel, contemporary r b, contemporary rnb, quiet storm""",
    "jazz": """jazz, smooth jazz, free jazz, acid jazz, latin jazz, jazz fusion, fusion jazz, blues, swing, big band,
        big bands, bigband, bebop, dixieland, ragtime, boogie woogie""",
    "folk": """folk, country, country and western, country western, western and country, bluegrass, blugrass,
        americana, folclore, folklore, singer songwriter, singer songwriters, singer and songwriter, cantautor,
        cantautora, cantautores, cantautors, canco d autor, cancion de autor, nova canco, acoustic, acustica, acustic,
        traditional folk, folk traditional, folk or traditional, folk and traditional, folk tradicional""",
    "classical": """classical, classic, classicl, clasica, clasico, classica, classics music, contemporary classical,
        neoclassical, opera, operas, zarzuela, orchestral, symphonic, symphony, sinfonica, simfonica, baroque,
        barroca, barroc, barroco, chamber music, chamber, choral, early music""",
    "world": """world, worldmusic, musica del mundo, musicas del mundo, musica del mon, musiques del mon, flamenco,
        flamenc, rumba, rumba catalana, rumba flamenca, afrobeat, afrobeats, afro, afropop, amapiano, african music,
        arabic music, asian music, indian music, international music, international foreign, ethnic, balkan,
        balkan music, musica balcanica, celtic, celta, celtica, klezmer, fado, bollywood, musica etnica, sardana,
        sardanes, havaneres, copla, mestissatge, mestizaje""",
}

# Words around a genre that do not change which genre it is: "How much do you like rock?", "rock_score", "80s pop".
FILLER = frozenset(
    """music musica musical musiques genre genres genero generos genere generes style styles estilo estil kind type
    how much often frequently do does you your i me my we to of the a an in on for from by and or with is are at all
    like likes liking listen listening love enjoy enjoyment interest interested prefer please rate rating rated
    score scores pref prefs preference preferences frequency freq taste fav favourite favorite scale level grade
    la el els les los las de del al en una un y o e cuanto cuanta que te se escala gusto gustos gusta gustan escuchas
    escucho sueles puntuacion nota valoracion quant t et m per que gust agrada agraden escoltes escolto puntuacio
    valoracio contemporary contemporani contemporanea contemporaneo modern moderna moderno traditional tradicional
    old new school underground commercial comercial live eg g etc""".split()
)
_QUESTION_NUMBER = re.compile(r"(q|p|v|item|var|col|pregunta)?\d+[a-z]?")


def plain(name: str) -> str:
    """Lower case, without accents and punctuation, words apart by one space; "l·l" is "ll", "&" and "+" fall away.

    >>> plain(" Música  ELECTRÒNICA ")
    'musica electronica'
    """
    decomposed = unicodedata.normalize("NFKD", name.replace("·", "").casefold())
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", letters))


def _vocabulary() -> dict[str, str]:
    words = {plain(key): key for key in GENRES}
    for key, text in SYNONYMS.items():
        words |= {plain(phrase): key for phrase in text.split(",")}
    return words


_GENRE_OF = _vocabulary()
_LONGEST_PHRASE = max(len(phrase.split()) for phrase in _GENRE_OF)


@functools.cache
def genres_of(name: str) -> tuple[str, ...]:
    """The genres that a column name, or a person's word, stands for; empty where any part of it is unknown.

    The name is read as a row of known phrases with filler words between them: "Reggae, Ska" is one genre,
    "Rap / R&B" two, "I like rock climbing" none. Where that fails, the same is tried without what stands in
    brackets ("Rock (1-5)") and with nothing else ("How often do you listen to [Jazz]"). Nothing is guessed.
    """
    bracketed = re.findall(r"[\[(]([^\[\]()]+)[\])]", name)
    outside = re.sub(r"[\[(][^\[\]()]*[\])]", " ", name)
    for text in (name, outside, *reversed(bracketed)):
        camel_apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)  # likeRock
        for candidate in (text, camel_apart):
            found = _read_phrases(tuple(plain(candidate).split()))
            if found:
                return tuple(dict.fromkeys(found))
    return ()


def _read_phrases(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Genres of a row of words that is nothing but known phrases and filler, longest phrases first; else None."""
    if not words:
        return ()
    for length in range(min(len(words), _LONGEST_PHRASE), 0, -1):
        genre = _GENRE_OF.get(" ".join(words[:length]))
        rest = _read_phrases(words[length:]) if genre else None
        if genre and rest is not None:
            return (genre, *rest)
    if words[0] in FILLER or _QUESTION_NUMBER.fullmatch(words[0]):
        return _read_phrases(words[1:])
    return None


def parse_taste(text: str) -> dict[str, float]:
    """A taste typed by hand, "rock=5, hip-hop=3.5", as a value from 0 to 1 for every genre (the largest becomes 1).

    Genres that are not named get 0. Of two words for one genre the larger value counts.

    Raises:
        UserError: a part without "=", an unknown genre, or a value that is not a number from 0 up.
    """
    values = dict.fromkeys(GENRES, 0.0)
    for part in filter(str.strip, re.split(r"[,;]", text)):
        name, equals, number = part.partition("=")
        genres = genres_of(name)
        if not equals or not genres:
            raise UserError(f"taste: {part.strip()!r} is not GENRE=NUMBER; the genres are {', '.join(GENRES)}")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0):
            raise UserError(f"taste: {part.strip()!r} needs a number from 0 up")
        for genre in genres:
            values[genre] = max(values[genre], value)
    top = max(values.values())
    return {genre: value / top for genre, value in values.items()} if top else values
