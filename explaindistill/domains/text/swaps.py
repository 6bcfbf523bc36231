"""Pairs of words that say much the same of another person: gender, names, dialect. English.

Lists are short on purpose: each pair stands in either text without breaking it. Names are of the kind that studies of
callbacks use (Bertrand and Mullainathan 2004, doi:10.1257/0002828042002561), the pairs are our own.
Users may give other pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["SWAPS", "Pair", "is_pairs"]

Pair = tuple[str, str]

GENDER: tuple[Pair, ...] = (
    ("he", "she"), ("him", "her"), ("his", "her"), ("himself", "herself"), ("he's", "she's"), ("he'd", "she'd"),
    ("he'll", "she'll"), ("man", "woman"), ("men", "women"), ("man's", "woman's"), ("boy", "girl"), ("boys", "girls"),
    ("father", "mother"), ("fathers", "mothers"), ("dad", "mom"), ("son", "daughter"), ("sons", "daughters"),
    ("brother", "sister"), ("brothers", "sisters"), ("husband", "wife"), ("husbands", "wives"), ("uncle", "aunt"),
    ("nephew", "niece"), ("grandfather", "grandmother"), ("grandpa", "grandma"), ("boyfriend", "girlfriend"),
    ("king", "queen"), ("prince", "princess"), ("actor", "actress"), ("actors", "actresses"), ("hero", "heroine"),
    ("waiter", "waitress"), ("gentleman", "lady"), ("gentlemen", "ladies"), ("guy", "gal"), ("sir", "madam"),
    ("mr", "ms"), ("male", "female"), ("males", "females"), ("masculine", "feminine"), ("chairman", "chairwoman"),
    ("policeman", "policewoman"), ("businessman", "businesswoman"), ("bachelor", "spinster"), ("widower", "widow"),
    ("groom", "bride"), ("host", "hostess"), ("stepfather", "stepmother"), ("grandson", "granddaughter"),
)  # fmt: skip
NAMES: tuple[Pair, ...] = (
    ("emily", "lakisha"), ("anne", "tamika"), ("jill", "ebony"), ("allison", "aisha"), ("laurie", "keisha"),
    ("sarah", "latoya"), ("meredith", "shanice"), ("carrie", "kenya"), ("kristen", "latonya"), ("claire", "imani"),
    ("greg", "jamal"), ("todd", "darnell"), ("neil", "tyrone"), ("geoffrey", "kareem"), ("brett", "rasheed"),
    ("brendan", "hakim"), ("matthew", "jermaine"), ("jay", "leroy"), ("brad", "deshawn"), ("connor", "malik"),
    ("jake", "muhammad"), ("hannah", "fatima"), ("peter", "ahmed"), ("susan", "leila"), ("paul", "omar"),
    ("john", "juan"), ("michael", "miguel"), ("mary", "maria"), ("george", "jorge"), ("james", "jaime"),
    ("david", "wei"), ("lisa", "mei"), ("kevin", "hiroshi"), ("laura", "priya"), ("robert", "raj"),
)  # fmt: skip
DIALECT: tuple[Pair, ...] = (
    ("isn't", "ain't"), ("aren't", "ain't"), ("going to", "gonna"), ("want to", "wanna"), ("got to", "gotta"),
    ("have to", "hafta"), ("kind of", "kinda"), ("sort of", "sorta"), ("out of", "outta"), ("give me", "gimme"),
    ("let me", "lemme"), ("don't know", "dunno"), ("you all", "y'all"), ("about to", "finna"),
    ("brother", "bro"), ("though", "tho"), ("nothing", "nothin"), ("something", "somethin"),
    ("doing", "doin"), ("making", "makin"), ("going", "goin"), ("trying", "tryin"), ("talking", "talkin"),
)  # fmt: skip
SWAPS: Mapping[str, tuple[Pair, ...]] = {"gender": GENDER, "names": NAMES, "dialect": DIALECT}
"""Pairs by the name of the edit."""


def is_pairs(value: object) -> bool:
    """Whether it is a list of pairs of words.

    Examples
    --------
    >>> is_pairs([("he", "she")]), is_pairs(["he", "she"]), is_pairs([("he", "")])
    (True, False, False)
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        return False
    return all(
        isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(w, str) and w.strip() for w in pair)
        for pair in value
    )
