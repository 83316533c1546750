"""Bytes that are hashed and signed: length prefixes, Merkle trees, the strict rule of Ed25519."""

import hashlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from normal_json import hex_of, need, normal


def u32(number):
    return number.to_bytes(4, "big")


def lp(*parts):
    """Parts behind one another, each with its length in front."""
    pieces = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(u32(len(piece)) + piece for piece in pieces)


def sha256(data):
    return hashlib.sha256(data).digest()


# Merkle trees


def node(left, right):
    return sha256(lp("keysaga/merkle-node/1", left, right))


def leaf(entry):
    return sha256(lp("keysaga/entry/1", normal(entry)))


def set_root(tips, at=""):
    """The fingerprint of a range of a set: of the timelines whose key begins with these digits."""
    inside = [tip for tip in tips if sha256(tip["address"].encode()).hex().startswith(at)]
    if len(inside) < 2:
        return sha256(lp("keysaga/set-tip/1", inside[0]["address"], inside[0]["tip"])) if inside else b""
    return sha256(lp("keysaga/set-node/1", *(set_root(inside, at + digit) for digit in "0123456789abcdef")))


def merkle_root(leaves):
    if not leaves:
        return sha256(lp("keysaga/merkle-empty/1"))
    while len(leaves) > 1:
        pairs = [leaves[at : at + 2] for at in range(0, len(leaves), 2)]
        leaves = [node(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return leaves[0]


def root_of_path(at, index, width, path):
    need(0 <= index < width, "a place outside the list")
    path = list(path)
    while width > 1:
        if index ^ 1 < width:
            need(path, "a path that is too short")
            at = node(at, path.pop(0)) if index % 2 == 0 else node(path.pop(0), at)
        index, width = index // 2, (width + 1) // 2
    need(not path, "a path that is too long")
    return at


# Ed25519, by the strict rule

FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL_ORDER = {0, 1, FIELD - 1, ORDER_8, FIELD - ORDER_8}


def is_sound_key(key):
    y = int.from_bytes(key, "little") & (2**255 - 1)
    return len(key) == 32 and y < FIELD and y not in SMALL_ORDER


@lru_cache(maxsize=4096)
def is_signed(key, message, signature):
    if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= ORDER or not is_sound_key(key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)  # OpenSSL: the equation without the cofactor
        return True
    except (InvalidSignature, ValueError):
        return False


def signed_by(key, signature, *parts):
    return is_signed(bytes.fromhex(key), lp(*parts), bytes.fromhex(signature))


def attest_key(value):
    need(is_sound_key(bytes.fromhex(hex_of(32)(value))), "an attest key that is not sound")
