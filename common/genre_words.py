"""The words of names of music genres: what `common.genres` knows, as data.

Written as `common.genres.plain()` leaves words: lower case, without accents and punctuation. English, Spanish,
Catalan,
German, French, Italian, Portuguese and Dutch.
"""

SYNONYMS: dict[str, str] = {
    "pop": """pop, popmusik, popular music, top 40, los 40, mainstream, mainstream pop, dance pop, electropop, electro
        pop, synthpop, synth pop, teen pop, power pop, city pop, art pop, bedroom pop, chamber pop, oldies pop, boy
        bands, boyband, boy band, girl group, girl groups, k pop, kpop, pop k, j pop, jpop, c pop, v pop, q pop, t
        pop,
        mandopop, cantopop, britpop, brit pop, hyperpop, europop, schlager, eurovision, adult contemporary, easy
        listening, mood easy listening, moodeasy, chart music, chart hits, charts, pop hits, baladas, balades, balada,
        balade, ballad, ballads, melodica, melodic, cancion melodica, canco melodica, variete, varietes, variete
        francaise, varietes francaises, musica leggera, idol, j idol, k idol, anime, show tunes, broadway,
        poptimism, francoton, opm, italo pop, canzone italiana, chanson, chanson francaise, yacht rock, bubblegum,
        disney, dansband, levenslied, popmuziek, smartlap, smartlappen, nederlandstalig,
        nederlandstalige muziek, deutschpop,
        jovem guarda, musica infantil, ye ye, britpop revival""",
    "rock": """rock, rockmusik, rockmuziek, nederrock, rock n roll, rock and roll, rock roll, rocknroll, rocanrol,
        rock i roll, rock y roll,
        rockabilly, rockabily, psychobilly, classic rock, rock clasico, rock classic, rock classique, hard rock,
        hardrock, rock duro, rock dur, soft rock, oldies, album rock, contemporary rock, conrock, prog, prog rock,
        progressive rock, rock progresivo, rock progressiu, rock progressivo, rock progressif, art rock, southern
        rock,
        noise rock, math rock, psych rock, j rock, psychedelic rock, psychedelia, psychedelic, psych, psicodelia,
        grunge, post grunge, arena rock, glam rock, glam, stoner rock, stoner, garage rock, post rock, krautrock, surf
        rock, surf, rock urbano, rock urba, modern rock, heavy rock, country rock, merseybeat, british invasion, freak
        beat, mellow gold, permanent wave, jam band, worship rock, freakbeat, pub rock, space rock, zolo, noise pop,
        slowcore, math pop, rock opera, visual kei, mellow rock, folk rock, blues rock, deutschrock,
        canterbury scene, heartland rock, neo progressive, palm desert scene""",
    "indie": """indie, indy, indie rock, indie pop, indie folk, indietronica, independent music, alternative,
        alternativa, alternativo, alternatiu, alternative rock, rock alternativo, rock alternatiu, rock alternatif,
        alt rock, alt pop, shoegaze, nu gaze, dream pop, dreampop, dreamgaze, emo, midwest emo, screamo, skramz, new
        wave, post punk, postpunk, coldwave, cold wave, minimal wave, darkwave, dark wave, no wave, jangle pop, twee
        pop, c86, bubblegrunge, britindie, stomp and holler, college rock, lilith, gothic, goth, ethereal wave,
        madchester, neue deutsche welle, grebo, spacegrunge, dreamo""",
    "metal": """metal, metall, heavy metal, hvymetal, heavy, death metal, deathmetal, melodic death metal, black metal,
        blackmetal, thrash metal, thrash, crossover thrash, doom metal, doom, sludge, speed metal, progressive metal,
        groove metal, hair metal, glam metal, viking metal, metalcore, mathcore, deathcore, grindcore, grind,
        goregrind, deathgrind, blackgaze, slam, slamming deathcore, djent, nu metal, numetal, power metal, metal
        hardrock, metal or hardrock, metal hard rock, metal or hard rock, metal and hard rock, metal y hard rock,
        metal i hard rock, metal e hard rock, metal und hardrock, hard rock metal, hard rock heavy metal, hard rock
        and
        metal, industrial metal, folk metal, gothic metal, symphonic metal, nwobhm, easycore, drone metal, swancore,
        mallcore, trancecore""",
    "punk": """punk, punk rock, punkrock, rock punk, hardcore, hardcore punk, anarcho punk, crust punk, crust, pop punk,
        oi, street punk, riot grrrl, queercore, powerviolence, d beat, post hardcore, melodic hardcore, straight edge,
        cowpunk, egg punk, ska punk punk, skate punk, horror punk, celtic punk, electropunk, deutschpunk,
        deathrock, protopunk, proto punk, punk n roll, screamocore, orgcore""",
    "electronic": """electronic, electronica, elektronische muziek, dansmuziek, elettronica, eletronica, electronique,
        elektronisch, elektronische
        musik, elektronische, elektro, elektronica, electronic dance, electro, edm, e d m, techno, tecno, hard techno,
        hardcore techno, melodic techno, minimal techno, detroit techno, trance, psytrance, goa, house, deep house,
        tech house, progressive house, tropical house, afro house, progressive trance, dance, dansa electronica, club
        music, rave, hardstyle, rawstyle, jumpstyle, gabber, makina, maquina, bakalao, dubstep, brostep, deathstep,
        filthstep, riddim dubstep, drum and bass, drumandbass, drum n bass, drum bass, dnb, d n b, d b, jungle,
        liquid funk, neurofunk, breakcore, speedcore, terrorcore, ambient, dark ambient, drone, idm, glitch,
        downtempo,
        trip hop, triphop, chillout, chill out, chillstep, chill, lounge, breakbeat, breaks, big beat, electroswing,
        electro swing, eurodance, euro dance, hands up, lofi, lo fi, lo fi beats, lofi beats, chillwave, synthwave,
        vaporwave, witch house, uk garage, speed garage, 2 step, bassline, dj, edm trap, future bass, bass music,
        uk bass, moombahton, complextro, big room, gqom, footwork, juke, wonky, ebm, aggrotech, industrial, noise,
        electroclash, microhouse, minimal, dub techno, hi nrg, chiptune, 8 bit, nintendocore, video game edm, deep
        minimal, hardcore electronic, happy hardcore, frenchcore, new beat, new rave, balearic, space ambient,
        field recording, acousmatic, electroacoustic, electroacoustic improvisation, fidget house, ghettotech,
        halftime, amigacore, dubsteppe, tribal, vocaloid, phonk house, hard dance, drumstep, tekno, freetekno, tekk,
        clubbing, clicks, plugg edm, downbeat, chillhop beats, wave""",
    "hiphop": """hip hop, hiphop, rap, gangsta rap, gangster rap, trap, drill, grime, boom bap, phonk, cloud rap, plugg,
        pluggnb, crunk, hyphy, chillhop, jazz rap, turntablism, urbana, urbanas, urbano, urbanes, urban music,
        freestyle
        rap, conscious hip hop, east coast hip hop, southern hip hop, deutschrap, rap francais, rap italiano, rap
        espanol, rap catala, rap frances, rap conscient, pop rap, rap rock, rap metal rap, beatmaking, instrumental
        hip
        hop, dirty south, g funk, miami bass, bounce, horrorcore, nerdcore, rage rap, melodic rap, emo rap, rapcore,
        trap soul hip hop, sad rap, jerk, battle rap, scratch, hiplife, gengetone, urbaine, pop urbaine, urbain,
        street rap, bass rap, glitch hop, viral rap""",
    "latin": """latin, latino, latina, latinos, latinas, latin pop, pop latino, pop llati, latin american, latin music,
        lateinamerikanisch, lateinamerikanische musik, latino americana, latinoamericana, llatina, llati, llatins,
        ritmos latinos, ritmes llatins, latin spanish salsa, reggaeton, regueton, regaeton, reggeaton, regueto,
        reggaeto, raggaeton, reggaetton, perreo, dembow, neoperreo, salsa, bachata, merengue, merengue tipico, cumbia,
        kizomba, mambo, timba, cha cha cha, chachacha, son cubano, cubana, cubaton, nueva trova, trova, bolero,
        boleros, tango, milonga, candombe, ranchera, rancheras, mariachi, corrido, corridos, corridos tumbados,
        corrido
        tumbado, norteno, nortena, norteno sax, grupero, grupera, gruperas, gruperos, regional mexican, regional
        mexicano, musica mexicana, banda, duranguense, sierreno, sierrena, tejano, tex mex, huapango, huayno, huaino,
        son jarocho, vallenato, joropo, llanera, musica llanera, champeta, currulao, tropical, tropicalia, bossa nova,
        bossanova, samba, pagode, sertanejo, sertaneja, sertanejo universitario, arrocha, axe, forro, piseiro,
        brega, baile funk, funk carioca, funk brasileiro, funk ostentacao, funk mtg, mandelao, choro, mpb, manguebeat,
        frevo, maracatu, chamame, chacarera, cuarteto, rkt, turreo, guaracha, porro, plena, bomba, boogaloo, pachanga,
        guajira, rumba cubana, musica andina, andina, latin urban, urbano latino, trap latino, trap argentino,
        reggae en espanol latin, folclor, folklore argentino, folclore argentino, nuevo regional mexicano, electro
        latino, musica criolla, vals peruano, marinera, nueva cancion, tecnobanda, tierra caliente, chicha, punta,
        tropicalismo, bandinha, vanera, musica gaucha, zouk brasileiro, quebradita, charanga, danzon, brazilian,
        latintronica, rap latino,
        baiao, cueca, samba enredo, capoeira, bandoneon, bandolim, sanfona, charango, cuatro venezolano, rondalla,
        murga, trio huasteco, orquesta tipica, partido alto, salsa choke, reparto, velha guarda, tunantada""",
    "reggae": """reggae, regge, ska, ska punk, skacore, dub, dancehall, roots reggae, lovers rock, rocksteady,
        rock steady, ragga, raggamuffin, reggae fusion, soca, calypso, mento, riddim, 2 tone, 2tone, shatta, bouyon,
        steelpan, steel pan, reggae rock, jawaiian""",
    "soul": """soul, soulmusik, neo soul, neosoul, funk, funky, p funk, r b, rnb, r n b, r and b, r y b, r e b,
        alternative
        r b, rhythm and blues, rhythm n blues, rhythm blues, rythm and blues, rythm blues, disco, nu disco, italo
        disco, post disco, motown, gospel, hymns gospel, espirituales, spirituals, contemporary r b, contemporary rnb,
        new jack swing, quiet storm, northern soul, doo wop, doowop, boogie, go go, urban contemporary, funk rock,
        blue eyed soul, worship, ccm, christian music, southern gospel, praise, louvor, black music, trap soul,
        afro soul, city funk, electro funk, future funk, vapor soul, retro soul,
        beach music, minneapolis sound, souldies, adoracion""",
    "jazz": """jazz, jazzmusik, jazzmuziek, smooth jazz, free jazz, acid jazz, latin jazz, gypsy jazz, jazz manouche,
        nu jazz, cool jazz,
        modern
        jazz, vocal jazz, jazz fusion, fusion jazz, blues, delta blues, chicago blues, electric blues, swing, big
        band,
        big bands, bigband, bebop, bop, hard bop, post bop, dixieland, ragtime, stride, boogie woogie, brass band,
        brass bands, jazz funk, jazz trio, jazz quartet, jazz piano, jazz guitar, jazz trumpet, jazz saxophone, jazz
        vibraphone, jazz double bass, jazz drums, jazz violin, jazz clarinet, jazz organ, jazz flute, jazz trombone,
        jazz orchestra, jazztronica, adult standards, crooner, crooners, torch song, lounge jazz, jump blues,
        louisiana
        blues, blues guitar, harmonica blues, zydeco, third stream, free improvisation, hammond organ, soul jazz,
        jazz blues, blues jazz, jazz metal jazz, cabaret, vintage jazz""",
    "folk": """folk, folkmusik, irish folk, country, mainstream country, alt country, country and western, country
        western, western and country, country pop, country road, honky tonk, bluegrass, blugrass, newgrass, americana,
        red dirt, western swing, folclore, folklore, singer songwriter, singer songwriters, singer and songwriter,
        songwriter, songwriters, cantautor, cantautora, cantautore, cantautores, cantautori, cantautors, cantautoras,
        cantautorato, liedermacher, canco d autor, cancion de autor, canzone d autore, nova canco, acoustic, acustica,
        acustic, akustik, acoustique, traditional folk, folk traditional, musica tradicional, canciones tradicionales,
        musica popular i tradicional, musica popular y tradicional, musica popolare, musique traditionnelle,
        volksmusik,
        volkslied, volkslieder, volkstumliche musik, volkstumlich, yodeling, jodel, old time music, stringband,
        string band,
        fiddle, sea shanties, shanty, shanties, protest folk, folkmusik traditionell, folk pop, folk punk folk,
        freak folk, psych folk, neofolk, dark folk, anti folk, antifolk, banjo, appalachian, campfire, visor,
        barnvisor, oberkrainer, oom pah, blaskapelle, blasmusik, cajun, cowboy western, roots, roots americana,
        folktronica, kleinkunst, lilith folk, bothy ballad, farsi folk, trad, medieval folk, hillbilly,
            volksmuziek, folkmuziek, luisterlied""",
    "classical": """classical, classic, classicl, clasica, clasico, classica, classico, classique, klassik, klassisch,
        klassische, klassische musik, klassiek, klassieke, klassieke muziek, musique classique, musica clasica, musica
        classica, musica erudita, classics
        music, contemporary classical, neoclassical, neo classical, neue klassik, neoklassik, avant garde classical,
        avant garde, compositional ambient, opera, opern, oper, operas, opereta, operetas, operetta, operette,
        operettas, zarzuela, sarsuela, orchestral, orchestra, orquesta, orquestra, orchestre, orchester, orchestral
        soundtrack, orchestral performance, philharmonic, filharmonia, symphonic, symphony, sinfonie, string quartet,
        string orchestra, string ensemble, strings, quartet, quartetto, sinfonica, simfonica, baroque, barock,
        barroca,
        barroc, barroco, barocco, chamber music, chamber, chamber orchestra, chamber choir, chamber ensemble,
        kammermusik, musica de camara, musica de cambra, musica da camera, musique de chambre, choral, choir, chorus,
        chor, choeur, coro, boys choir, musica coral, corals, corales, gregoriano, gregoria, gregorian, gregorian
        chant, chant, plainchant, early music, musica antigua, musica antiga, medieval music, medieval, renaissance
        music, renaissance, lieder, lied, classical piano, classical guitar, classical performance, classical cello,
        classical organ, classical soprano, classical tenor, classical baritone, classical contralto, classical bass,
        classical mezzo soprano, classical countertenor, classical flute, classical oboe, classical clarinet,
        classical trumpet, classical trombone, classical horn, classical bassoon, classical harp, classical
        accordion, classical percussion, classical saxophone, classical string trio, classical piano trio, classical
        piano duo, classical piano quartet, classical era, romantic era, post romantic era, early romantic era, late
        romantic era, impressionism, serialism, spectralism, minimalism, italian baroque, piano, violin, viola, cello,
        harp, harpsichord, clavichord, organ, oboe, clarinet, bassoon, flute, recorder, lute, viola da gamba, tuba,
        trombone, trumpet, french horn, soundtrack, scorecore, musique concrete, klavier, concert band, wind
        ensemble, wind quintet, wind symphony, brass ensemble, brass quintet, percussion ensemble, military band,
        choral
        music, a cappella, cathedral choir, consort, neo classica, cantata, requiem, conductor, modern cello""",
    "world": """world, worldmusic, weltmusik, wereldmuziek, world music, world beat, musica del mundo, musicas del
        mundo, otras
        musicas
        del mundo, musica del mon, musiques del mon, musique du monde, musiques du monde, musica do mundo, musica dal
        mondo, flamenco, flamenc, flamenca, nuevo flamenco, flamenco fusion, sevillanas, pasodoble, jota, jotas,
        rumba,
        rumba catalana, rumba flamenca, rumba congolaise, afrobeat, afrobeats, afro, afropop, afro pop, afropiano,
        afroswing, amapiano, highlife, juju, fuji, apala, soukous, ndombolo, coupe decale, kuduro, funana, semba,
        morna,
        kwaito, maskandi, mbaqanga, mbube, isicathamiya, kwela, bongo flava, singeli, taarab, benga, mugithi, mbalax,
        makossa, bikutsi, chimurenga, kompa, konpa, compas, rara, zouk, gwoka, maloya, sega, gnawa, rai, chaabi,
        shaabi,
        dabke, khaleeji, mizrahi, turku, arabesk, fasil, african music, arabic music, arab, asian music, indian music,
        hindustani, carnatic, ghazal, ghazals, qawwali, sufi, bhajan, kirtan, mantra, filmi, bollywood, desi, bhangra,
        punjabi, tollywood, kollywood, mollywood, sandalwood, bhojpuri, rabindra sangeet, baila, dangdut, dangdut
        koplo,
        koplo, keroncong, campursari, gamelan, qasidah, sholawat, shalawat, nasheed, luk thung, molam, mor lam, bolero
        vietnam, enka, kayokyoku, min yo, minyo, gagaku, shakuhachi, koto, guqin, erhu, guzheng, pansori, trot, throat
        singing, tuvan, hawaiian, polynesian, powwow, native american, international music, international foreign,
        ethnic, ethnic music, musica etnica, etnica, ethno, balkan, balkan music, balkan brass, musica balcanica,
        turbofolk, turbo folk, manele, chalga, sevdah, starogradska, tamburica, klapa, rebetiko, rembetika, laiko,
        entehno, romani, gypsy, celtic, celta, celtica, celtique, keltisch, bagpipe, bagpipes, pipe band, klezmer,
        fado,
        ranchos folcloricos, tarantella, pizzica, sardana, sardanes, cobla, havaneres, copla, cancion espanola,
        mestissatge, mestizaje, oud, sitar, tabla, kora, mbira, didgeridoo, duduk, gamelan bali, sean nos, joik,
        jewish,
        judaica, cantorial, israeli, islamic, quran, kurdish, persian, iranian, azeri, mugham, uyghur, orkney
        shetland,
        tahitian, melanesian, ori, raga, veena, dhrupad, bansuri, santoor, shehnai, odia, haryanvi, rajasthani,
        garhwali, gujarati garba, garba, assamese, nepali lok, lok,
        umbanda, euskal musica""",
}  # fmt: skip

