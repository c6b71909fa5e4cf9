"""The genres of Re:Live, their order, and the words that people use for them.

Every taste vector in the project has one value per genre, in the order of GENRES, from 0 (nothing) to 1 (most).
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
    "pop": """pop, popular music, top 40, los 40, mainstream, mainstream pop, dance pop, electropop, electro pop,
        synthpop, synth pop, teen pop, power pop, city pop, art pop, bedroom pop, chamber pop, oldies pop, boy bands,
        boyband, k pop, kpop, pop k, j pop, jpop, c pop, mandopop, cantopop, britpop, brit pop, hyperpop, europop,
        schlager, eurovision, adult contemporary, easy listening, mood easy listening, moodeasy, chart music,
        chart hits, pop hits, baladas, balades, melodica, melodic, cancion melodica, canco melodica""",
    "rock": """rock, rock n roll, rock and roll, rock roll, rocknroll, rocanrol, rock i roll, rock y roll, rockabilly,
        classic rock, rock clasico, rock classic, hard rock, hardrock, rock duro, rock dur, soft rock, oldies,
        album rock, contemporary rock, conrock, prog, prog rock, progressive rock, rock progresivo, rock progressiu,
        art rock, southern rock, noise rock, math rock, psych rock, j rock, psychedelic rock, psychedelia, psychedelic,
        psicodelia, grunge, arena rock, glam rock, glam, stoner rock, garage rock, post rock, krautrock, surf rock,
        rock urbano, rock urba, modern rock, heavy rock, country rock""",
    "indie": """indie, indy, indie rock, indie pop, indie folk, indietronica, independent music, alternative,
        alternativa, alternativo, alternatiu, alternative rock, rock alternativo, rock alternatiu, alt rock, shoegaze,
        dream pop, emo, midwest emo, screamo, new wave, post punk, postpunk""",
    "metal": """metal, metall, heavy metal, hvymetal, heavy, death metal, melodic death metal, black metal,
        thrash metal, thrash, doom metal, speed metal, progressive metal, groove metal, hair metal, glam metal,
        viking metal, metalcore, deathcore, grindcore, djent, nu metal, power metal, metal hardrock, metal or hardrock,
        metal hard rock, metal or hard rock, metal and hard rock, metal y hard rock, metal i hard rock,
        hard rock metal, hard rock heavy metal, hard rock and metal, industrial metal, folk metal, gothic metal,
        symphonic metal""",
    "punk": """punk, punk rock, punkrock, rock punk, hardcore, hardcore punk, anarcho punk, crust punk, pop punk, oi,
        street punk, riot grrrl, queercore""",
    "electronic": """electronic, electronica, electronic dance, electro, edm, e d m, techno, tecno, hard techno,
        hardcore techno, melodic techno, minimal techno, detroit techno, trance, psytrance, house, deep house,
        tech house, progressive house, tropical house, afro house, progressive trance, dance, dansa electronica,
        club music, rave, hardstyle, gabber, makina, maquina, bakalao, dubstep, drum and bass, drum n bass, drum bass,
        dnb, d n b, d b, jungle, ambient, idm, downtempo, trip hop, chillout, chill out, breakbeat, electroswing,
        electro swing, eurodance, lofi, lo fi, chillwave, synthwave, vaporwave, uk garage, dj""",
    "hiphop": """hip hop, hiphop, rap, gangsta rap, trap, drill, grime, boom bap, phonk, cloud rap, urbana, urbanas,
        urbano, urbanes, urban music, freestyle rap, conscious hip hop, east coast hip hop, southern hip hop""",
    "latin": """latin, latino, latina, latinos, latinas, latin pop, pop latino, pop llati, latin american,
        latinoamericana, llatina, llati, llatins, ritmos latinos, ritmes llatins, latin spanish salsa, reggaeton,
        regueton, regaeton, reggeaton, regueto, reggaeto, perreo, dembow, salsa, bachata, merengue, cumbia, kizomba,
        mambo, timba, cha cha cha, son cubano, cubana, nueva trova, bolero, boleros, tango, ranchera, rancheras,
        mariachi, corridos, corridos tumbados, norteno, grupero, regional mexican, vallenato, bossa nova, bossanova,
        samba, pagode, sertanejo, forro, mpb, latin urban, urbano latino""",
    "reggae": """reggae, regge, ska, ska punk, skacore, dub, dancehall, roots reggae, lovers rock, rocksteady,
        rock steady, ragga, raggamuffin""",
    "soul": """soul, neo soul, funk, funky, p funk, r b, rnb, r n b, r and b, rhythm and blues, rhythm n blues,
        rhythm blues, rythm and blues, rythm blues, disco, nu disco, italo disco, motown, gospel, hymns gospel,
        espirituales, contemporary r b, contemporary rnb, new jack swing, quiet storm""",
    "jazz": """jazz, smooth jazz, free jazz, acid jazz, latin jazz, gypsy jazz, nu jazz, cool jazz, modern jazz,
        vocal jazz, jazz fusion, fusion jazz, blues, delta blues, chicago blues, electric blues, swing, big band,
        big bands, bigband, bebop, hard bop, dixieland, ragtime, boogie woogie""",
    "folk": """folk, irish folk, country, mainstream country, alt country, country and western, country western,
        western and country, honky tonk, bluegrass, blugrass, americana, folclore, folklore, singer songwriter,
        singer songwriters, singer and songwriter, songwriter, cantautor, cantautora, cantautores, cantautors,
        cantautoras, canco d autor, cancion de autor, nova canco, acoustic, acustica, acustic, traditional folk,
        folk traditional, musica tradicional, canciones tradicionales, musica popular i tradicional,
        musica popular y tradicional""",
    "classical": """classical, classic, classicl, clasica, clasico, classica, classics music, contemporary classical,
        neoclassical, avant garde classical, opera, operas, opereta, operetas, operetta, operettas, zarzuela, sarsuela,
        orchestral, orchestra, symphonic, symphony, string quartet, sinfonica, simfonica, baroque, barroca, barroc,
        barroco, chamber music, chamber, musica de camara, musica de cambra, choral, musica coral, corals, corales,
        gregoriano, gregoria, early music, musica antigua, musica antiga, medieval music, renaissance music, lieder""",
    "world": """world, worldmusic, world beat, musica del mundo, musicas del mundo, otras musicas del mundo,
        musica del mon, musiques del mon, flamenco, flamenc, nuevo flamenco, flamenco fusion, sevillanas, pasodoble,
        jota, jotas, rumba, rumba catalana, rumba flamenca, afrobeat, afrobeats, afro, afropop, amapiano, highlife,
        african music, arabic music, asian music, indian music, hindustani, carnatic, ghazal, sufi,
        international music, international foreign, ethnic, ethnic music, musica etnica, etnica, balkan, balkan music,
        musica balcanica, celtic, celta, celtica, klezmer, fado, bollywood, sardana, sardanes, cobla, havaneres, copla,
        cancion espanola, mestissatge, mestizaje""",
}

# Words around a genre that do not change which genre it is: "How much do you like rock?", "rock_score", "80s pop".
FILLER = frozenset(
    """music musica musicas musical musiques genre genres genero generos genere generes style styles estilo estil
    kind how what extent degree much often frequently do does you your i me my we to of the a an in on for from by
    and or with is are at all like likes liking listen listening love enjoy enjoyment interest interested
    appreciation feel think about prefer please rate rating rated score scores pref prefs preference preferences
    frequency freq taste scale level grade mean avg pct percent norm following stomp stompr la el els les los las lo
    de del al en una un y o e con que cual cuanto cuanta te se escala grado gusto gustos gusta gustan escuchas
    escucho sueles puntuacion nota valoracion frecuencia interes por preferencia preferencias quina quin amb quant t
    et m per gust agrada agraden escoltes escolto puntuacio valoracio frequencia contemporary contemporani
    contemporanea contemporaneo traditional tradicional old new school incl including inc underground commercial
    comercial nacional internacional catala catalana espanol espanola eg g etc""".split()
)
_QUESTION_NUMBER = re.compile(r"(q|p|v|r|item|var|col|pregunta)?\d+([a-z]|r\d+)?")
# What brackets behind a genre may hold beside digits, fillers and genres: "Rock (not at all - very much)".
_ANSWER_WORDS = frozenset(
    """not never rarely sometimes always daily weekly monthly very really don dont know no yes hate dislike nunca a
    veces siempre nada mucho poco mai sempre gens molt ie e""".split()
)


def plain(name: str) -> str:
    """Lower case, without accents and punctuation, words separated by a space; "l·l" becomes "ll", "&" and "+" go.

    >>> plain(" Música  ELECTRÒNICA ")
    'musica electronica'
    """
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    letters = "".join(c for c in decomposed if c != "·" and not unicodedata.combining(c))
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
    """The genres that a column name or a word means; empty where any part is unknown.

    A name is read as known phrases with filler words between them: "Reggae, Ska" is one genre, "Rap / R&B"
    two, "rock climbing" none. Brackets may hold an answer scale behind a genre, "Rock (1-5)", or the genre behind a
    question that is all filler, "How often do you listen to [Jazz]"; "Concerts attended [Rock]" is not a genre.
    """
    brackets = re.findall(r"[\[(]([^\[\]()]*)[\])]", name)
    outside = re.sub(r"[\[(][^\[\]()]*[\])]", " ", name)
    whole = _read(name)
    if whole or not brackets:
        return whole
    if all(_read(text) or _is_filler(text, _ANSWER_WORDS) for text in brackets) and _read(outside):
        return _read(outside)
    return _read(" ".join(brackets)) if _is_filler(outside) else ()


def _is_filler(text: str, more: frozenset[str] = frozenset()) -> bool:
    words = plain(text).split()
    return all(word in FILLER or word in more or _QUESTION_NUMBER.fullmatch(word) for word in words)


def _read(text: str) -> tuple[str, ...]:
    """Genres of a text that consists of known phrases and filler alone; camelCase is also tried as separate words."""
    camel_apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    for candidate in dict.fromkeys((text, camel_apart)):
        genres = _read_phrases(plain(candidate).split())
        if genres:
            return tuple(dict.fromkeys(genres))
    return ()


def _read_phrases(words: list[str]) -> tuple[str, ...] | None:
    """Read words as phrases and filler, longest phrases first; None where that is impossible.

    Works backwards: `readings[i]` is the reading of the words from i to the end.
    """
    readings: list[tuple[str, ...] | None] = [None] * len(words) + [()]
    for start in range(len(words) - 1, -1, -1):
        for length in range(min(len(words) - start, _LONGEST_PHRASE), 0, -1):
            genre = _GENRE_OF.get(" ".join(words[start : start + length]))
            rest = readings[start + length]
            if genre and rest is not None:
                readings[start] = (genre, *rest[: len(GENRES)])
                break
        else:
            if words[start] in FILLER or _QUESTION_NUMBER.fullmatch(words[start]):
                readings[start] = readings[start + 1]
    return readings[0]


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
