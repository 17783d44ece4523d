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
from tasks.world.spec import VERSION, WorldSpec

PAIRS: Final = tuple(itertools.combinations(TYPES, 2))


# An invented name should not read as a word, a known name or an insult.
_AVOID: Final = frozenset(
    listed(
        """
        babe bade bake bale bali bane bare base bate bide bike bile bite bode bole bone bore bozo
        dado dale dame dane dare data date dave daze deli demo desi deva dike dima dime dina dine
        dino dire diva dive dodo doge dole dome done dope dora dose dote doze dude duke dune dupe
        fade fake fame fare fate faze fete fido fifa fife fila file fina fine fire five fume fuse
        gaga gala gale game gape gate gave gaza gaze gene giga gina give gone gore kale kama kani
        kate kiki kilo kite kobe kobo lada lake lama lame lana lane lari late lava laze lego lena
        lido life like lili lima lime limo line lira lisa lite live lobe logo lola lone lope lore
        lose love lube luge luke lulu luna lure lute made make male mali mama mane mare mari mate
        maya maze mega meme memo menu mere mesa mete mica mike mile mime mimi mina mine mini mire
        mite mode mole mona mono mope more mote move mule muse mute nada name nana nape nato nave
        nero nike nile nina nine node none nope nora nori nose note nova nude nuke pale pane papa
        pare pate pato pave pedo pepe peru peso pete pike pile pine pipe pipi pisa pita poke pole
        polo pope popo pore pose puke puma pupa pure raga rage rake rare rate rave raze ride rife
        rile ripe rise rita rite robe rode role roma rome rope rosa rose rota rote rove rude rule
        rune ruse sade sado safe saga sage sake sale same sami samo sane sara sari sate save sega
        side sima sine sire site size soda sofa sole solo some sore sumo sure take tale tame tape
        tare taro tate tati tide tile time tina tine tire tito tivo tofu toga togo toke tome tone
        tore tote toto tuba tube tuna tune tutu vale vane vase vega vera veto vibe vile vine visa
        vise vito viva vole vote zara zeke zero zeta zine ziti zola zone zulu zuni
        """
    )
)
_AVOID_STARTS: Final = listed("dag fag fuk kak kik kok kum naz neg nig pak pis pus put rap tit")


@dataclass(frozen=True)
class World:
    """One draw of the world's names; `spec` is what it was drawn from.

    `seen` names and words may occur in training labels, `held_out` ones only in the corpus and
    in dev and test. Polarity words are listed by label: negative, positive.
    """

    spec: WorldSpec
    seen: Mapping[str, tuple[str, ...]]
    held_out: Mapping[str, tuple[str, ...]]
    ambiguous: Mapping[tuple[str, str], tuple[str, ...]]
    seen_polarity: tuple[tuple[str, ...], tuple[str, ...]]
    held_out_polarity: tuple[tuple[str, ...], tuple[str, ...]]


@functools.cache
def world(seed: int, spec: WorldSpec) -> World:
    """The world of a data seed."""
    per_type, per_pair = spec.names_per_type, spec.ambiguous_per_pair
    total = len(TYPES) * per_type + len(PAIRS) * per_pair
    drawn = iter(distinct(stream("world", VERSION, seed, "names").pick, _candidates(), total))
    unambiguous = {kind: tuple(itertools.islice(drawn, per_type)) for kind in TYPES}
    cut = round(spec.seen_names * per_type)
    draw = stream("world", VERSION, seed, "polarity").pick
    polarity = [distinct(draw, words, len(words)) for words in (NEGATIVE, POSITIVE)]
    bad, good = polarity
    seen = round(spec.seen_polarity * len(bad))
    return World(
        spec=spec,
        seen={kind: names[:cut] for kind, names in unambiguous.items()},
        held_out={kind: names[cut:] for kind, names in unambiguous.items()},
        ambiguous={pair: tuple(itertools.islice(drawn, per_pair)) for pair in PAIRS},
        seen_polarity=(bad[:seen], good[:seen]),
        held_out_polarity=(bad[seen:], good[seen:]),
    )


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