# Words around a genre that do not change which genre it is: "How much do you like rock?", "rock_score", "80s pop".
FILLER = frozenset(
    """
    music musica musicas musical musiques musique musik musikrichtung musikrichtungen musikgenre musikgenres musikstil
    musikstile genre genres genero generos genere generes generi gattung gattungen stil stile styles style estilo
    estilos estil estils kind kinds type types tipo tipos tipus sorte genere

    how what which extent degree much often frequently frequent do does did you your i me my we us our to of the a an
    in
    on for from by and or with is are was at all like likes liked liking listen listens listened listening love loves
    loved enjoy enjoys enjoyed enjoyment interest interests interested interesting appreciation appreciate feel feels
    think about prefer preferred please rate rates rating ratings rated score scores scored pref prefs preference
    preferences frequency freq taste tastes scale level levels grade mean avg pct percent percentage norm following
    would say describe indicate tell each any these those this that it overall general generally much opinion opinions
    hours hour minutes minute mins min plays played play count counts streams stream streamed times time total week
    weekly day daily month monthly per average value values points point stars star rank ranking ranks stomp stompr
    fan
    fond into find most favourite favorite favourites favorites towards toward regarding currently usually answer

    el els les los las lo la le l de del d al en una un uno y o e con que cual cuales cuanto cuanta cuantos cuantas
    te se
    tu tus su sus mi mis si es esta estas este estos os nos escala grado nivel gusto gustos gusta gustan gustas
    encanta encantan disfrutas disfruto escuchas escucho escuchar escuchais oyes sueles soler puntuacion puntua nota
    notas valoracion valora valorar valore califica calificacion frecuencia interes por para preferencia preferencias
    prefieres siguiente siguientes cada uno genero favorito favorita favoritos musicales interesa interesan opinas
    minutos
    horas veces semana dia hasta desde donde punto puntos a

    quina quin quins quines amb quant quanta quants quantes t et m per gust gustos agrada agraden agradat escoltes
    escolto
    escoltar puntuacio valoracio puntua freqencia frequencia sovint grau nivell cadascun seguents seguent preferit
    preferits preferida interessa minuts hores vegades setmana fins nota us vos aquests aquest estils dels punts

    wie sehr oft gern gerne magst mag mogen du sie ihr ihnen dir dich man ist sind der die das den dem des ein eine
    einen
    einer und oder von vom zu zum zur auf bis mit fur im am bei skala bewertung bewerte bewerten sie bitte horst hore
    horen hort gefallt gefallen vorliebe haufig haufigkeit folgende folgenden jede jeder jedes welche welcher
    musikalische
    stark interessiert interesse interessieren note punkte stunden minuten mal woche tag pro lieblingsmusik

    quel quelle quels quelles combien aimez aimes aime aimer tu vous votre vos ton ta tes je j mes ecoutez ecoutes
    ecoute
    ecouter frequence souvent point du des le un une et ou avec dans sur sont est gout gouts appreciez apprecies
    apprecie
    appreciation notez note noter evaluez evaluation chaque suivant suivants preferez prefere echelle plait plaisent
    niveau interet interesse heures fois semaine jour c qu

    quanto quanta quanti quante spesso ti vi mi piace piacciono piacere ascolti ascolta ascolto ascoltate ascoltare
    gradimento valuta valutazione voto punteggio frequenza preferenza preferenze seguenti seguente ogni ciascun
    ciascuno
    di da del della dei delle degli dal il gli i lo uno scala livello che cosa qual quale quali per con su tuo tua
    tuoi
    ami ama minuti ore volte settimana giorno

    voce gosta gosto gostas gostar gostam adora adoras ouve ouves ouvir escuta escutas frequencia quanto qual quais
    seu sua seus suas teu tua teus um uma do da dos das na nos nas em com os as ao avalie avalia avaliacao classifique
    pontuacao seguintes seguinte cada interesse minutos semana dia vezes gosto

    one two three four five six seven eight nine ten honest honestly answers uno dos tres cuatro cinco seis siete diez
    un dos quatre cinc sis set deu eins zwei drei vier funf sechs sieben zehn deux trois quatre cinq sept dix due tre
    quattro cinque sette dieci dois duas quatro dez een twee drie vijf zes zeven tien
    share shares ratio proportion fraction out select selected choose chosen check tick mark order sort below
    everyday enjoyable regularly tell given give
    using own
    indica indique marca marque medida ordena ordene segun selecciona seleccione elige elija escoge parece parecen
    agrado habitualmente normalmente son sean tanto mas general nos han estas opinion piensas apetece oir oigo
    indiqueu marqueu mesura ordeneu segons sembla semblen tria trieu seleccioneu sols soleu teva teves meva meus
    habitualment normalment en general penses sents sento escolteu valoreu cada
    ich wir euch uns mein meine deine deinen dein ihre ihren beliebt findest finden gib geben inwieweit interessierst
    lieblingsgenres lieblingsstil musikgeschmack wahle wahlen kreuze ankreuzen sortiere ordne normalerweise
    regelmassig welchen welcher platz rang rangfolge schulnote schulnoten noten zensur benotung benote so etwa
    au aux avis ce ces cette classez classe cochez coche donnez donnes indiquez indique mesure ordre par penses pensez
    pour preferes preferees favoris choisissez choisis ecouteriez habituellement en general nous notre nos mon ma mes
    apprezzi apprezza indica indicate misura musicali ordina ordinate pensi pensa preferisci preferisce preferiti
    preferita questi queste questo scegli scegliete seleziona sono abitualmente di solito in generale ne
    acha achas costumas costuma eu estes essas medida musicais numa ordene ordena ouco escuto sao selecione seleciona
    escolha marque mais habitualmente normalmente em geral este esta favoritos favoritas
    hoe hoeveel hoezeer beoordeel cijfer deze dit een het geef graag hou houdt houden ik jij je jouw uw wij kies
    favoriete lievelings leuk luister luistert luisteren mate muziek muziekgenres muziekgenre muzieksoorten
    muziekstijlen muziekstijl stijlen stijl soorten soort naar op rangorde rangschik schaal tot u uren minuten vaak
    van vind vindt vinden volgende voor wat welke en de of per week dag aan geeft bij hoor hoort horen muzikale smaak
    waardeer waardering score doorgaans meestal mening over

    contemporary contemporani contemporanea contemporaneo traditional tradicional traditionell traditionelle old new
    school incl including inc underground commercial comercial nacional internacional catala catalana espanol
    espanola eg
    g etc moderne moderna moderno modern
    """.split()
)

