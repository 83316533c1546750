"""Keystones: chains of frames, each of which names the keys that may sign the next."""

from functools import lru_cache
from typing import NamedTuple

from hashing import attest_key, is_signed, lp, sha256
from normal_json import arr, hex_of, integer, need, normal, obj, one_of, text_like, units
from records import Record, address, is_address, record


def pool(name, verbs, size, replenish, demanded=0, commit="list"):
    rules = {"strategy": "ed25519-once", "verbs": verbs, "demanded": demanded, "fifo": 0 if demanded else 1}
    return {"name": name, "config": {**rules, "replenish": replenish, "size": size, "commit": commit}}


identity_pools = [pool(verb, [verb], 1, "top-up") for verb in ("delegate", "revoke", "manage")]
POOLS = {
    "identity": [*identity_pools, pool("recover", ["recover"], 16, "consume", commit="merkle")],
    "lane": [pool("vouch", ["vouch"], 1, "top-up")],
    "sender": [pool("connect", ["connect"], 4, "consume", demanded=2), pool("sync", ["sync"], 1, "top-up")],
    "receiver": [pool("sync", ["challenge", "sync"], 1, "top-up")],
}
caps = obj({name: integer() for name in ("records", "bytes", "turns")})
audience = lambda value: need(isinstance(value, str) and 1 <= units(value) <= 256, "audience")
DETAILS = {
    "identity": {},
    "lane": {"delegator": address, "role": one_of("device"), "receiver": address, "attestKey": attest_key},
    "sender": {
        **{"role": one_of("sender"), "lane": address, "receiver": address},
        **{"audience": audience, "caps": caps, "attestKey": attest_key},
    },
    "receiver": {
        **{"role": one_of("receiver"), "sender": address, "session": address},
        **{"receiver": address, "attestKey": attest_key},
    },
}
kind_of = lambda role: role if role in ("identity", "lane") else "session"
index = integer(0, 2**32 - 1)
challenge = obj({"index": index, "commitment": hex_of(32)})
solution = obj({"index": index, "publicKey": hex_of(32), "signature": hex_of(64)})


def some_object(value):
    need(isinstance(value, dict), "an object")


def anything(value):
    return value


pool_shape = obj({"name": anything, "config": anything, "used": index, "open": anything})


def claim_text(value):
    need(isinstance(value, str) and 1 <= units(value) <= 512, "target or scope")


claim_shape = obj({"verb": text_like("[a-z][a-z0-9-]{0,31}"), "target": claim_text}, scope=claim_text)
proof_shape = obj(
    {"claim": claim_shape, "pool": anything, "solutions": arr(solution, 1, 8)}, demanded=arr(index, 1, 8)
)


class Keystone(NamedTuple):
    """A keystone as far as it was replayed, and the claim of its newest frame."""

    first: Record
    tip: str
    n: int
    pools: list
    details: dict
    claim: dict = {}
    said: object = None


@lru_cache(maxsize=4096, typed=True)
def digest_of(ib, links, data):
    form = b"\x01\x03" + lp(ib, "", links, data)
    return sha256(lp("keysaga/frame/1", form))


def found(first, role):
    """The keystone of a genesis: an identity, a lane, or the session of a sender or a receiver."""
    kind = kind_of(role)
    need(first.ib == f"keystone.{kind}" and first.rel8ns is None, "a genesis of another kind")
    common = {"version": one_of(1), "kind": one_of(kind), "nonce": hex_of(32)}
    shape = {"n": one_of(0), "isTjp": one_of(True), "pools": arr(pool_shape), "proofs": arr(anything, 0, 0)}
    data = obj({**shape, "details": obj({**common, **DETAILS[role]})})(first.data)
    need(units(normal(data["details"])) <= 8192, "details that are too long")
    need(len(data["pools"]) == len(POOLS[role]), "pools of another version")
    for shown, spec in zip(data["pools"], POOLS[role]):
        in_list = arr(challenge, spec["config"]["size"], spec["config"]["size"])
        opened = obj({"root": hex_of(32)}) if spec["config"]["commit"] == "merkle" else in_list
        obj({"name": one_of(spec["name"]), "config": anything, "used": one_of(0), "open": opened})(shown)
        need(normal(shown["config"]) == normal(spec["config"]), "pools of another version")
        if spec["config"]["commit"] == "list":
            need([each["index"] for each in shown["open"]] == list(range(len(shown["open"]))), "indexes at genesis")
    return Keystone(first, first.address, 0, data["pools"], data["details"])


