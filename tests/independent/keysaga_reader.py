"""Checks addresses, records, receipts, proofs and sessions of keysaga by docs/format.md, with none of keysaga's code.

    python3 keysaga_reader.py receipt|proof|session FILE

prints what the document in FILE proves, or why it is refused. Needs the standard library and `cryptography`.
"""

import sys

from hashing import leaf, lp, merkle_root, root_of_path, signed_by, u32
from keystones import Identity, follow, found, replay_identity
from normal_json import Refused, arr, hex_of, integer, need, normal, obj, one_of, parse, text_like, units
from records import address, gib_of, record

# What vouches for a session, and what a session signs

SUITE = "ed25519-sha256"
uuid = hex_of(16)
host_shape = obj({"key": hex_of(32), "certifiedBy": address, "signature": hex_of(64)})


def check_voucher(session, lane, identity, n, signature):
    """That the identity's lane vouches for the session of a sender."""
    first, receiver = session.first.address, lane.details["receiver"]
    need(session.details["lane"] == lane.first.address, "a session of another lane")
    need(session.details["receiver"] == receiver, "a lane to another receiver")
    parts = ("keysaga/voucher/1", SUITE, lane.first.address, u32(n), first, receiver)
    need(signed_by(lane.details["attestKey"], signature, *parts), "signature of the lane")
    need(lane.first.address in identity.delegated, "a lane that is not delegated")
    need(lane.details["delegator"] == identity.keystone.first.address, "a lane of another identity")


def check_host(session, identity, host):
    """That a host key of the identity vouches for the session of a receiver."""
    need(identity.certificates.get(host["certifiedBy"]) == host["key"], "a host key that is not certified")
    need(session.details["receiver"] == identity.keystone.first.address, "a session of another receiver")
    parts = ("keysaga/host/1", SUITE, host["certifiedBy"], session.first.address)
    need(signed_by(host["key"], host["signature"], *parts), "signature of the host key")


def check_list(label, session, saga, count, root, signature):
    parts = (label, SUITE, session.first.address, saga, u32(count), root.hex())
    need(signed_by(session.details["attestKey"], signature, *parts), "signature of the session")


def of_timeline(value):
    hashes = gib_of(value["frame"]).split(".")
    need(value["frame"] == value["tjp"] or hashes[1:] == [gib_of(value["tjp"])[:64]], "a frame of another timeline")


def entry_text(value):
    need(isinstance(value, str) and 1 <= units(value) <= 80, "entry")


made_members = {"tjp": address, "frame": address}
made_shape = obj(made_members)
counted_shape = obj({**made_members, "entry": entry_text})
tip_shape = obj({"address": address, "tip": address, "n": integer(-1)})
totals_of_one = obj({name: integer() for name in ("records", "bytes", "contexts")})
totals_shape = obj({"up": totals_of_one, "down": totals_of_one})


def counted_frame(value):
    of_timeline(counted_shape(value))


def shown_entry(value):
    of_timeline((counted_shape if isinstance(value, dict) and "entry" in value else made_shape)(value))


receipt_members = {
    **{"saga": uuid, "time": integer(), "totals": totals_shape},
    **{"tips": arr(tip_shape), "signature": hex_of(64)},
}
left_root = obj({"address": address, "left": one_of("over_quota", "too_long", "not_taken")})
alike_set = obj({"of": address, "count": integer(1), "root": text_like("[A-Za-z0-9_-]{43}")})
receipt_lists = {"left": arr(left_root, 1), "alike": arr(alike_set, 1, 16), "counted": arr(counted_frame, 1)}
receipt_shape = obj(receipt_members, **receipt_lists)


def check_said(session, receipt):
    """That the session of a receiver has signed a receipt."""
    listed = [*receipt["tips"], *(each for name in receipt_lists for each in receipt.get(name, []))]
    leaves = [leaf(each) for each in [{"time": receipt["time"], "totals": receipt["totals"]}, *listed]]
    check_list("keysaga/receipt/1", session, receipt["saga"], len(leaves), merkle_root(leaves), receipt["signature"])
    return listed


def check_receipt(document):
    """A receipt on its own: who gave it to whom, and what for."""
    bundle = {"version": one_of(1), "session": record, "host": host_shape, "receiver": arr(record, 1, 20_000)}
    obj({**bundle, **receipt_members}, **receipt_lists)(document)
    identity = replay_identity(document["receiver"])
    session = found(record(document["session"]), "receiver")
    check_host(session, identity, document["host"])
    check_said(session, document)
    named = {name: session.details[name] for name in ("receiver", "sender", "session")}
    said = {name: document[name] for name in ("saga", "time", "tips", "totals")}
    return {**named, **said, **{name: document.get(name, []) for name in receipt_lists}}


# Proofs of who made a frame