# Words that turn the sense of a question: a name that has one outside a legend such as "(not at all - very much)" is
# never a genre. Stems end in "*".
SENSE_TURNERS = frozenset(
    """
    no not non none never nor neither without don dont doesn doesnt didn didnt isn isnt aren arent can cannot cant won
    wont hate hates hated hating hatred dislike dislikes disliked disliking detest* despis* loath* abhor* avoid* skip*
    least less worst bad boring bored annoy* irritat* unlike unliked unfavourite unfavorite disgust* horrible terrible
    awful ugly stop ban banned block* reject* refus* ignore* ignored refrain tolerate* stand bear against anti hardly
    barely seldom
    nada nunca jamas tampoco ninguno ninguna ningun ni sin odio odias odia odian odiar odiado detesto detestas detesta
    desagrad* disgusta* menos peor peores aburr* molesta molestan asco evita evitas evito rechaz* aborre* disgusto
    mai gens cap sense odies odiar odi desagrada desagraden menys pitjor pitjors avorr* fastic evites evitar rebutj*
    nicht nichts nie niemals kein keine keinen keiner keinem ungern hass hasse hasst hassen abneigung missfallt
    missfallen schlecht schlechteste wenigsten weniger ohne nervt langweilig langweilt vermeide* ablehn* verabscheu*
    ne n pas jamais aucun aucune sans rien deteste* detestez detestes hais haissez haine moins pire pires deplait
    deplaisent ennuie* ennuyeux evitez evites horreur rejet*
    nessun nessuno nessuna mica senza odi odiate odiare detesti detestate meno peggio peggiore schifo spiace
    spiacciono
    dispiace disgusta annoia noioso eviti evita
    nao nem nenhum nenhuma sem odeio odeia odeias detesta pior piores chato desgosto evito recuso
    nie niet geen haat haten hekel vervelend nooit stom lelijk slecht slechtste minst saai nienawidze nelubim
    nenavidim ikke inte aldrig hatar hader ingen ei en
    """.split()
) - {"en", "n", "can", "bear", "ne"}
SENSE_SIGNS = "👎❌🚫💔😡🤮🤢😠✖✗✘⛔"

