#!/usr/bin/env python3
"""Writes values and what an independent implementation says of them, for the program's own checks to be held against.

    tests/oracle/oracle.py OUT.tsv [NAME…]     # only the named checks, when names are given

Each line is `name<TAB>text<TAB>0|1`. Without a point the name is a check, and 1 means that the whole text passes it.
With a point it is a detector, and 1 means that the text, written behind one of the detector's own keywords, is found.
A line break in a text is written `\\n`. The same seed gives the same file.

The entries are in one file a region; each says of one check how a value of the right shape is made and who judges it.
"""
import dataclasses, importlib, random, sys
from typing import Callable, Optional

REGIONS = ["europe", "world", "payment"]
VALUES = 3000  # per check, and per detector a third of it


def as_is(rng, text):
    return text


@dataclasses.dataclass
class Entry:
    check: str  # the name that packs use
    judge: Callable[[str], bool]  # says whether a text passes; never this project's own code
    # A value of the right shape, without separators. At least one in 500 should be valid, better one in 10: dates and
    # areas drawn plausible, check digits random; where several check digits make that rare, complete them here.
    make: Callable[[random.Random], str]
    # The value in a form that people write: separators, lower case. Its result is judged as it stands.
    spell: Callable[[random.Random, str], str] = as_is
    detector: Optional[str] = None  # the detector that uses the check, if its values are to be found in a sentence
    # What the detector wants beyond the check (other validators, invalidators): says which texts it finds.
    finds: Optional[Callable[[str], bool]] = None
    # Several forms of one number can need several entries: their lines are simply added up.


def stdnum(module):
    """The validity function of a module of python-stdnum: `stdnum("pl.pesel")`."""
    return importlib.import_module("stdnum." + module).is_valid


def digits(rng, count):
    return "".join(rng.choice("0123456789") for _ in range(count))


def letters(rng, count, among="ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
    return "".join(rng.choice(among) for _ in range(count))


def date(rng, first=1920, last=2015):
    """Year, month and day, of which one in fifty is no day of the calendar."""
    return rng.randint(first, last), rng.randint(1, 12), rng.choice([29, 30, 31] + [rng.randint(1, 28)] * 8)


def grouped(text, *sizes, by=" "):
    """`text` cut into groups: grouped("36574261809", 2, 3, 3, 3) is "36 574 261 809"."""
    out, at = [], 0
    for size in sizes:
        out.append(text[at : at + size])
        at += size
    assert at == len(text), f"{text!r} is not {sum(sizes)} long"
    return by.join(out)


def one_of(rng, *spellings):
    """Chooses a spelling; the first, bare one, as often as all others together."""
    return spellings[0] if rng.random() < 0.5 else rng.choice(spellings)


def near_miss(rng, text):
    """One digit or letter changed, or two neighbours of one kind swapped: the shape stays."""
    places = [i for i, c in enumerate(text) if c.isascii() and c.isalnum()]
    if rng.random() < 0.3:
        pairs = [
            (i, j)
            for i, j in zip(places, places[1:])
            if text[i] != text[j] and text[i].isdigit() == text[j].isdigit()
        ]
        if pairs:
            i, j = rng.choice(pairs)
            swapped = list(text)
            swapped[i], swapped[j] = swapped[j], swapped[i]
            return "".join(swapped)
    i = rng.choice(places)
    kind = "0123456789" if text[i].isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    other = rng.choice([c for c in kind if c != text[i].upper()])
    return text[:i] + (other.lower() if text[i].islower() else other) + text[i + 1 :]


def values(entry, count):
    """A third valid, a third one step from valid, a third drawn by shape alone."""
    rng = random.Random(f"{entry.check} {entry.detector}")
    valid, drawn, tries = [], [], 0
    while len(valid) < count // 3:
        tries += 1
        if tries > 2_000 * count:
            raise SystemExit(f"{entry.check}: {len(valid)} valid values in {tries} tries; complete them in `make`")
        plain = entry.make(rng)
        text = entry.spell(rng, plain)
        if entry.judge(text):
            valid.append(text)
        elif len(drawn) < count // 3:
            drawn.append(text)
    while len(drawn) < count // 3:
        drawn.append(entry.spell(rng, entry.make(rng)))
    near = [near_miss(rng, rng.choice(valid)) for _ in range(count // 3)]
    return valid + near + drawn


def lines(entry):
    for text in values(entry, VALUES):
        yield entry.check, text, entry.judge(text)
    if entry.detector:
        finds = entry.finds or (lambda text: entry.judge(text) and not all_same(text))
        for text in values(entry, VALUES // 3):
            yield entry.detector, text, finds(text)


def all_same(text):
    return len({c for c in text.upper() if c.isalnum()}) == 1


def main():
    out, only = sys.argv[1], set(sys.argv[2:])
    modules = [importlib.import_module(region) for region in REGIONS]
    entries = [e for m in modules for e in m.ENTRIES if not only or {e.check, e.detector} & only]
    with open(out, "w", encoding="utf-8") as file:
        for entry in entries:
            for name, text, answer in lines(entry):
                file.write("\t".join([name, text.replace("\n", "\\n"), str(int(bool(answer)))]) + "\n")
    print(f"{len({e.check for e in entries})} checks, {len({e.detector for e in entries} - {None})} detectors: {out}")


if __name__ == "__main__":
    sys.modules["oracle"] = sys.modules["__main__"]
    main()
