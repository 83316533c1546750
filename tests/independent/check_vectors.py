"""Holds the reader against the vectors in a folder, and against documents with flipped bits.

    python3 check_vectors.py vectors FOLDER        every vector has the answer that stands beside it
    python3 check_vectors.py flips KIND FILE STEP  no document with a flipped bit is accepted: every STEP-th bit of the file

Prints a line for each thing that is wrong, and what it has looked at.
"""

import base64
import json
import sys
from pathlib import Path

from hashing import is_signed, leaf, merkle_root, root_of_path, set_root
from keysaga_reader import check_file
from keystones import Identity, follow, found
from normal_json import Refused, parse
from records import is_address, read_bytes, record


def is_refused(check, *given):
    try:
        check(*given)
        return False
    except Refused:
        return True


def replay(kind, frames):
    first, *later = map(record, frames)
    state = found(first, kind)
    if kind != "identity":
        for frame in later:
            state = follow(state, frame)
        return
    identity = Identity(state)
    for frame in later:
        identity = identity.then(frame)


def answers(folder):
    """What was asked, and whether the answer is the right one."""
    read = lambda name: json.loads((folder / f"{name}.json").read_text())
    texts, addresses, records = read("normal-json"), read("addresses"), read("records")
    yield from ((f"JSON: {text}", not is_refused(parse, text)) for text in texts["good"])
    yield from ((f"JSON: {case['why']}", is_refused(parse, case["text"])) for case in texts["bad"])
    yield from ((f"address: {address}", is_address(address)) for address in addresses["good"])
    yield from ((f"address: {case['why']}", not is_address(case["address"])) for case in addresses["bad"])
    for case in records["good"]:
        yield f"record: {case['what']}", read_bytes(bytes.fromhex(case["bytes"])).address == case["address"]
    for case in records["bad"]:
        yield f"record: {case['why']}", is_refused(read_bytes, bytes.fromhex(case["bytes"]))
    for case in read("merkle"):
        leaves, root = [leaf(entry) for entry in case["entries"]], bytes.fromhex(case["root"])
        yield f"leaves of {len(leaves)}", [each.hex() for each in leaves] == case["leaves"]
        yield f"root of {len(leaves)}", merkle_root(leaves) == root
        for at, path in enumerate(case["paths"]):
            led = root_of_path(leaves[at], at, len(leaves), map(bytes.fromhex, path))
            yield f"path {at} of {len(leaves)}", led == root
    for case in read("sets"):
        root = base64.urlsafe_b64encode(set_root(case["tips"])).decode().rstrip("=")
        yield f"set of {len(case['tips'])}", root == case["root"]
    for case in read("ed25519"):
        given = (bytes.fromhex(case[name]) for name in ("publicKey", "message", "signature"))
        yield f"signature: {case['what']}", is_signed(*given) == case["isRight"]
    for case in read("keystones")["good"]:
        yield f"keystone: {case['kind']}", not is_refused(replay, case["kind"], case["frames"])
    for case in read("keystones")["bad"]:
        yield f"keystone: {case['why']}", is_refused(replay, case["kind"], case["frames"])
    for case in read("documents"):
        content = (folder / f"{case['name']}.json").read_bytes()
        yield case["name"], check_file(case["name"].split("-")[0], content) == case["says"]


def flips(kind, file, step):
    """Documents with one flipped bit each, and whether they are refused."""
    content = bytearray(Path(file).read_bytes())
    check_file(kind, bytes(content))
    for bit in range(0, 8 * len(content), step):
        content[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit % 8} of byte {bit // 8}", is_refused(check_file, kind, bytes(content))
        content[bit // 8] ^= 1 << bit % 8


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    looked = list(answers(Path(rest[0])) if what == "vectors" else flips(rest[0], rest[1], int(rest[2])))
    wrong = [name for name, is_right in looked if not is_right]
    print("\n".join([*(f"wrong: {name}" for name in wrong), f"{len(looked)} looked at"]))
    sys.exit(1 if wrong else 0)