# What brackets behind a genre may hold beside digits, filler and genres: "Rock (1 = not at all, 5 = very much)".
LEGEND_WORDS = frozenset(
    """rarely sometimes always daily weekly monthly yearly once very really extremely strongly slightly somewhat lot
        lots
    little bit best worst highest lowest max maximum minimum min low high neutral good great ok okay fine know yes
    agree
    disagree occasionally every times per to most least 10 ie e nothing something everything total totally completely
    siempre casi veces rara vez mucho muchisimo muy poco bastante algo mejor peor maximo minimo saber mi todo
    totalmente
    sempre molt moltissim poc bastant gaire millor res quasi vegades
    immer manchmal selten sehr viel wenig etwas bestes beste schlechtestes uberhaupt gar hochste ziemlich
    toujours parfois rarement tres beaucoup peu bien mieux tout enormement assez fait
    qualche volta raramente molto poco moltissimo abbastanza tutto per niente massimo
    as vezes raramente muito pouco bastante demais maximo tudo adoro adora adore love mag piace encanta""".split()
)

# Genres that describe the genre before which they stand: "classic soul" is soul, "melodic rap" is rap.
MODIFIERS = frozenset(
    """classic classical clasico clasica classico classica melodic melodica acoustic acustica acustic urban urbano
        urbana
    tropical alternative alternativo alternativa mainstream chamber orchestral symphonic medieval gothic industrial
    psychedelic psych progressive prog minimal tribal funky drone dream noise chill lounge ambient roots celtic ethnic
    afro latin latino latina gypsy native chart folk funk country swing gospel christian traditional trad glitch
    world persian arab israeli jewish hawaiian balkan romani brazilian cubana andina desi punjabi heavy mellow piano
    """.split()
)

