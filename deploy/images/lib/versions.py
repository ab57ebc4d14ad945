"""Debian's order of versions (deb-version(7)), without needing dpkg."""

import re
from functools import cmp_to_key


def _weight(character):
    """`~` sorts before the end of the string, letters before everything else."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def _compare_part(left, right):
    while left or right:
        texts = [re.match(r"\D*", part).group() for part in (left, right)]
        weights = [[_weight(c) for c in text] + [0] for text in texts]
        if weights[0] != weights[1]:
            return -1 if weights[0] < weights[1] else 1
        left, right = left[len(texts[0]):], right[len(texts[1]):]
        numbers = [re.match(r"\d*", part).group() for part in (left, right)]
        values = [int(number or 0) for number in numbers]
        if values[0] != values[1]:
            return -1 if values[0] < values[1] else 1
        left, right = left[len(numbers[0]):], right[len(numbers[1]):]
    return 0


def _split(version):
    epoch, _, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch or 0), upstream, revision


def compare(left, right):
    """Negative, zero or positive, as `dpkg --compare-versions` would have it."""
    (epoch, upstream, revision), (other_epoch, other_upstream, other_revision) = _split(left), _split(right)
    if epoch != other_epoch:
        return epoch - other_epoch
    return _compare_part(upstream, other_upstream) or _compare_part(revision, other_revision)


key = cmp_to_key(compare)


def upstream(version):
    """The program's own version: no epoch, no Debian revision, no repacking suffix."""
    return re.sub(r"[+~](dfsg|ds|deb|really).*$", "", _split(version)[1])
