"""Matching columns with genres and answers with a scale, to get vectors in the internal order of genres."""

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError, raise_faults
from common.genre_words import ABOUT_PERSON, FILLER, INSTRUMENTS
from common.genres import GENRES, genres_of, plain, turns_the_sense
from common.surveys.asking import setting
from common.surveys.scales import Scale

NAME_WORDS = frozenset(
    re.split(
        r",\s+",
        """name, full name, your name, nick, nickname, alias, nom, nom i cognoms, el teu nom, sobrenom, nombre,
        nombre y apellidos, nombre y apellido, nombre completo, tu nombre, apodo, vorname, vor und nachname, prenom,
        prenom et nom, nom et prenom, nome, nome e cognome, nome completo, cognome e nome, apelido, spitzname,
        first name, firstname, given name, artist name, what is your name, what s your name, what is your first name,
        what s your first name, como te llamas, cual es tu nombre, com et dius, quin es el teu nom, com t anomenes,
        wie heisst du, wie ist dein name, dein name, ihr name, quel est ton prenom, quel est votre prenom,
        quel est ton nom, ton prenom, votre prenom, votre nom, come ti chiami, qual e il tuo nome, il tuo nome,
        como te chamas, qual e o seu nome, qual e o teu nome, seu nome, o teu nome, naam, voornaam, volledige naam,
        voor en achternaam, bijnaam, je naam, uw naam, jouw naam, hoe heet je, wat is je naam, wat is jouw naam""",
    )
)
LAST_NAMES = frozenset("last name, lastname, surname, family name, cognom, cognoms, apellido, apellidos, nachname, "
                       "nom de famille, cognome, sobrenome, achternaam, familienaam".split(", "))  # fmt: skip
USER_WORDS = frozenset(
    "user, users, user name, username, usuari, usuaria, usuaris, usuario, usuarios, benutzer, utilisateur, utente, "
    "person, persona, personne, people, participant, participante, teilnehmer, respondent, subject, gebruiker, "
    "deelnemer, persoon, row labels, etiquetas de fila, etiquetes de fila, zeilenbeschriftungen, etiquettes de lignes, "
    "etichette di riga, rotulos de linha, rijlabels".split(", ")  # pivot tables name the first column so
)
ID_WORDS = frozenset(
    "user id, userid, id, uid, person id, subject id, respondent id, responseid, response id, participant id, "
    "id usuari, id usuario".split(", ")
)

ANONYMOUS = frozenset("anonymous anonimo anonim anonym anonyme anoniem anonymus guest na".split()) | {"n a"}
_GREETING = re.compile(r"^(?:hi|hello|hey|hola|hallo|hoi|salut|bonjour|ciao|ola|bon dia|buenas) ")
_OPTIONAL = re.compile(
    r" (optional|opcional|facultatif|facultativo|facoltativo|optioneel|required|obligatorio|obligatori|please)$"
)


# ---- columns -> genres ----


@dataclass(frozen=True)
class Alignment:
    """Which columns of a table supply which genre.

    Attributes:
        sources: genre -> its columns, in the order of GENRES; genres without a column are absent.
        id_columns: the columns that name the person, joined by a space; none: row numbers.
        unused: all other columns.
    """

    sources: dict[str, tuple[str, ...]]
    id_columns: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def id_column(self) -> str | None:
        """The column that names the person, or None."""
        return self.id_columns[0] if self.id_columns else None

    @property
    def columns(self) -> list[str]:
        """All columns that feed a genre, once each."""
        return list(dict.fromkeys(itertools.chain.from_iterable(self.sources.values())))

    def describe(self) -> str:
        """A report of what was understood and what was not."""
        same = [genre for genre, columns in self.sources.items() if columns == (genre,)]
        lines = [f"  by their own names: {', '.join(same)}"] if same else []
        lines += [f"  {g:<11} <- {' + '.join(names)}" for g, names in self.sources.items() if g not in same]
        absent = [genre for genre in GENRES if genre not in self.sources]
        lines.append(f"  person      <- {' + '.join(self.id_columns) or 'row number'}")
        if absent:
            lines.append(f"  not asked, counted as 0: {', '.join(absent)}")
        if self.unused:
            lines.append(f"  not used: {', '.join(self.unused)}")
        return "\n".join(lines)


def align_columns(
    names: Sequence[str], own: str = "", name_column: str = "", nameless: Collection[str] = ()
) -> Alignment:
    """Find the genre of every column by `common.genres.genres_of`; nothing is guessed.

    Args:
        names: the table's columns.
        own: what the user says about columns, "Video game music=electronic, Country=": a genre word, or nothing
            for a column to leave out; separated by semicolons where a name has a comma. It overrides the vocabulary.
        name_column: the column that names the person, or several, separated by commas; empty: found by its name.
        nameless: columns that name nobody, whatever they are called.

    Raises:
        UserError: a column appears twice, `own` names a column or a genre that is not there, or no column is a genre.
    """
    said = _parse_own(own, names)
    id_columns = _name_columns([n for n in names if n not in said and n not in nameless], names, name_column)
    found = {name: said[name] if name in said else genres_of(name) for name in names if name not in id_columns}
    _ask_about_the_person(names, found, said, id_columns)
    used = [name for name in names if name in id_columns or found.get(name)]
    raise_faults("", [f"column {name!r} appears twice" for name in sorted({n for n in used if used.count(n) > 1})])
    sources = {g: tuple(name for name, genres in found.items() if g in genres) for g in GENRES}
    sources = {genre: columns for genre, columns in sources.items() if columns}
    if not sources:
        _ask_about_questions(names)
        raise UserError(
            f"no column is a genre that is known (columns: {', '.join(map(repr, names[:12]))}); "
            f"the genres are {', '.join(GENRES)}; name others by --columns 'COLUMN=genre'"
        )
    return Alignment(sources, id_columns, tuple(name for name, genres in found.items() if not genres))