# Names of micro-genres that, as a column, may also ask what somebody plays.
INSTRUMENTS = frozenset(
    """guitar piano violin flute trumpet organ cello harp accordion ukulele banjo clarinet oboe saxophone trombone tuba
    drums percussion harmonica mandolin viola guitarra bateria acordeon acordeo klavier gitarre geige""".split()
)

# Names of genres that are also a question about the person; where nothing around them decides, the user is asked.
ABOUT_PERSON = (
    frozenset(
        """country house latino latina latinos latinas latinoamericana llati llatina urbano urbana urban ethnic
        ethno etnica cubana brazilian israeli jewish persian iranian arab romani gypsy hawaiian punjabi kurdish
        islamic dj choir coro chor orchestra worship""".split()
    )
    | {"latin american", "native american"}
    | INSTRUMENTS
)

# Words that no micro-genre has: a lower-case name with one of them is a question, not a genre with words before it.
NOT_A_QUALIFIER = frozenset(
    """
    age ages sex gender name names id number numbers date birth born city town street address email phone height
    weight
    size sizes shoe shoes income salary job work works worked working occupation education degree married children
    kids
    has have had having own owns owned buy buys bought sell sold spend spent money price cost costs euro euros paid
    pay
    concert concerts gig gigs attend attended attending attendance went go goes going visit visits visited ticket
    tickets
    festival festivals album albums cd cds vinyl record records song songs track tracks artist artists band bands
    singer
    singers player players teacher lesson lessons class classes course courses study studied studies studying practise
    practice practising practicing learn learned learning year years months days since when where who why whose ever
    still also only too maybe perhaps sometimes brother sister mother father friend friends family wife husband
    partner
    parents child he she they his her their him them it its myself yourself people person everyone nobody someone
    video
    game games movie movies film films climbing detector radio tv television show shows dancing sing sings singing
    plays
    instrument instruments guitar drums hit hits number favourite favorite fav last first second third next previous
    watch watched read reads reading write writes writing hear hears heard know knows known use used uses using tried
    try
    want wants need needs got get gets give gives gave make makes made become help helps tired sick kind sorry thing
    edad sexo genero nombre apellido ciudad pueblo pais anos ano meses concierto conciertos entrada entradas disco
    discos
    cancion canciones grupo grupos cantante cantantes curso cursos clase clases trabajo estudios tienes tengo tiene
    vas voy
    edat sexe nom cognom ciutat poble anys any mesos concert entrada disc discos canco cancons grup grups cantant tens
    alter geschlecht stadt land jahre jahr konzert konzerte lied lieblings sanger schuhe beruf hast habe hat gehst
    warst
    age sexe prenom nom ville pays ans annee annees concerts chansons groupe groupes chanteur avez as ai etes metier
    eta sesso nome cognome citta paese anni anno concerti canzone canzoni gruppo gruppi cantante hai ho sei lavoro
    idade nome sobrenome cidade anos ano shows musicas banda grupos cantor tem tenho tens trabalho
    """.split()
)

