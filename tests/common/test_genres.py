import math
import random
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import UserError
from common.genre_words import FILLER, SYNONYMS
from common.genres import GENRES, genres_of, parse_taste, plain
from tests.helpers import ROOT

PHRASES = [(phrase.strip(), genre) for genre, text in SYNONYMS.items() for phrase in text.split(",")]
ACCENTS = "\u0300\u0301\u0302\u0303\u0308\u0327"
SEPARATORS = [" ", "  ", "-", "_", ".", "/", " & ", "'", " - ", "\t", "\u00a0", ", "]

synonyms = st.sampled_from(PHRASES)
nonsense = st.from_regex(r"[QXZ][qxz]{3,8}", fullmatch=True)  # letters that make no genre, filler or question number


def disguised(phrase: str, chance: random.Random) -> str:
    """The phrase as somebody else would type it: other case, accents, separators, margins and Unicode form."""
    words = []
    for word in phrase.split():
        letters = [chance.choice([c, c.upper()]) for c in word]
        if not any(c.isdigit() for c in word):
            letters = [c + chance.choice(ACCENTS) if chance.random() < 0.2 else c for c in letters]
        words.append("".join(letters))
    text = words[0] + "".join(chance.choice(SEPARATORS) + word for word in words[1:])
    text = chance.choice(["", " ", "*", "\ufeff"]) + text + chance.choice(["", " ", ":", "?", "!"])
    return unicodedata.normalize(chance.choice(["NFC", "NFD"]), text)


# ---- the lists themselves ----


def test_every_genre_has_synonyms_and_a_name() -> None:
    assert list(GENRES) == list(SYNONYMS)
    assert len(set(GENRES.values())) == len(GENRES)


def test_no_phrase_stands_for_two_genres() -> None:
    seen: dict[str, str] = {}
    for phrase, genre in PHRASES:
        assert seen.setdefault(plain(phrase), genre) == genre, phrase


def test_the_lists_are_written_as_plain_leaves_them() -> None:
    assert [phrase for phrase, _ in PHRASES if " ".join(phrase.split()) != plain(phrase)] == []
    assert [word for word in FILLER if word != plain(word)] == []


def test_no_filler_word_is_a_genre() -> None:
    assert FILLER.isdisjoint(plain(phrase) for phrase, _ in PHRASES)


def test_keys_are_names_that_columns_and_files_can_carry() -> None:
    assert all(key.isascii() and key.isalpha() and key.islower() for key in GENRES)


# ---- plain ----


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", ""),
        ("!?", ""),
        (" Música  ELECTRÒNICA ", "musica electronica"),
        ("R&B", "r b"),
        ("Rock'n'Roll", "rock n roll"),
        ("Hip-Hop/Rap", "hip hop rap"),
        ("cançó d'autor", "canco d autor"),
        ("Il·lusió", "illusio"),
        ("flamenco, Ñ", "flamenco n"),
        ("Straße", "strasse"),
        ("Top 40", "top 40"),
        ("\ufeffpop", "pop"),
        ("Ｒｏｃｋ", "rock"),
        ("ﬂamenco", "flamenco"),
    ],
)
def test_plain_on_known_names(name: str, expected: str) -> None:
    assert plain(name) == expected


@pytest.mark.parametrize(("name", "expected"), [("iŀlusió", "illusio"), ("IĿLUSIÓ", "illusio"), ("𝐑𝐨𝐜𝐤", "rock")])
def test_plain_reads_compatibility_characters_as_the_letters_they_stand_for(name: str, expected: str) -> None:
    assert plain(name) == expected


@given(st.text())
def test_plain_is_made_of_words_of_ascii_letters_and_digits_and_plain_again_changes_nothing(name: str) -> None:
    result = plain(name)
    assert result == " ".join(result.split())
    assert all(c.isascii() and (c.isdigit() or c.islower()) for c in result.replace(" ", ""))
    assert plain(result) == result