def _ask_about_questions(names: Sequence[str]) -> None:
    """Raise where genres stand in brackets, or behind a dash, after a question that is not known."""
    choices = {}
    for name in names:
        found = re.fullmatch(r"(.+?)\s*(?:\[([^\]]+)\]|\s[-–>]+\s([^-–>]+))", name.strip(), re.DOTALL)
        genres = genres_of(found[2] or found[3]) if found and not turns_the_sense(name) else ()
        if found and genres:
            choices[name] = (found[1], genres[0])
    if len(choices) > 1:
        question = next(iter(choices.values()))[0]
        said = setting("columns", *(f"{name}={genre}" for name, (_, genre) in choices.items()))
        raise UserError(f"the question {question!r} is not known: if it asks how much people like a genre, say {said}")


def _name_columns(free: Sequence[str], names: Sequence[str], wanted: str) -> tuple[str, ...]:
    """The columns that name the person: names before user names, and these before ids."""
    if wanted.strip():
        parts = (wanted.strip(),) if wanted.strip() in names else tuple(part.strip() for part in wanted.split(","))
        missing = [part for part in parts if part not in names]
        raise_faults("setting NAME_COLUMN", [f"the table has no column {part!r}" for part in missing])
        return parts
    for words in (NAME_WORDS, USER_WORDS, ID_WORDS):
        found = [name for name in free if is_called(name, words)]
        if found:
            last = [name for name in free if plain(name) in LAST_NAMES and words is NAME_WORDS]
            return (found[0], *last[:1])
    return ()


def is_called(name: str, words: Collection[str]) -> bool:
    """Whether a column has a name of `words`: "Name (optional)", "Nom / Nombre", "Hi! What's your name?"."""
    bare = re.sub(r"[(\[][^)\]]*[)\]]", " ", name)
    parts = [_OPTIONAL.sub("", _GREETING.sub("", plain(part))) for part in re.split(r"[/|]", bare)]
    return _GREETING.sub("", plain(name)) in words or all(part in words for part in parts)


def _ask_about_the_person(
    names: Sequence[str], found: dict[str, tuple[str, ...]], said: dict[str, tuple[str, ...]], ids: tuple[str, ...]
) -> None:
    """Raise where a column such as Country may be about the person: beside it are no genres, or too few of them."""
    doubtful = [name for name in names if found.get(name) and name not in said and _may_be_about_person(name)]
    sure = [name for name in names if found.get(name) and name not in doubtful]
    doubts = []
    for name in doubtful:
        place = list(names).index(name)
        before = next((n for n in reversed(names[:place]) if n not in doubtful), None)
        after = next((n for n in names[place + 1 :] if n not in doubtful), None)
        among = before in sure and (after in sure or after is None)
        first = (before is None or before in ids) and after in sure and len(sure) >= 4
        if (not among and not first and sure) or plain(name) in INSTRUMENTS:
            doubts.append(name)
    if doubts:
        out = setting("columns", *(f"{name}=" for name in doubts))
        genres = setting("columns", *(f"{name}={found[name][0]}" for name in doubts))
        raise UserError(
            f"{', '.join(map(repr, doubts))} may be a genre or about the person: say {genres} (genre) or "
            f"{out} (left out)"
        )


def _may_be_about_person(name: str) -> bool:
    """Whether a name means a genre by nothing but a word such as Country, as "country" and "country_ES" do."""
    words = plain(name).split()
    return plain(name) in ABOUT_PERSON or (words[0] in ABOUT_PERSON and all(word in FILLER for word in words[1:]))


def _parse_own(own: str, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    said: dict[str, tuple[str, ...]] = {}
    faults = []
    for part in filter(str.strip, own.split(";" if ";" in own else ",")):
        name, equals, word = (text.strip() for text in part.rpartition("="))
        said[name] = genres_of(word) if word else ()
        if not equals or name not in names:
            faults.append(f"{part.strip()!r} does not name a column of the table; write COLUMN=genre")
        elif word and not said[name]:
            faults.append(f"{word!r} is not a genre; the genres are {', '.join(GENRES)}")
    raise_faults("setting COLUMNS", faults)
    return said


# ---- vectors ----


def to_vectors(
    columns: Mapping[str, NDArray[Any]], alignment: Alignment, scales: Mapping[str, Scale]
) -> NDArray[np.float32]:
    """Scores by column, (n,) each with NaN for no answer -> vectors (n, genres) float32 in [0, 1].

    Of several columns of one genre the highest answer counts; a genre without an answer is 0.
    """
    count = len(next(iter(columns.values())))
    vectors = np.zeros((count, len(GENRES)), np.float32)
    for index, genre in enumerate(GENRES):
        for name in alignment.sources.get(genre, ()):
            scale = scales[name]
            shares = (columns[name].astype(np.float64) - scale.low) / (scale.high - scale.low)
            np.fmax(vectors[:, index], shares, out=vectors[:, index], casting="same_kind")
    return vectors