# Words that say where or how a genre is played, and so may stand before its name.
QUALIFIERS = frozenset(
    """
    african albanian algerian american andean angolan arab arabic argentine argentinian armenian asian australian
    aussie
    austrian azerbaijani azeri bahamian balinese balkan baltic bangla bangladeshi basque bavarian belarusian belgian
    belizean bengali beninese bhutanese bolivian bosnian botswana brazilian british bulgarian burmese cambodian
    cameroonian canadian cantonese cape verdean caribbean catalan caucasian chechen chilean chinese colombian
    congolese
    corsican costa rican croatian cuban cypriot czech danish dominican dutch ecuadorian egyptian english eritrean
    estonian ethiopian european faroese fijian filipino finnish flemish french frisian galician georgian german
    ghanaian
    greek greenlandic guatemalan guinean haitian hebrew hindi hispanic honduran hungarian icelandic indian indonesian
    iranian iraqi irish israeli italian ivorian jamaican japanese javanese jordanian kannada kazakh kenyan khmer
    korean
    kosovan kurdish kyrgyz lao laotian latvian lebanese liberian libyan lithuanian luxembourgian macedonian malagasy
    malawian malay malayalam malaysian malian maltese mandarin maori marathi mauritian mexican moldovan mongolian
    montenegrin moroccan mozambican namibian nepali new zealand nz nicaraguan nigerian nordic norwegian pakistani
    palestinian panamanian paraguayan persian peruvian pinoy polish portuguese puerto rican punjabi quebec quebecois
    romanian russian rwandan salvadoran samoan sardinian scandinavian scottish senegalese serbian sicilian singaporean
    sinhala slavic slovak slovenian slovene somali south north east west african spanish sri lankan sudanese swedish
    swiss syrian taiwanese tamil tanzanian telugu thai tibetan tongan trinidadian tunisian turkish turkmen ugandan
    ukrainian uruguayan uzbek venezuelan vietnamese viet welsh yemeni yiddish yugoslav zambian zimbabwean zulu uk us
    usa
    la nyc philly brooklyn london berlin paris chicago detroit boston texas california nashville memphis atlanta miami
    florida georgia ohio seattle portland austin toronto montreal manchester liverpool glasgow dublin melbourne sydney
    tokyo seoul barcelona madrid bristol brighton leeds sheffield milan roma oslo stockholm

    alternative abstract acid acoustic african afro ancient anarcho angry art atmospheric autonomous avant bass
    bedroom
    big black brutal bubblegum chamber chaotic children chill christian christmas classic club cold comedy
    contemporary
    conscious cosmic country crossover dance dark death deep dirty dream drone early eastern electric electro ethereal
    euro experimental fast female field freak free funky fusion future gamer gangster garage gay gothic groove hard
    happy hardcore heavy holiday hot indie industrial instrumental jazz kawaii latin light live lo local lullaby
    mainstream
    mellow melodic melancholic military minimal minimalist modern mood mystical neo new noise nordic nu old orchestral
    organic outlaw pagan party philosophical piano political popular post power progressive proto psychedelic pure
    queer
    ranch raw real retro rhythmic ritual romantic root roots rural sacred sad sexy shimmer slow smooth soft solo
    southern
    space spiritual street sunset super surf symphonic synth teen technical trad traditional tribal trippy tropical
    true
    ultra underground uplifting urban vapor vegan vintage viral viking vocal warm wave western women workout world
    young

    """.split()
)

