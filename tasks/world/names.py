"""The names of one world: which invented names there are, of which type, and who may see them.

The draw depends on the data seed, and so does which polarity words stay out of training labels.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tasks.world.chance import distinct, stream
from tasks.world.lexicon import FIRST_PIECES, LAST_PIECES, NEGATIVE, POSITIVE, TYPES, listed
from tasks.world.spec import VERSION, Weights, WorldSpec

PAIRS: Final = tuple(itertools.combinations(TYPES, 2))


# An invented name should not read as a word, a known name or an insult.
_AVOID: Final = frozenset(
    listed(
        """
        baba babe bade baka bake bale bali bane bare base bate beba bebe beta bide bike bile bimo
        bino bite boba bobo bode bole bolo bone bono bora bore bozo bubi buda dada dado dale dali
        dame dane dare data date dave daze debi deli demo deni desi deva dido dike dima dime dina
        dine dino dire diva dive dodi dodo doge dole dome dona done dope dora dori dosa dose dote
        dove doze duce dude duke dune dupe dura fade fado fake fame fare faro fate fava faze feta
        fete fido fifa fife fifi fifo figo fila file fina fine fini fire five fufu fula fume fuse
        gabi gaga gala gale game gape gate gato gave gaza gaze gene giga gigi gina gino gipi gipo
        giro give gobi goku gone gore goto guru homo kale kali kama kani kara kata kate kava kiki
        kilo kira kite kobe kobi kobo kofi kola koma kuba kuku lada lake lala lama lame lana lane
        lani lara lari late lava laze leda lego lena leno leta levi lido life liga like lila lili
        lilo lima lime limo line lino lira lisa lite live liza lobe logo loki lola lolo lome lone
        lope lore lori lose loto love lube luge luka luke lulu luna lupe lure lute made magi make
        mako male mali mama mana mane mani manu mare mari mate maya maze mega meme memo menu mere
        mesa mete mica midi mika mike miki mila mile milo mime mimi mina mine mini mira mire miso
        mite mode mole momo mona mono mope more mote moto move mule musa muse mute muti nada name
        nami nana nani nape nato nave nemo nene nero nico nike niki nile nina nine nino node noma
        nona none nope nora nori nose note nova novo nude nuke nuno pale pane papa para pare pate
        pato pave pedo pele peni pepe peri peru peso peta pete pika pike pile pine pino pipe pipi
        pisa pita poke pole polo poni pope popo pore pose puke puma pupa pupu pure puta rabi rafa
        raga rage ragu rake raki rama rani rare rate rave ravi raze redo remi remo rene reno ride
        rife riga rile rima ripe rise rita rite robe rode role roma rome roni rope rosa rose rosi
        rota rote roti rove rude rudi rule rune ruse ruta sade sado safe saga sage sago sake saki
        sala sale same sami samo samu sane sano sara sari sate sati save sega seni sida side silo
        sima sina sine sino sire sita site siva size soda sofa sofi sola sole solo soma some soni
        sore soto sudo suki sumo sure susi suva suzi tabu take tale tali tame tana tape tara tare
        taro tata tate tati teri tesa teta tete tide tiki tile time timo tina tine tino tipi tire
        titi tito tivo todo tofu toga togo toke tome tone toni tore tori toro tote toto tuba tube
        tuna tune tutu vada vale vane vani vasa vase veda vega vela veni vera vero veto vibe vida
        vile vine vino visa vise vita vito viva vivi vivo vodu vole vote zara zaza zeke zero zeta
        zika zina zine zita ziti zola zone zora zulu zuma zumo zuni zuzu
        """
    )
)
_AVOID_STARTS: Final = listed("dag fag fuk kak kik kok kum naz neg nig pak pis pus put rap tit")


@dataclass(frozen=True)
class World:
    """One draw of the world's names; `spec` is what it was drawn from.

    `seen` names and words may occur in training labels, `held_out` ones only in the corpus and
    in dev and test. Polarity words are listed by label: negative, positive. `record_names` are
    all others that can be built, by the split whose records they may name; unlabelled text
    uses those of the training split.
    """

    spec: WorldSpec
    seen: Mapping[str, tuple[str, ...]]
    held_out: Mapping[str, tuple[str, ...]]
    ambiguous: Mapping[tuple[str, str], tuple[str, ...]]
    seen_polarity: tuple[tuple[str, ...], tuple[str, ...]]
    held_out_polarity: tuple[tuple[str, ...], tuple[str, ...]]
    record_names: Mapping[str, tuple[str, ...]]


@functools.cache
def world(seed: int, spec: WorldSpec) -> World:
    """The world of a data seed."""
    per_type, per_pair = spec.names_per_type, spec.ambiguous_per_pair
    there = _candidates()
    drawn = iter(distinct(stream("world", VERSION, seed, "names").pick, there, len(there)))
    unambiguous = {kind: tuple(itertools.islice(drawn, per_type)) for kind in TYPES}
    cut = round(spec.seen_names * per_type)
    draw = stream("world", VERSION, seed, "polarity").pick
    polarity = [distinct(draw, words, len(words)) for words in (NEGATIVE, POSITIVE)]
    bad, good = polarity
    seen = round(spec.seen_polarity * len(bad))
    ambiguous = {pair: tuple(itertools.islice(drawn, per_pair)) for pair in PAIRS}
    return World(
        spec=spec,
        seen={kind: names[:cut] for kind, names in unambiguous.items()},
        held_out={kind: names[cut:] for kind, names in unambiguous.items()},
        ambiguous=ambiguous,
        seen_polarity=(bad[:seen], good[:seen]),
        held_out_polarity=(bad[seen:], good[seen:]),
        record_names=_shared_out(tuple(drawn), spec.record_names),
    )


def _shared_out(names: tuple[str, ...], shares: Weights) -> dict[str, tuple[str, ...]]:
    """The names in consecutive parts of about the given shares."""
    total, reached, start = sum(share for _, share in shares), 0.0, 0
    parts = {}
    for part, share in shares:
        reached += share
        end = round(len(names) * reached / total)
        parts[part] = names[start:end]
        start = end
    return parts


def _candidates() -> tuple[str, ...]:
    """Every name that may be drawn."""
    names = (
        first + last.removeprefix("##")
        for first, last in itertools.product(FIRST_PIECES, LAST_PIECES)
    )
    return tuple(
        name
        for name in names
        if name.lower() not in _AVOID and not name.lower().startswith(_AVOID_STARTS)
    )
