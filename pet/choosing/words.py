"""Words of the pets' sentences in English, Spanish and Catalan."""

SENTENCES = {
    "en": {
        "favourites": "You like {genres} most, so your pet wears: {worn}.",
        "everything": "You like a little of everything, and so does your pet: {worn}.",
        "nothing": "None of this music is for you, and your pet says so: {worn}.",
        "more": "One point more for {genre}, and it would wear: {worn}.",
        "neighbours": "chosen by KNN, k = {k}",
        "and": "and",
        "and_before_i": "and",
    },
    "es": {
        "favourites": "Lo que más te gusta es {genres}; por eso tu mascota lleva: {worn}.",
        "everything": "Te gusta un poco de todo, y a tu mascota también: {worn}.",
        "nothing": "Nada de esta música es para ti, y tu mascota lo dice: {worn}.",
        "more": "Con un punto más de {genre} llevaría: {worn}.",
        "neighbours": "elegida por KNN, k = {k}",
        "and": "y",
        "and_before_i": "e",
    },
    "ca": {
        "favourites": "El que més t'agrada és {genres}; per això la teva mascota porta: {worn}.",
        "everything": "T'agrada una mica de tot, i a la teva mascota també: {worn}.",
        "nothing": "Res d'aquesta música és per a tu, i la teva mascota ho diu: {worn}.",
        "more": "Amb un punt més de {genre} portaria: {worn}.",
        "neighbours": "triada per KNN, k = {k}",
        "and": "i",
        "and_before_i": "i",
    },
}


def _table(text: str) -> dict[str, dict[str, str]]:
    """Lines of "key | Spanish | Catalan"."""
    rows = (tuple(cell.strip() for cell in line.split("|")) for line in text.strip().splitlines())
    return {key: {"en": key, "es": spanish, "ca": catalan} for key, spanish, catalan in rows}


GENRE_WORDS = {
    key: words | {"en": english}
    for (key, words), english in zip(
        _table("""
            pop | pop | pop
            rock | rock | rock
            indie | indie | indie
            metal | metal | metal
            punk | punk | punk
            electronic | electrónica | electrònica
            hiphop | hip-hop | hip-hop
            latin | música latina | música llatina
            reggae | reggae y ska | reggae i ska
            soul | soul y funk | soul i funk
            jazz | jazz y blues | jazz i blues
            folk | folk y country | folk i country
            classical | música clásica | música clàssica
            world | músicas del mundo | músiques del món
            """).items(),
        "pop|rock|indie|metal|punk|electronic|hip-hop|Latin|reggae & ska|soul & funk|jazz & blues|folk & country|"
        "classical music|world music".split("|"),
        strict=True,
    )
}

ACCESSORY_WORDS = _table("""
    Cowboy hat | sombrero vaquero | barret de cowboy
    DJ headphones | auriculares de DJ | auriculars de DJ
    Earmuffs | orejeras | orelleres
    Flamenco comb | peineta | pinta flamenca
    Flower crown | corona de flores | corona de flors
    Horned helmet | casco con cuernos | casc amb banyes
    Knit beanie | gorro de lana | gorra de llana
    Maracas headband | diadema de maracas | diadema de maraques
    Mohawk | cresta | cresta
    Neon bucket hat | gorro de neón | barret de neó
    Badge beret | boina con chapas | boina amb xapes
    Pop bow | lazo pop | llaç pop
    Porkpie hat | sombrero porkpie | barret porkpie
    Powdered wig | peluca empolvada | perruca empolvada
    Propeller cap | gorra de hélice | gorra d'hèlix
    Rocker top hat | chistera rockera | barret de copa rocker
    Snapback cap | gorra plana | gorra plana
    Vinyl and comb | vinilo y peine | vinil i pinta
    Battle vest | chaleco de parches | armilla de pegats
    Biker jacket | cazadora de cuero | jaqueta de cuir
    Checker braces | tirantes de cuadros | elàstics de quadres
    Disco suit | traje disco | vestit disco
    Electric guitar | guitarra eléctrica | guitarra elèctrica
    Equaliser T-shirt | camiseta con ecualizador | samarreta amb equalitzador
    Flamenco shawl | mantón flamenco | mantó flamenc
    Fringe vest | chaleco de flecos | armilla de serrells
    Gold chain | cadena de oro | cadena d'or
    Guayabera | guayabera | guaiabera
    Knit cardigan | cárdigan de punto | càrdigan de punt
    Rainbow T-shirt | camiseta arcoíris | samarreta de l'arc de Sant Martí
    Saxophone | saxofón | saxofon
    Sequin jacket | chaqueta de lentejuelas | jaqueta de lluentons
    Silence T-shirt | camiseta del silencio | samarreta del silenci
    Studded collar | collar de pinchos | collar de punxes
    Tailcoat | frac | frac
    Tie-dye T-shirt | camiseta de colores | samarreta de colors
    Guitar shades | gafas de guitarra | ulleres de guitarra
    Corpse paint | maquillaje blanco y negro | maquillatge blanc i negre
    Diamond shades | gafas de diamantes | ulleres de diamants
    Disco glasses | gafas disco | ulleres disco
    Festival gems | brillos de festival | brillants de festival
    Heart sunglasses | gafas de corazón | ulleres de cor
    Horn rims and moustache | gafas de pasta y bigote | ulleres de pasta i bigoti
    Jazz shades | gafas de jazz | ulleres de jazz
    Lightning bolt | rayo | llamp
    Monocle | monóculo | monocle
    Punk piercings | piercings | pírcings
    Rainbow glasses | gafas arcoíris | ulleres de l'arc de Sant Martí
    Rave visor | visera rave | visera rave
    Red rose | rosa roja | rosa vermella
    Reggae shades | gafas reggae | ulleres reggae
    Sleep mask | antifaz para dormir | antifaç per dormir
    Star glasses | gafas de estrella | ulleres d'estrella
    Globe | globo terráqueo | globus terraqüi
    Disco ball | bola de discoteca | bola de discoteca
    Trilby | sombrero trilby | barret trilby
    Sheet music crown | corona de partitura | corona de partitura
    Sound system | altavoz | altaveu
    Bongos | bongós | bongos
    Bubble gum | pompa de chicle | bombolla de xiclet
    Harmonica | armónica | harmònica
    Pan flute | flauta de Pan | flauta de Pan
    Checker glasses | gafas de cuadros | ulleres de quadres
    Gold teeth | dientes de oro | dents d'or
    Silver flute | flauta travesera | flauta travessera
    Acoustic guitar | guitarra acústica | guitarra acústica
    Violin | violín | violí
    Congas | congas | congues
    Boombox | radiocasete | radiocasset
    Synth keyboard | sintetizador | sintetitzador
    Djembe | yembé | djembé
    Wheat stalk | espiga de trigo | espiga de blat
    """)