# Adjectives that stand behind a genre in Romance languages: "rock catala", "pop brasileiro".
ROMANCE_QUALIFIERS = frozenset(
    """
    espanol espanola castellano catala catalana andaluz gallego galego vasco euskal mexicano mexicana argentino
    argentina
    chileno chilena chilen colombiano colombiana peruano peruana venezolano venezolana uruguayo uruguaya cubano cubana
    boliviano boliviana ecuatoriano ecuatoriana paraguayo paraguaya panameno panamena dominicano dominicana boricua
    brasileiro brasileira portugues portuguesa italiano italiana francais francaise frances francesa quebecois belge
    suisse aleman alemana ingles inglesa latino latina latinoamericano latinoamericana nacional regional local urbano
    urbana alternativo alternativa alternatif electronico electronica melodico melodica acustico acustica clasico
    clasica psicodelico psicodelica progresivo progresiva gotico gotica cristiano cristiana cristao crista catolico
    catolica infantil infantiles popular poblana villera santafesina romantico romantica viejo vieja antiguo antigua
    nuevo nueva tradicional moderno moderna independiente independente flamenca napoletana napoletano paulista gaucha
    gaucho nordestino nordestina mineira mineiro baiano baiana carioca evangelico evangelica gospel en do de del da
    tumbado tumbados belico sad sinaloense norteno norteno sierreno pesado duro dur suave lento clasica instrumental
    """.split()
)

