"""Words that people answer with, in order from nothing to most: English, Spanish, Catalan, German, French, Italian,
Portuguese. Written as `common.genres.plain()` leaves them."""

# Each family: levels from least to most, one a line; then the scales in use, as places of levels. The first scale that
# has all levels that occur in a table is its scale, so that one survey reads alike in each of its files.
FAMILIES: dict[str, tuple[list[str], list[tuple[int, ...]]]] = {
    "frequency": (
        [
            "never, not at all often, nunca, jamas, mai, nie, niemals, jamais",
            "rarely, seldom, hardly ever, almost never, raramente, rara vez, casi nunca, quasi mai, rarament, "
            "poques vegades, "
            "pocas veces, selten, rarement, quase nunca, poucas vezes",
            "sometimes, occasionally, a veces, algunas veces, de vez en cuando, a vegades, de vegades, "
            "de tant en tant, "
            "manchmal, gelegentlich, parfois, quelquefois, qualche volta, a volte, as vezes, por vezes",
            "often, frequently, regularly, a menudo, frecuentemente, con frecuencia, muchas veces, sovint, "
            "moltes vegades, oft, "
            "haufig, souvent, spesso, frequentemente, muitas vezes",
            "very often, very frequently, muy a menudo, muy frecuentemente, molt sovint, sehr oft, sehr haufig, "
            "tres souvent, "
            "molto spesso, muito frequentemente, casi siempre, quasi sempre, almost always, usually, quase sempre",
            "always, all the time, every day, daily, todos los dias, cada dia, jeden tag, taglich, tous les jours, "
            "ogni giorno, tutti i giorni, todos os dias, siempre, sempre, immer, toujours",
        ],
        [(0, 1, 2, 4), (0, 1, 2, 3, 5), (0, 1, 2, 3, 4), (0, 1, 2, 4, 5), (0, 1, 2, 3, 4, 5)],
    ),
    "liking": (
        [
            "hate, hate it, i hate it, can t stand it, dislike a great deal, strongly dislike, gar nicht gern, "
            "uberhaupt nicht gern, 😡, 😠, 🤮, dislike very much, dislike a lot, no me gusta nada, "
            "lo odio, odio, "
            "no m agrada gens, ho odio, gefallt mir gar nicht, hasse ich, je deteste, je n aime pas du tout, "
            "non mi piace per niente, lo odio, nao gosto nada, odeio, detesto",
            "dislike, i dislike it, dislike somewhat, weniger gern, nicht so gern, ungern, nicht gern, 🙁, ☹, 😕, "
            "don t like, i don t like it, do not like it, don t like it, no me gusta, "
            "me gusta poco, "
            "no m agrada, m agrada poc, gefallt mir nicht, mag ich nicht, je n aime pas, non mi piace, nao gosto",
            "neutral, indifferent, teils teils, mittelmassig gern, 😐, "
            "neither like nor dislike, it s ok, ok, okay, so so, me da igual, indiferente, "
            "regular, "
            "m es igual, indiferent, ni fu ni fa, egal, ist mir egal, weder noch, indifferent e, ca m est egal, "
            "indifferente, "
            "mi e indifferente, tanto faz, e indiferente",
            "like, like it, i like it, like somewhat, gern, gerne, eher gern, 🙂, 😊, "
            "me gusta, m agrada, gefallt mir, mag ich, j aime, j aime bien, mi piace, gosto",
            "love, love it, i love it, like a great deal, sehr gern, sehr gerne, 😍, 😀, ❤, "
            "like a lot, like it a lot, like very much, strongly like, me gusta mucho, "
            "me encanta, "
            "m agrada molt, m encanta, gefallt mir sehr, liebe ich, j adore, j aime beaucoup, mi piace molto, "
            "lo adoro, adoro, "
            "gosto muito",
        ],
        [(1, 2, 3, 4), (0, 1, 2, 3, 4)],
    ),
    "agreement": (
        [
            "strongly disagree, totally disagree, completely disagree, muy en desacuerdo, totalmente en desacuerdo, "
            "molt en desacord, totalment en desacord, stimme gar nicht zu, pas du tout d accord, "
            "fortemente in disaccordo, "
            "discordo totalmente",
            "disagree, somewhat disagree, en desacuerdo, en desacord, stimme nicht zu, stimme eher nicht zu, "
            "pas d accord, "
            "in disaccordo, discordo",
            "neutral, neither agree nor disagree, undecided, neutro, ni de acuerdo ni en desacuerdo, "
            "ni d acord ni en desacord, "
            "teils teils, weder noch, ni d accord ni pas d accord, ne d accordo ne in disaccordo, "
            "nem concordo nem discordo",
            "agree, somewhat agree, de acuerdo, d acord, stimme zu, stimme eher zu, d accord, d accordo, concordo",
            "strongly agree, totally agree, completely agree, muy de acuerdo, totalmente de acuerdo, molt d acord, "
            "totalment d acord, stimme voll zu, stimme voll und ganz zu, tout a fait d accord, fortemente d accordo, "
            "concordo totalmente",
        ],
        [(0, 1, 2, 3, 4)],
    ),
    "amount": (
        [
            "not at all, nothing, none, nada, gens, gar nicht, uberhaupt nicht, pas du tout, per niente, "
            "per nulla, de modo nenhum",
            "a little, little, slightly, not much, poco, muy poco, un poco, poc, una mica, molt poc, wenig, "
            "ein wenig, peu, "
            "un peu, un po, pouco, um pouco",
            "somewhat, moderately, fairly, some, medium, algo, regular, forca, mittel, etwas, mittelmassig, "
            "moyennement, "
            "assez, abbastanza, mais ou menos, medio",
            "a lot, much, very, bastante, mucho, quite, quite a lot, bastant, molt, viel, ziemlich, beaucoup, "
            "molto, muito",
            "very much, extremely, muchisimo, moltissim, sehr viel, sehr, enormement, moltissimo, "
            "muitissimo, "
            "completely, totalmente",
        ],
        [(0, 1, 2, 3), (0, 1, 2, 3, 4)],
    ),
    "how often": (
        [
            "never, nunca, mai, nie, jamais, mai",
            "less than once a month, less than monthly, a few times a year, once a year, menos de una vez al mes, "
            "menys d un cop al mes, seltener als einmal im monat, seltener, moins d une fois par mois, "
            "meno di una volta al mese, menos de uma vez por mes",
            "once a month, monthly, a few times a month, una vez al mes, un cop al mes, einmal im monat, monatlich, "
            "une fois par mois, una volta al mese, uma vez por mes",
            "once a week, weekly, una vez a la semana, un cop a la setmana, una vez por semana, einmal pro woche, "
            "wochentlich, einmal in der woche, une fois par semaine, una volta a settimana, uma vez por semana",
            "several times a week, a few times a week, multiple times a week, varias veces a la semana, "
            "diverses vegades a la setmana, mehrmals pro woche, mehrmals in der woche, plusieurs fois par semaine, "
            "piu volte a settimana, varias vezes por semana",
            "every day, daily, todos los dias, cada dia, a diario, jeden tag, taglich, tous les jours, "
            "chaque jour, ogni giorno, tutti i giorni, todos os dias, diariamente",
        ],
        [(0, 2, 3, 5), (0, 1, 2, 3, 5), (0, 1, 2, 3, 4, 5)],
    ),
    "importance": (
        ["not important, not at all important, unimportant, no importante, gens important, unwichtig, pas important",
         "slightly important, a little important, poco importante, poc important, weniger wichtig, peu important",
         "somewhat important, moderately important, algo importante, mittel wichtig, assez important",
         "important, importante, wichtig",
         "very important, extremely important, muy importante, molt important, sehr wichtig, tres important, "
         "molto importante, muito importante"],
        [(0, 1, 2, 4), (0, 2, 4), (0, 2, 3, 4), (0, 1, 2, 3, 4)],
    ),
    "yes or no": (
        ["no, n, 👎, unchecked, not checked, not selected, unselected, not quoted, "
         "nein, non, nao, false, falso, falsch, fals, faux, off",
         "maybe, a bit, so so, mas o menos, mes o menys, vielleicht, un peu, piu o meno, mais ou menos, "
         "talvez, quizas, potser",
         "yes, y, 👍, checked, selected, quoted, si, s, ja, oui, sim, true, verdadero, "
         "verdadeiro, vero, wahr, vrai, verdader, cert, on"],
        [(0, 2), (0, 1, 2)],
    ),
}  # fmt: skip

