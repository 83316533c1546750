"""Normal JSON, and the shapes of what is in it."""

import json
import re
from decimal import Decimal
from json.encoder import encode_basestring as quote

SAFE_MAX = 2**53 - 1
DEPTH_MAX = 64


class Refused(Exception):
    """What is shown does not prove what it says."""


def need(condition, why):
    if not condition:
        raise Refused(why)


def number_text(value):
    """A number as ECMAScript writes it: the shortest digits that give it back."""
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + exponent
    if len(text) <= point <= 21:
        text = text + "0" * (point - len(text))
    elif 0 < point <= 21:
        text = f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        text = "0." + "0" * -point + text
    else:
        power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
        text = text[0] + ("." + text[1:] if len(text) > 1 else "") + power
    return "-" * sign + text


def read_number(text):
    value = float(text)
    need(abs(value) != float("inf") and number_text(value) == text, "a number in another spelling")
    return int(value) if value.is_integer() else value


def read_members(pairs):
    members = dict(pairs)
    need(len(members) == len(pairs) and "__proto__" not in members, "a member twice, or __proto__")
    return members


def key_order(key):
    """Array indexes come first, by number; all others by their UTF-16 code units."""
    is_index = re.fullmatch("0|[1-9][0-9]{0,9}", key) and int(key) < 2**32 - 1
    return (0, int(key), b"") if is_index else (1, 0, key.encode("utf-16-be"))


def normal(value, depth=1):
    """The one spelling of a value."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return number_text(float(value))
    if isinstance(value, str):
        return quote(value)
    need(depth <= DEPTH_MAX, "depth")
    if isinstance(value, list):
        return "[" + ",".join(normal(item, depth + 1) for item in value) + "]"
    keys = sorted(value, key=key_order)
    return "{" + ",".join(f"{quote(key)}:{normal(value[key], depth + 1)}" for key in keys) + "}"


def parse(text):
    """The value of a text that is in normal form."""

    def constant(_):
        raise Refused("no JSON")

    try:
        value = json.loads(
            text, object_pairs_hook=read_members, parse_int=read_number, parse_float=read_number, parse_constant=constant
        )
        spelled = normal(value)
        spelled.encode()
    except (ValueError, RecursionError, UnicodeError) as error:
        raise Refused("no JSON, or half a surrogate pair") from error
    need(spelled == text, "not in normal form")
    return value


# Shapes: a check returns what it was given, or refuses it


def obj(required, **optional):
    def check(value):
        need(isinstance(value, dict) and required.keys() <= value.keys(), "a member is missing")
        for name, member in value.items():
            rule = required.get(name) or optional.get(name)
            need(rule, f"a member too many: {name}")
            rule(member)
        return value

    return check


def arr(item, least=0, most=100_000):
    def check(value):
        need(isinstance(value, list) and least <= len(value) <= most, "length of a list")
        for each in value:
            item(each)
        return value

    return check


def integer(low=0, high=SAFE_MAX):
    def check(value):
        need(type(value) is int and low <= value <= high, "an integer out of its range")
        return value

    return check


def text_like(pattern):
    compiled = re.compile(pattern)

    def check(value):
        need(isinstance(value, str) and compiled.fullmatch(value), f"text that is no {pattern}")
        return value

    return check


def one_of(*values):
    def check(value):
        need(any(value == each and type(value) is type(each) for each in values), f"none of {values}")
        return value

    return check


def hex_of(size):
    return text_like(f"[0-9a-f]{{{2 * size}}}")


def units(text):
    """How long ECMAScript calls a text: in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2