def follow(state, frame):
    """Checks the next frame of a keystone."""
    need(frame.ib == state.first.ib, "a frame of another kind")
    need(frame.rel8ns == {"past": [state.tip], "tjp": [state.first.address]}, "a frame that does not follow")
    more = {"details": some_object} if frame.ib == "keystone.identity" else {}
    data = obj({"n": one_of(state.n + 1), "pools": arr(pool_shape), "proofs": arr(proof_shape, 1, 1)}, **more)(frame.data)
    (proof,) = data["proofs"]
    pools = pools_after(state.pools, proof, data["pools"])
    need(normal(data["pools"]) == normal(pools), "pools after the frame")
    emptied = [{**each, "signature": ""} for each in proof["solutions"]]
    digest = digest_of(frame.ib, normal(frame.rel8ns), normal({**data, "proofs": [{**proof, "solutions": emptied}]}))
    for each in proof["solutions"]:
        key, signature = bytes.fromhex(each["publicKey"]), bytes.fromhex(each["signature"])
        need(is_signed(key, digest, signature), "signature of a frame")
    return Keystone(state.first, frame.address, state.n + 1, pools, state.details, proof["claim"], data.get("details"))


def pools_after(pools, proof, shown):
    """The pools as they stand once the keys that a proof opens are spent: the new commitments alone are the frame's own."""
    names = [held["name"] for held in pools]
    need(proof["pool"] in names and len(shown) == len(pools), "an unknown pool")
    at = names.index(proof["pool"])
    held, rules, opened = pools[at], pools[at]["config"], pools[at]["open"]
    need(proof["claim"]["verb"] in rules["verbs"], "a verb of another pool")
    need(rules["commit"] == "list", "a pool that no frame of this version spends from")
    commitments = {each["index"]: each["commitment"] for each in opened}
    demanded = proof.get("demanded", [])
    need(len(demanded) == rules["demanded"] and demanded == sorted(set(demanded)), "which keys are demanded")
    spent = demanded or [each["index"] for each in opened[: rules["fifo"]]]
    need(all(index in commitments for index in spent), "keys that are not open")
    need([each["index"] for each in proof["solutions"]] == spent, "which keys are spent")
    for each in proof["solutions"]:
        need(sha256(bytes.fromhex(each["publicKey"])).hex() == commitments[each["index"]], "a key not committed to")
    kept, added = [each for each in opened if each["index"] not in spent], []
    if rules["replenish"] == "top-up":
        next_index = held["used"] + len(opened)
        added = arr(challenge, len(opened), len(opened))(shown[at]["open"])[len(kept) :]
        need([each["index"] for each in added] == [next_index + place for place in range(len(spent))], "keys that are added")
    after = {**held, "used": held["used"] + len(spent), "open": kept + added}
    return [*pools[:at], after, *pools[at + 1 :]]


host_keys = obj({"hostKeys": arr(hex_of(32), 0, 64)})


class Identity(NamedTuple):
    keystone: Keystone
    host_keys: list = []
    delegated: frozenset = frozenset()
    certificates: dict = {}

    def then(self, frame):
        """The identity with its next frame."""
        keystone = follow(self.keystone, frame)
        verb, target = keystone.claim["verb"], keystone.claim["target"]
        need("scope" not in keystone.claim, "scope")
        if keystone.said is None:
            need(verb == "delegate" and is_address(target), "what an identity may say")
            return self._replace(keystone=keystone, delegated=self.delegated | {target})
        need(verb in ("delegate", "revoke"), "what an identity may say")
        kept = [key for key in self.host_keys if key != target]
        certificates = self.certificates
        if verb == "delegate":
            kept, certificates = [*kept, target], {**certificates, frame.address: target}
        need(host_keys(keystone.said)["hostKeys"] == kept, "host keys in force")
        return Identity(keystone, kept, self.delegated, certificates)


def replay_identity(texts):
    frames = [record(text) for text in texts]
    identity = Identity(found(frames[0], "identity"))
    for frame in frames[1:]:
        identity = identity.then(frame)
    return identity