MONTHS = frozenset(
    """jan january januar janvier ene enero gen gener gennaio feb february februar fevrier febrero febrer febbraio
    mar march marz mars marzo marc apr april avril abr abril aprile may mayo maig maggio jun june juni juin junio
    juny giugno jul july juli juillet julio juliol luglio aug august aout ago agosto agost sep sept september
    septembre septiembre setembre settembre oct october oktober okt octobre octubre ottobre nov november novembre
    noviembre dec december dezember dez decembre dic diciembre desembre dicembre""".split()
)  # of dates such as "01-May"

TICKS = frozenset("x X ✓ ✔ ☑ ✅ ■ ● • * 🗸 ☒ v V".split())
NO_ANSWER = frozenset(
    """na|n a|ns nc|ns|nc|no sabe|no contesta|no sabe no contesta|no se|no ho se|no lo se|don t know|dont know|i don t
        know|
    do not know|no answer|no response|prefer not to say|prefer not to answer|not applicable|no
    opinion|unknown|null|none given|
    weiss nicht|weiß nicht|keine angabe|k a|kenne ich nicht|je ne sais pas|ne sait pas|sans reponse|non so|non lo so|
    nao sei|nao sabe|dk|refused|no lo conozco|no el conec|don t know it|never heard of it|ne se prononce
        pas""".replace("\n    ", "").split("|")
)  # fmt: skip