@given(st.text())
def test_plain_does_not_see_how_accents_are_encoded(name: str) -> None:
    assert plain(unicodedata.normalize("NFD", name)) == plain(unicodedata.normalize("NFC", name))


@given(st.text(st.sampled_from("abcçdefghijklmnñopqrstuvwxyzàèéíòóúü 0123456789-_.&")))
def test_plain_does_not_see_case(name: str) -> None:
    assert plain(name.upper()) == plain(name) == plain(name.title())


# ---- genres_of ----


@given(synonym=synonyms, seed=st.integers(0, 2**32))
@settings(max_examples=400)
def test_a_synonym_means_its_genre_however_it_is_typed(synonym: tuple[str, str], seed: int) -> None:
    phrase, genre = synonym
    typed = disguised(phrase, random.Random(seed))
    assert genres_of(typed) == (genre,), typed


def test_every_synonym_means_its_genre_and_nothing_else() -> None:
    assert [(phrase, genre, genres_of(phrase)) for phrase, genre in PHRASES if genres_of(phrase) != (genre,)] == []


def test_keys_and_displayed_names_come_back() -> None:
    for key, name in GENRES.items():
        assert genres_of(key) == genres_of(name) == (key,)


@given(
    words=st.lists(st.one_of(synonyms, st.sampled_from(sorted(FILLER)).map(lambda w: (w, ""))), max_size=4), at=nonsense
)
def test_one_unknown_word_makes_the_whole_name_unknown(words: list[tuple[str, str]], at: str) -> None:
    for place in range(len(words) + 1):
        parts = [word for word, _ in words]
        assert genres_of(" ".join([*parts[:place], at, *parts[place:]])) == ()


@given(st.lists(st.sampled_from(sorted(FILLER)), max_size=6))
def test_filler_alone_means_nothing(words: list[str]) -> None:
    assert genres_of(" ".join(words)) == ()


@given(synonym=synonyms, before=st.sampled_from(["Music: ", "Q3 ", "I like ", "Gènere: ", "la música ", "v12_"]))
def test_filler_and_question_numbers_before_a_genre_are_passed_over(synonym: tuple[str, str], before: str) -> None:
    assert genres_of(before + synonym[0]) == (synonym[1],)