voucher_shape = obj({"session": address, "n": integer(1, 2**32 - 1), "signature": hex_of(64)})
host_voucher_shape = obj({"session": address, "host": host_shape})
place_shape = obj({"entry": shown_entry, "index": integer(), "path": arr(hex_of(32), 0, 17)})
list_shape = obj(
    {
        **{"session": address, "saga": uuid, "count": integer(1, 100_000)},
        **{"signature": hex_of(64), "frames": arr(place_shape, 1, 64)},
    }
)


def by_key(items, key_of):
    found_by = {key_of(item): item for item in items}
    need(len(found_by) == len(items), "shown twice")
    return found_by


def grow_identity(frames):
    """An identity as its frames show it: a tree, all of which counts."""
    states, delegated, certificates = {}, frozenset(), {}
    for frame in sorted(frames, key=lambda each: integer()((each.data or {}).get("n"))):
        past = (frame.rel8ns or {}).get("past", [None])[0]
        need(past is None or past in states, "a frame that goes on from none that is shown")
        state = Identity(found(frame, "identity")) if past is None else states[past].then(frame)
        states[frame.address] = state
        delegated, certificates = delegated | state.delegated, {**certificates, **state.certificates}
    return state._replace(delegated=delegated, certificates=certificates)


def check_proof(document):
    """Evidence: who made each frame that is shown. Nothing in it may be of no use."""
    records, vouchers, lists = [], [], []
    for item in arr(lambda _: None, 1)(document):
        if isinstance(item, list):
            records.append(record(item))
        elif isinstance(item, dict) and "frames" in item:
            lists.append(list_shape(item))
        else:
            shape = host_voucher_shape if isinstance(item, dict) and "host" in item else voucher_shape
            vouchers.append(shape(item))
    shown = by_key(records, lambda each: each.address)
    word_for = by_key(vouchers, lambda each: each["session"])
    chains = {}
    for each in records:
        if each.ib == "keystone.identity":
            chains.setdefault((each.rel8ns or {}).get("tjp", [each.address])[0], []).append(each)
    identities = {first: grow_identity(frames) for first, frames in chains.items()}
    used = set()

    def use(known, name):
        used.add(name)
        need(name in known, f"not shown: {name}")
        return known[name]

    def session_of(name):
        first, voucher = use(shown, name), use(word_for, name)
        if "host" in voucher:
            session = found(first, "receiver")
            identity = session.details["receiver"]
            check_host(session, use(identities, identity), voucher["host"])
            return session, identity, {}
        session = found(first, "sender")
        lane = found(use(shown, session.details["lane"]), "lane")
        identity = lane.details["delegator"]
        check_voucher(session, lane, use(identities, identity), voucher["n"], voucher["signature"])
        return session, identity, {"lane": lane.first.address}

    made, counted = [], []
    for each in lists:
        session, identity, through = session_of(each["session"])
        by_key(each["frames"], lambda place: place["index"])
        for place in each["frames"]:
            entry, path = place["entry"], map(bytes.fromhex, place["path"])
            root = root_of_path(leaf(entry), place["index"], each["count"], path)
            need("entry" not in entry or not through, "counted by no receiver")
            label = "receipt" if "entry" in entry else "sender-heads" if through else "receiver-heads"
            signed = (each["saga"], each["count"], root, each["signature"])
            check_list(f"keysaga/{label}/1", session, *signed)
            proved = {**entry, "identity": identity, **through, "session": each["session"]}
            (counted if "entry" in entry else made).append(proved)
    by_key(made, lambda each: (each["session"], each["frame"]))
    by_key(counted, lambda each: (each["session"], each["frame"], each["entry"]))
    rest = {each.address for each in records if each.ib != "keystone.identity"}
    need(used == rest | word_for.keys() | identities.keys(), "something that nothing rests on")
    return made


# Sessions

STAGES = {
    "sender": ("ranges", "init", "ask", "offer", "delta", "commit"),
    "receiver": ("alike", "ack", "branch", "wants", "staged", "moved", "receipt"),
}
entries_shape = obj({"count": integer(0, 100_000), "root": hex_of(32)})
counts = {name: integer() for name in ("frames", "records", "bytes")}
payload_shape = obj({**counts, "digest": text_like("(?:[0-9a-f]{64})?")})
context_shape = obj(
    {
        **{"saga": uuid, "stage": one_of(*STAGES["sender"], *STAGES["receiver"]), "turn": integer(1)},
        **{"role": one_of("sender", "receiver"), "digest": hex_of(32), "entries": entries_shape},
        **{"payload": payload_shape, "totals": totals_shape},
    }
)
session_shape = obj(
    {
        "version": one_of(1),
        "sender": obj(
            {
                **{"identity": arr(record, 1, 20_000), "lane": record, "frames": arr(record, 2)},
                "voucher": obj({"n": integer(1, 2**32 - 1), "signature": hex_of(64)}),
            }
        ),
        "receiver": obj({"identity": arr(record, 1, 20_000), "host": host_shape, "frames": arr(record, 2)}),
        "contexts": arr(record),
        "receipts": arr(receipt_shape),
    }
)