# Heads of micro-genres, which alone are no genre: "tibetan traditional", "australian talent show".
HEADS: dict[str, str] = {
    phrase.strip(): genre
    for genre, text in {
        "pop": "talent show, idol, boy bands, singing, lullaby, pop group, talentkonkurranse",
        "rock": "rock revival, mod revival, blues rock, rock band, guitar rock, pop rock, beat",
        "electronic": """remix, experimental, mix, power electronics, hard bass, new age, meditation, sleep, calming,
            relaxative, healing, binaural, brain waves, spa, bass, psychill, psydub, eurobeat, bounce, full on,
            clubbing,
            tek, edits, nightcore, soundscape, soundscapes, dronescape, drones, hardbass, electra, mashup""",
        "hiphop": "urban, urban groove, mcs, cypher, freestyle, hip hop beats, beats, rappers",
        "latin": "tamborazo, musica afroperuana, baile, rumba, carnaval, calypso latino, pasillo, vals",
        "soul": "worship, lovsang, lobpreis, gospel choir, hymns, praise, groove, devotional, christian, catholic",
        "jazz": "jazz revival, guitar blues, rhythm and boogie, boogie, brass",
        "folk": """singer songwriter, cowboy, outlaw, roots, ballads, americana, stringband, harmonica, folk revival,
            accordion, accordeon, dulcimer, autoharp, guitarra, bard, mandolin, trekkspill, slack key guitar, alphorn,
            muziek, musik, musikk, muzica, musica, ukulele, villancicos, guitar, gaita, fingerstyle, hammered
                dulcimer, bagpipe, ballad""",
        "classical": """modernism, ensemble, quartetto d archi, art song, ars subtilior, baritone, soprano, tenor, mezzo
            soprano, contralto, countertenor, romanticism, romantic, philharmonie, string, composition, renaissance,
            score, drama ost, ost, scores, pianissimo, polyphonic, percussion, chorale, vocal ensemble""",
        "world": """traditional, polyphony, maghreb, griot, naat, kundalini, kantele, lezginka, canto a tenore, chants,
            gana, tribal, ancient, xhosa, gospel africain, qanun, santur, zither, mulatos, narodna muzika, sangeet,
            geet, marathi, telugu, tamil, kannada, malayalam, hindi, bengali, classical indian, indigena""",
    }.items()
    for phrase in text.split(",")
}  # fmt: skip
HEADS = {" ".join(phrase.split()): genre for phrase, genre in HEADS.items()}

# Heads behind which any word may stand in a micro-genre, since no word of another subject begins with them.
OPEN_HEADS = frozenset("rap indie reggae techno trap cumbia forro reggaeton flamenco fado ska folklore".split())

# Endings of one word that are a genre of their own: "chillhop", "dreamgaze".
ENDINGS = {
    "step": "electronic",
    "tronica": "electronic",
    "techno": "electronic",
    "trance": "electronic",
    "wave": "electronic",
    "hop": "hiphop",
    "gaze": "indie",
    "indie": "indie",
    "metal": "metal",
    "billy": "rock",
    "cumbia": "latin",
    "beats": "hiphop",
    "reggae": "reggae",
    "jazz": "jazz",
    "tek": "electronic",
    "tekno": "electronic",
    "noise": "electronic",
    "folk": "folk",
    "chill": "electronic",
    "scape": "electronic",
    "dub": "reggae",
}