@given(synonym=synonyms, word=nonsense)
def test_brackets_part_a_genre_from_what_is_not_one(synonym: tuple[str, str], word: str) -> None:
    phrase, genre = synonym
    assert genres_of(f"{phrase} (1-5)") == (genre,)
    assert genres_of(f"How much do you like: [{phrase}]") == (genre,)
    assert genres_of(f"{phrase} ({word})") == ()
    assert genres_of(f"{word} [{phrase}]") == ()
    assert genres_of(f"({word})") == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Reggae, Ska", ("reggae",)),
        ("Rap / R&B", ("hiphop", "soul")),
        ("R&B / Rap", ("soul", "hiphop")),
        ("Jazz & Blues", ("jazz",)),
        ("indie rock", ("indie",)),
        ("rock indie", ("rock", "indie")),
        ("Metal or Hardrock", ("metal",)),
        ("Rock (1-5)", ("rock",)),
        ("How often do you listen to [Jazz]?", ("jazz",)),
        ("Frequency [Hip hop]", ("hiphop",)),
        ("likeRock", ("rock",)),
        ("likeHipHop", ("hiphop",)),
        ("rock_score", ("rock",)),
        ("Q3 Jazz", ("jazz",)),
        ("HIPHOP", ("hiphop",)),
        ("música clàssica", ("classical",)),
        ("me gusta el flamenco", ("world",)),
        ("M'agrada la cançó d'autor", ("folk",)),
        ("folk metal", ("metal",)),
        ("Classic soul", ("soul",)),
        ("classic jazz", ("jazz",)),
        ("melodic rap", ("hiphop",)),
        ("country club", ()),
        ("Classical / soul", ("classical", "soul")),
        ("¿Cuánto te gusta cada género? [Reggaetón]", ("latin",)),
        ("Valora del 1 al 5 el Rock", ("rock",)),
        ("Quant t'agraden aquests estils? [Música clàssica]", ("classical",)),
        ("Wie gerne hörst du [Klassik]?", ("classical",)),
        ("Wie sehr magst du Elektronische Musik?", ("electronic",)),
        ("Aimez-vous la variété française ?", ("pop",)),
        ("Quanto ti piace la musica classica?", ("classical",)),
        ("Quanto você gosta de [Sertanejo]?", ("latin",)),
        ("rock_minutes", ("rock",)),
        ("Rock (1 = not at all, 5 = very much)", ("rock",)),
        ("Rock (hate - love)", ("rock",)),
        ("Rock (hate)", ()),
        ("Rock (don't like)", ()),
        ("Rock (never)", ()),
        ("Rock (no)", ()),
        ("I hate [Rock]", ()),
        ("Ich hasse Rock", ()),
        ("odio il rock", ()),
        ("je n'aime pas le rock", ()),
        ("No me gusta el rock", ()),
        ("não gosto de rock", ()),
        ("嫌い Rock", ()),
        ("Hip-Hop (嫌い)", ()),
        ("не rock", ()),
        ("ロック", ()),
        ("Rock 👎", ()),
        ("Pop 🎶", ("pop",)),
        ("Hip-Hop/Rap 🎤", ("hiphop",)),
        ("Electronic/Dance 🧑‍🎤", ("electronic",)),
        ("Do you dance?", ()),
        ("Country code", ()),
        ("I like rock climbing", ()),
        ("popcorn", ()),
        ("rocky", ()),
        ("metallurgy", ()),
        ("age", ()),
        ("user", ()),
        ("shoe size", ()),
        ("favourite pop singer's age", ()),
        ("", ()),
        ("()", ()),
        ("🎸", ()),
        ("40", ()),
    ],
)
def test_columns_of_real_surveys_and_traps(name: str, expected: tuple[str, ...]) -> None:
    assert genres_of(name) == expected


REGIONS = ["catalan", "swedish", "denton tx", "west yorkshire", "modern", "deep", "north east england"]
HEADS = {"pop": "pop", "hip hop": "hiphop", "indie rock": "indie", "black metal": "metal", "singer-songwriter": "folk",
         "techno": "electronic", "blues": "jazz", "post-punk": "indie", "orchestra": "classical"}  # fmt: skip


@pytest.mark.parametrize("head", HEADS)
def test_a_micro_genre_counts_by_its_head(head: str) -> None:
    assert {genres_of(f"{region} {head}") for region in REGIONS} == {(HEADS[head],)}


@pytest.mark.parametrize(
    ("name", "genre"),
    [
        ("rock en español", "rock"),
        ("pop brasileiro", "pop"),
        ("punk catala", "punk"),
        ("jazz mexicano", "jazz"),
        ("rap marseille", "hiphop"),
        ("corrido", "latin"),
        ("japanese traditional", "world"),
        ("blackened deathgaze", "indie"),
        ("Spanish Hip Hop", "hiphop"),
    ],
)
def test_heads_in_front_endings_and_lists_of_micro_genres(name: str, genre: str) -> None:
    assert genres_of(name) == (genre,)


@pytest.mark.parametrize(
    "name", ["rock climbing", "hours playing rock", "pop concerts", "concerts of rock", "Owns metal", "age of rock",
             "video game music", "worst pop", "boring jazz", "no rock", "anti folk songs", "rock party", "house number"]
)  # fmt: skip
def test_questions_in_lower_case_are_no_micro_genres(name: str) -> None:
    assert genres_of(name) == ()


@given(st.text(max_size=60))
def test_any_text_gives_known_genres_each_once(name: str) -> None:
    found = genres_of(name)
    assert set(found) <= set(GENRES) and len(set(found)) == len(found)