def opened(voice, role, verb):
    """A side's keystone at n=1: what it claims there is over the handshake, which is not part of the document."""
    first, frame = map(record, voice["frames"][:2])
    state = follow(found(first, role), frame)
    need(state.claim["verb"] == verb and "scope" not in state.claim, "what opens a session")
    hex_of(32)(state.claim["target"])
    return state


def check_session(document):
    """A session as it was kept, turn by turn."""
    session_shape(document)
    sender, receiver = document["sender"], document["receiver"]
    s, r = opened(sender, "sender", "connect"), opened(receiver, "receiver", "challenge")
    identities = replay_identity(sender["identity"]), replay_identity(receiver["identity"])
    lane = found(record(sender["lane"]), "lane")
    check_voucher(s, lane, identities[0], **sender["voucher"])
    check_host(r, identities[1], receiver["host"])
    names = {"sender": lane.details["delegator"], "session": s.first.address, "receiver": lane.details["receiver"]}
    need({name: r.details[name] for name in names} == names, "a receiver's session for somebody else")
    turns = check_turns(document, {"sender": s, "receiver": r})
    said = by_key([turn for turn in turns if turn["stage"] == "receipt"], lambda turn: turn["saga"])
    for receipt in by_key(document["receipts"], lambda each: each["saga"]).values():
        need(receipt["saga"] in said, "the receipt of another session")
        listed, turn = check_said(r, receipt), said[receipt["saga"]]
        need(receipt["totals"] == turn["totals"], "totals of a receipt")
        need(turn["entries"] == {"count": len(listed), "root": merkle_root([*map(leaf, listed)]).hex()}, "list of a receipt")
    return {**names, "turns": len(turns)}


def check_turns(document, voices):
    contexts = [record(text) for text in document["contexts"]]
    later = {role: [record(text) for text in document[role]["frames"][2:]] for role in voices}
    most = voices["sender"].details["caps"]
    totals = {way: {"records": 0, "bytes": 0, "contexts": 0} for way in ("up", "down")}
    last, saga, turn, speaker = {}, None, 0, "sender"
    for context in contexts:
        other, way = ("receiver", "up") if speaker == "sender" else ("sender", "down")
        need(context.ib == "context", "a context")
        said = context_shape(context.data)
        links = {"session": [voices[speaker].tip], **({"previous": [last[other]]} if other in last else {})}
        need(context.rel8ns == links, "a context of another place")
        need(said["role"] == speaker and said["stage"] in STAGES[speaker], "whose turn it is")
        is_first = said["saga"] != saga
        need(not is_first or said["stage"] in ("ranges", "init"), "the saga of a turn")
        need(said["turn"] == (1 if is_first else turn + 1), "the number of a turn")
        saga, turn, payload, entries = said["saga"], said["turn"], said["payload"], said["entries"]
        need((payload["frames"] == 0) == (payload["digest"] == ""), "payload")
        need(payload["frames"] > 0 or payload["records"] == payload["bytes"] == 0, "payload")
        need((entries["count"] == 0) == (entries["root"] == merkle_root([]).hex()), "an empty list")
        before = totals[way]
        more = {"records": payload["records"], "bytes": payload["bytes"], "contexts": 1}
        totals = {**totals, way: {name: before[name] + more[name] for name in before}}
        need(said["totals"] == totals, "totals")
        now = totals[way]
        need(now["records"] <= most["records"] and now["bytes"] <= most["bytes"], "caps")
        need(now["contexts"] <= most["turns"], "caps")
        need(later[speaker], "a context that no frame claims")
        voices[speaker] = follow(voices[speaker], later[speaker].pop(0))
        need(voices[speaker].claim == {"verb": "sync", "target": context.address}, "a frame that claims something else")
        last[speaker], speaker = context.address, other
    need(not later["sender"] and not later["receiver"], "a frame without a context")
    return [context.data for context in contexts]


CHECKS = {"receipt": check_receipt, "proof": check_proof, "session": check_session}


def check_file(kind, content):
    """What a document proves. It is normal JSON in UTF-8, and one line feed behind it."""
    need(content.endswith(b"\n"), "no line feed at the end")
    try:
        return CHECKS[kind](parse(content[:-1].decode()))
    except UnicodeDecodeError as error:
        raise Refused("UTF-8") from error


if __name__ == "__main__":
    try:
        with open(sys.argv[2], "rb") as file:
            print(normal(check_file(sys.argv[1], file.read())))
    except Refused as refusal:
        sys.exit(f"refused: {refusal}")
