"""Addresses and records."""

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from normal_json import Refused, need, parse

is_ib = re.compile("[^^\ud800-\udfff]+").fullmatch
is_gib = re.compile(r"gib|[0-9A-F]{64}(?:\.[0-9A-F]{64})?").fullmatch


def is_address(value):
    if not isinstance(value, str):
        return False
    ib, caret, gib = value.partition("^")
    return bool(caret and is_ib(ib) and is_gib(gib))


def address(value):
    need(is_address(value), "an address")
    return value


def gib_of(value):
    return value.partition("^")[2]


class Record(NamedTuple):
    ib: str
    gib: str
    rel8ns: object
    data: object

    @property
    def address(self):
        return f"{self.ib}^{self.gib}"


def are_links(value):
    is_list = lambda each: isinstance(each, list) and len(each) > 0 and all(map(is_address, each))
    return isinstance(value, dict) and len(value) > 0 and all(map(is_list, value.values()))


def upper_hash(data):
    return hashlib.sha256(data).hexdigest().upper()


def admit(ib, gib, links_text, data_text):
    """A record from its parts: links and data as text or None, raw data as bytes."""
    need(is_ib(ib) and len(ib.encode()) <= 1024, "ib")
    need(is_gib(gib), "gib")
    is_raw, is_bin = isinstance(data_text, bytes), ib == "bin" or ib.startswith("bin ")
    links = None if links_text is None else parse(links_text)
    data = data_text if is_raw or data_text is None else parse(data_text)
    if links is not None:
        need(are_links(links) and not is_bin, "links")
        need(len(links) <= 64 and sum(map(len, links.values())) <= 10_000, "too many links")
    if is_raw or is_bin:
        need(is_bin and (data is None or (is_raw and data)), "raw bytes, and nothing else, are under bin")
    elif data is not None:
        need(isinstance(data, dict) and data, "data is an object with members")
        need(links is not None or not are_links(data), "data that could be links")
    tjp = (links or {}).get("tjp")
    need(tjp is None or (len(tjp) == 1 and len(gib_of(tjp[0])) == 64), "tjp")
    if isinstance(data, dict) and "isTjp" in data:
        need(data["isTjp"] is True and tjp is None and "past" not in (links or {}), "isTjp")
    parts = [part.encode() if isinstance(part, str) else part for part in (ib, links_text, data_text) if part is not None]
    if gib == "gib":
        need(len(parts) == 1, "a primitive is its ib alone")
    else:
        own = upper_hash("".join(map(upper_hash, parts)).encode())
        need(gib == (f"{own}.{gib_of(tjp[0])}" if tjp else own), "the gib is not that of its content")
    need(2 + 4 + len(gib) + sum(4 + len(part) for part in parts) <= 256 * 1024, "size")
    return Record(ib, gib, links, data)


@lru_cache(maxsize=4096)
def admit_text(ib, gib, links, data):
    return admit(ib, gib, links or None, data or None)


def record(value):
    """A record in its text form."""
    need(isinstance(value, list) and len(value) == 4 and all(isinstance(part, str) for part in value), "a record")
    return admit_text(*value)


def read_bytes(form):
    """A record in its byte form."""
    need(len(form) >= 2 and form[0] == 1 and form[1] <= 7 and (not form[1] & 4 or form[1] & 2), "head of the byte form")
    flags, at, pieces = form[1], 2, []
    for is_there in (True, True, flags & 1, flags & 2):
        if not is_there:
            pieces.append(None)
            continue
        end = at + 4 + int.from_bytes(form[at : at + 4], "big")
        need(at + 4 <= end <= len(form), "a length beyond the end")
        pieces.append(form[at + 4 : end])
        at = end
    need(at == len(form), "something behind the record")
    ib, gib, links, data = pieces
    text = lambda piece: None if piece is None else piece.decode()
    try:
        return admit(text(ib), text(gib), text(links), data if flags & 4 else text(data))
    except UnicodeDecodeError as error:
        raise Refused("UTF-8") from error
