"""Words that people answer with, in order from nothing to most: English, Spanish, Catalan, German, French, Italian,
Portuguese, Dutch. Written as `common.genres.plain()` leaves them."""

# Each family: levels from least to most; then the scales in use, as places of levels. The first scale that has all
# levels that occur in a table is its scale, so that one survey reads alike in each of its files.
FAMILIES: dict[str, tuple[list[str], list[tuple[int, ...]]]] = {
    "frequency": (
        ["""never, not at all often, nunca, jamas, mai, nie, niemals, jamais, nooit""",
         """rarely, seldom, hardly ever, almost never, once in a while, raramente, rara vez, casi nunca, quasi mai,
            rarament, poques vegades, pocas veces, selten, rarement, quase nunca, poucas vezes, zelden, bijna nooit""",
         """sometimes, occasionally, now and then, a veces, algunas veces, de vez en cuando, a vegades, de vegades,
            de tant en tant, manchmal, gelegentlich, ab und zu, parfois, quelquefois, de temps en temps,
            qualche volta, a volte, ogni tanto, as vezes, por vezes, de vez em quando, soms, af en toe""",
         """about half the time, half the time, la mitad de las veces, la meitat de les vegades,
            etwa die halfte der zeit, la moitie du temps, circa meta delle volte, metade das vezes, de helft van de
            tijd""",
         """often, frequently, regularly, a menudo, frecuentemente, con frecuencia, muchas veces, sovint,
            moltes vegades, oft, haufig, regelmassig, souvent, spesso, frequentemente, muitas vezes,
            com frequencia, vaak, regelmatig""",
         """very often, very frequently, most of the time, muy a menudo, muy frecuentemente, molt sovint, sehr oft,
            sehr haufig, meistens, tres souvent, la plupart du temps, molto spesso, muito frequentemente,
            casi siempre, la mayoria de las veces, quasi sempre, la majoria de vegades, almost always, usually,
            quase sempre, fast immer, presque toujours, heel vaak, zeer vaak, meestal, bijna altijd""",
         """always, all the time, every day, daily, todos los dias, cada dia, jeden tag, taglich, tous les jours,
            ogni giorno, tutti i giorni, todos os dias, siempre, sempre, immer, toujours, altijd, elke dag,
            dagelijks"""],
        [(0, 1, 2, 5), (0, 1, 2, 4, 6), (0, 1, 2, 4, 5), (0, 1, 2, 5, 6), (0, 2, 3, 5, 6), (0, 1, 2, 4, 5, 6),
         (0, 1, 2, 3, 4, 5, 6)],
    ),
    "liking": (
        ["""hate, hate it, i hate it, can t stand it, dislike a great deal, strongly dislike, gar nicht gern,
            uberhaupt nicht gern, 😡, 😠, 🤮, dislike very much, dislike a lot, no me gusta nada, lo odio, odio,
            no m agrada gens, ho odio, gefallt mir gar nicht, hasse ich, mag ich gar nicht, je deteste,
            je n aime pas du tout, non mi piace per niente, nao gosto nada, odeio, detesto, lo detesto,
            helemaal niet leuk, vreselijk, haat ik""",
         """dislike a moderate amount""",
         """dislike, i dislike it, dislike somewhat, dislike a little, weniger gern, nicht so gern, ungern,
            nicht gern, 🙁, ☹, 😕, 😞, don t like, i don t like it, do not like it, don t like it, no me gusta,
            me gusta poco, no m agrada, m agrada poc, gefallt mir nicht, mag ich nicht, je n aime pas,
            non mi piace, nao gosto, niet leuk, vind ik niet leuk""",
         """neutral, indifferent, teils teils, mittelmassig gern, 😐, neither like nor dislike, it s ok, it s okay,
            ok, okay, so so, me da igual, indiferente, regular, m es igual, indiferent, ni fu ni fa, egal,
            ist mir egal, weder noch, indifferent e, ca m est egal, indifferente, mi e indifferente, tanto faz,
            e indiferente, neutre, neutro, neutraal, gaat wel, maakt niet uit""",
         """like, like it, i like it, like somewhat, like a little, gern, gerne, eher gern, 🙂, 😊, me gusta,
            m agrada, gefallt mir, mag ich, j aime, j aime bien, mi piace, gosto, leuk, vind ik leuk""",
         """like a moderate amount""",
         """love, love it, i love it, like a great deal, sehr gern, sehr gerne, 😍, 😀, ❤, like a lot,
            like it a lot, like very much, strongly like, me gusta mucho, me encanta, m agrada molt, m encanta,
            gefallt mir sehr, liebe ich, mag ich sehr, j adore, j aime beaucoup, mi piace molto, lo adoro, adoro,
            gosto muito, heel leuk, geweldig, vind ik heel leuk"""],
        [(2, 3, 4, 6), (0, 2, 3, 4, 6), (0, 1, 2, 3, 4, 5, 6)],
    ),
    "agreement": (
        ["""strongly disagree, totally disagree, completely disagree, muy en desacuerdo, totalmente en desacuerdo,
            molt en desacord, totalment en desacord, stimme gar nicht zu, stimme uberhaupt nicht zu,
            pas du tout d accord, fortemente in disaccordo, discordo totalmente, helemaal mee oneens,
            zeer mee oneens""",
         """disagree, en desacuerdo, en desacord, stimme nicht zu, pas d accord, in disaccordo, discordo,
            mee oneens, oneens""",
         """somewhat disagree, slightly disagree, algo en desacuerdo, una mica en desacord, stimme eher nicht zu,
            plutot pas d accord, abbastanza in disaccordo, discordo parcialmente, beetje mee oneens""",
         """neutral, neither agree nor disagree, undecided, neutro, neutre, ni de acuerdo ni en desacuerdo,
            ni d acord ni en desacord, teils teils, weder noch, ni d accord ni pas d accord,
            ne d accordo ne in disaccordo, nem concordo nem discordo, neutraal, niet mee eens niet mee oneens""",
         """somewhat agree, slightly agree, algo de acuerdo, una mica d acord, stimme eher zu, plutot d accord,
            abbastanza d accordo, concordo parcialmente, beetje mee eens""",
         """agree, de acuerdo, d acord, stimme zu, d accord, d accordo, concordo, mee eens, eens""",
         """strongly agree, totally agree, completely agree, muy de acuerdo, totalmente de acuerdo, molt d acord,
            totalment d acord, stimme voll zu, stimme voll und ganz zu, tout a fait d accord, fortemente d accordo,
            concordo totalmente, helemaal mee eens, zeer mee eens"""],
        [(0, 1, 3, 5, 6), (0, 2, 3, 4, 6), (1, 2, 3, 4, 5), (0, 1, 2, 3, 4, 5, 6)],
    ),
    "amount": (
        ["""not at all, none at all, nothing, nothing at all, none, nada, gens, gens ni mica, gar nicht,
            uberhaupt nicht, pas du tout, per niente, per nulla, de modo nenhum, helemaal niet, niets""",
         """a little, a little bit, little, slightly, not much, not so much, not very, not so, poco, muy poco, un poco,
            poc, una mica, molt poc, no gaire, wenig, ein wenig, ein bisschen, peu, un peu, pas trop, un po, pouco,
            um pouco, weinig, een beetje, niet zo""",
         """somewhat, moderately, a moderate amount, some, medium, algo, regular, mittel, etwas, mittelmassig,
            moyennement, assez, abbastanza, mais ou menos, medio, matig, redelijk""",
         """bastante, quite, quite a lot, quite a bit, fairly, bastant, forca, ziemlich, tamelijk, best veel""",
         """a lot, much, very, mucho, molt, viel, beaucoup, molto, muito, veel""",
         """very much, a great deal, extremely, muchisimo, moltissim, sehr viel, sehr, enormement, moltissimo,
            muitissimo, completely, totalmente, heel veel, heel erg"""],
        [(0, 1, 2, 4), (0, 1, 3, 4), (0, 1, 2, 4, 5), (0, 1, 2, 3, 4), (0, 1, 2, 3, 5), (0, 1, 2, 3, 4, 5)],
    ),
    "how often": (
        ["""never, nunca, mai, nie, jamais, nooit""",
         """less than once a month, less than monthly, a few times a year, once a year, menos de una vez al mes,
            menys d un cop al mes, seltener als einmal im monat, seltener, moins d une fois par mois,
            meno di una volta al mese, menos de uma vez por mes, minder dan een keer per maand""",
         """once a month, monthly, a few times a month, una vez al mes, un cop al mes, einmal im monat, monatlich,
            une fois par mois, una volta al mese, uma vez por mes, maandelijks, een keer per maand""",
         """once a week, weekly, una vez a la semana, un cop a la setmana, una vez por semana, einmal pro woche,
            wochentlich, einmal in der woche, une fois par semaine, una volta a settimana, uma vez por semana,
            wekelijks, een keer per week""",
         """several times a week, a few times a week, multiple times a week, varias veces a la semana,
            diverses vegades a la setmana, mehrmals pro woche, mehrmals in der woche, plusieurs fois par semaine,
            piu volte a settimana, varias vezes por semana, meerdere keren per week""",
         """every day, daily, todos los dias, cada dia, a diario, jeden tag, taglich, tous les jours, chaque jour,
            ogni giorno, tutti i giorni, todos os dias, diariamente, elke dag, dagelijks"""],
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
    "quality": (
        ["""terrible, awful, very poor, very bad, horrible, muy malo, muy mala, pesimo, pessim, molt dolent,
            molt malament, sehr schlecht, tres mauvais, pessimo, molto scarso, muito mau, muito ruim, zeer slecht""",
         """poor, bad, malo, mala, dolent, malament, schlecht, mauvais, scarso, mau, ruim, slecht""",
         """fair, average, so so, okay, ok, regular, mittel, mittelmassig, mediocre, passable, moyen, correct,
            discreto, sufficiente, razoavel, matig, acceptable""",
         """good, bueno, buena, bo, be, gut, bon, bien, buono, bom, goed""",
         """very good, muy bueno, muy buena, molt bo, molt be, sehr gut, tres bon, tres bien, molto buono, muito bom,
            zeer goed, heel goed""",
         """excellent, outstanding, amazing, excelente, excellent, ausgezeichnet, hervorragend, eccellente, ottimo,
            otimo, uitstekend"""],
        [(1, 2, 3, 5), (1, 2, 3, 4, 5), (0, 1, 2, 3, 4), (0, 1, 2, 3, 5), (0, 1, 2, 3, 4, 5)],
    ),
    "school grades": (
        ["ungenugend, nicht genugend", "mangelhaft", "ausreichend, genugend", "befriedigend", "gut", "sehr gut"],
        [(0, 1, 2, 3, 4, 5)],
    ),
    "yes or no": (
        ["""no, n, 👎, unchecked, not checked, not selected, unselected, not quoted, nein, non, nao, nee, false,
            falso, falsch, fals, faux, off, f, ❌, ✗, ✘, ✖, ☐""",
         """maybe, a bit, so so, mas o menos, mes o menys, vielleicht, un peu, piu o meno, mais ou menos, talvez,
            quizas, potser, forse, peut etre, misschien""",
         """yes, y, 👍, checked, selected, quoted, si, s, ja, j, oui, o, sim, true, t, verdadero, verdadeiro, vero, v,
            wahr, vrai, verdader, cert, on, ✅, ✓, ✔, ☑"""],
        [(0, 2), (0, 1, 2)],
    ),
    "level": (
        ["""low, lowest, least, min, minimum, worst, bajo, baja, minimo, peor, menos, baix, baixa, minim, pitjor, menys,
            niedrig, niedrigste, am schlechtesten, schlechteste, wenigsten, faible, bas, moins, pire, basso, bassa,
            peggio,
            meno, baixo, pior, laag, laagste, slechtst, minst""",
         """medium, mid, middle, average, medio, media, mitja, mitjana, mittel, moyen, gemiddeld, middel""",
         """high, highest, most, max, maximum, best, alto, alta, maximo, mejor, mas, alt, maxim, millor, mes, hoch,
            hochste, am besten, beste, bestes, meisten, eleve, haut, fort, plus, mieux, massimo, migliore, meglio, piu,
            melhor, mais, hoog, hoogste"""],
        [(0, 2), (0, 1, 2)],
    ),
    "signs": (["---", "--", "-", "o, +-, +/-, ±, =, 0", "+", "++", "+++"],
              [(2, 3, 4), (1, 2, 3, 4, 5), (0, 1, 2, 3, 4, 5, 6)]),
}  # fmt: skip

# Words behind an amount that do not change it: "very interested", "extremely often".
NOUNS = frozenset("interested often likely satisfied interesado interesada interessat interessada interessiert "
                  "interessato interessado geinteresseerd".split())  # fmt: skip

# Units of time, as places of a scale of 1 second: answers in two of them are asked about.
UNITS = {
    word: seconds
    for seconds, words in {
        1: "s sec secs second seconds segundo segundos segon segons sekunden secondes secondi",
        60: "m min mins minute minutes minuto minutos minut minuts minuten minuti",
        3600: "h hr hrs hour hours hora horas hores stunde stunden std heure heures ora ore uur uren",
    }.items()
    for word in words.split()
}
ORDINALS = frozenset("st nd rd th o a er ere re e eme r n t de ste".split())  # "1st", "1.º", "1er", "2n", "2e"

MONTHS = frozenset(
    """jan january januar janvier janeiro januari ene enero gen gener gennaio feb february februar fevrier febrero
    febrer febbraio fevereiro februari fev mar march marz mars marzo marc maart mrt apr april avril avr abr abril
    aprile may mai mayo maig maggio mag maio mei jun june juni juin junio juny giugno giu junho jul july juli juillet
    julio juliol luglio lug julho aug august aout ago agosto agost augustus sep sept september septembre septiembre
    setembre settembre set setembro oct october oktober okt octobre octubre ottobre ott outubro out nov november
    novembre noviembre novembro dec december dezember dez decembre dic diciembre desembre des dicembre
    dezembro""".split()
)  # of dates such as "01-May"

TICKS = frozenset("x X ✓ ✔ ☑ ✅ ■ ● • * 🗸 ☒ v V".split())
NO_ANSWER: frozenset[str] = frozenset(
    " ".join(phrase.split())
    for phrase in """
    na, n a, nr, n r, ns nc, ns n c, n s n c, ns, n s, nc, nsp, nspp, k a, dk, idk, n v t, nvt, null, n d, blank,
    unknown, refused, skip, skipped, not answered, no answer, no response, none given, not applicable, no opinion,
    not sure, unsure, don t know, dont know, i don t know, i dont know, do not know, don t know it, i don t know it,
    never heard of it, prefer not to say, prefer not to answer, rather not say, i prefer not to say,
    no sabe, no contesta, no sabe no contesta, no se, no lo se, no lo conozco, no conozco, sin respuesta, sin opinion,
    no opino, no aplica, prefiero no decirlo, prefiero no contestar, prefiero no responder, no aplicable, en blanco,
    no ho se, no ho sap, no el conec, no ho conec, no la conec, sense resposta, sense opinio, prefereixo no dir ho,
    prefereixo no contestar, prefereixo no respondre, no aplicable, en blanc,
    weiss nicht, weiss ich nicht, ich weiss nicht, weiß nicht, keine angabe, keine antwort, keine meinung,
    kenne ich nicht, unbekannt, mochte ich nicht sagen, nicht beantwortet, leer, entfallt,
    je ne sais pas, ne sait pas, ne sais pas, sans reponse, sans opinion, sans avis, pas d opinion, pas d avis,
    ne se prononce pas, je ne connais pas, ne connait pas, je prefere ne pas repondre, je prefere ne pas le dire,
    non concerne, vide,
    non so, non lo so, non saprei, non risponde, nessuna risposta, nessuna opinione, non lo conosco, non conosco,
    preferisco non rispondere, preferisco non dirlo, non applicabile, vuoto,
    nao sei, nao sabe, nao responde, nao respondeu, sem resposta, sem opiniao, nao conheco, prefiro nao dizer,
    prefiro nao responder, nao se aplica, vazio,
    weet niet, weet ik niet, ik weet het niet, geen mening, geen antwoord, ken ik niet, zeg ik liever niet,
    niet van toepassing, onbekend""".split(",")
)