@pytest.mark.parametrize(
    "name",
    ["'indie rock ' * 40 + 'zzzz'", "'la ' * 20_000 + 'rock'", "'(' * 20_000 + 'rock'", "'rock ' * 20_000"],
    ids=["ambiguous", "filler", "brackets", "repeated"],
)
def test_a_hostile_column_name_costs_neither_minutes_nor_a_crash(name: str) -> None:
    """In a process of its own, so that a search that never ends can be ended."""
    code = f"from common.genres import genres_of; print(genres_of({name}))"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3, check=False)
    assert result.returncode == 0, result.stderr.splitlines()[-1]
    assert result.stdout.strip() in ("()", "('rock',)")


# ---- parse_taste ----


@given(
    values=st.dictionaries(st.sampled_from(list(GENRES)), st.floats(0, 1e6), min_size=1),
    seed=st.integers(0, 2**32),
)
def test_a_typed_taste_comes_back_in_proportion_for_every_genre(values: dict[str, float], seed: int) -> None:
    chance = random.Random(seed)
    parts = []
    for genre, value in values.items():
        word = chance.choice([phrase for phrase, meaning in PHRASES if meaning == genre])
        name = disguised(word, chance).replace(",", " ")  # a comma would end the part
        parts.append(f"{name}={value!r}")
    taste = parse_taste(chance.choice([",", ";", " , "]).join(parts))
    assert list(taste) == list(GENRES)
    top = max(values.values())
    for genre in GENRES:
        expected = values.get(genre, 0) / top if top else 0
        assert math.isclose(taste[genre], expected, rel_tol=1e-12, abs_tol=0)
    assert max(taste.values()) == (1 if top else 0)


def test_of_two_words_for_one_genre_the_larger_counts_in_any_order() -> None:
    for text in ("ska=2, reggae=4, pop=8", "reggae=4, ska=2, pop=8"):
        assert parse_taste(text)["reggae"] == 0.5


def test_a_word_for_two_genres_gives_to_both() -> None:
    taste = parse_taste("rap / r&b = 2, pop = 4")
    assert (taste["hiphop"], taste["soul"], taste["pop"]) == (0.5, 0.5, 1)


@pytest.mark.parametrize("text", ["", " ", ",;,", "rock=0", "rock=0, pop=0.0", "rock=-0.0"])
def test_no_liking_at_all_is_zero_everywhere(text: str) -> None:
    taste = parse_taste(text)
    assert set(taste) == set(GENRES)
    assert all(value == 0 and math.copysign(1, value) == 1 for value in taste.values())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rock", "rock"),
        ("rock:5", "rock:5"),
        ("=5", "=5"),
        ("polka party=5", "polka party=5"),
        ("pop=1, rocky=5", "rocky=5"),
        ("rock=", "rock="),
        ("rock=lots", "rock=lots"),
        ("rock=-1", "rock=-1"),
        ("rock=nan", "rock=nan"),
        ("rock=inf", "rock=inf"),
        ("rock=1e999", "rock=1e999"),
        ("rock=5=6", "rock=5=6"),
        ("rock=5 pop=3", "rock=5 pop=3"),
        ("pop=1, rock=3,5", "5"),
    ],
)
def test_a_faulty_part_is_named(text: str, shown: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_taste(text)
    message = str(caught.value)
    assert repr(shown) in message and "\n" not in message


def test_an_unknown_genre_lists_the_known_ones() -> None:
    with pytest.raises(UserError) as caught:
        parse_taste("polka party=5")
    assert all(genre in str(caught.value) for genre in GENRES)


@given(st.text(max_size=40))
def test_any_text_is_a_taste_from_0_to_1_or_a_user_error(text: str) -> None:
    try:
        taste = parse_taste(text)
    except UserError:
        return
    assert all(0 <= value <= 1 for value in taste.values())
