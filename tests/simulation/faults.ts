import type { ProfileName } from "../../src/testing/simulation/index.js";

/** A fault that somebody could make: what stands in a source, and what would stand there instead. */
export interface KnownFault {
  readonly name: string;
  readonly file: string;
  readonly change: readonly (readonly [is: string, becomes: string])[];
  /** The worlds it is looked for in, and how many of them are enough. */
  readonly profile: ProfileName;
  readonly within: number;
  /** A seed that has shown it: looked at first, since the worlds before it take minutes. */
  readonly lastFound?: number;
}

/** Each is found by worlds from seed 1 on. Where a text is not there exactly once, the fault has to be put in anew. */
export const knownFaults: readonly KnownFault[] = [
  {
    name: "a receiver answers before its flush",
    file: "src/peer/receiver/receiver-commit.ts",
    change: [
      [
        "          signed = conversation.sign(draft);\n",
        "          signed = conversation.sign(draft);\n          void conversation.write(signed);\n",
      ],
      [
        'committed(judged, () => conversation.write(receipt));\n    if (result.kind === "notClosed")',
        'committed(judged, async () => undefined);\n    if (result.kind === "notClosed")',
      ],
    ],
    profile: "storage",
    within: 100,
  },
  {
    name: "a receiver is ready before its flush",
    file: "src/peer/receiver/receiver-store.ts",
    change: [
      [
        "  const { kind } = await releasing(charge,",
        '  const { kind } = { kind: "committed" };\n  void releasing(charge,',
      ],
      [
        '(result) => result.kind === "committed");',
        '(result) => result.kind === "committed").catch(() => undefined);',
      ],
    ],
    profile: "storage",
    within: 60,
  },
  {
    name: "a key is marked used after it has signed",
    file: "src/peer/home/signer.ts",
    change: [
      [
        "    const result = await this.space.commit({",
        '    const result = { kind: "committed" };\n    void this.space.commit({',
      ],
      ["      dropProofGroups,\n    });", "      dropProofGroups,\n    }).catch(() => undefined);"],
    ],
    profile: "storage",
    within: 60,
  },
  {
    name: "the next key is taken from a snapshot",
    file: "src/peer/home/signer.ts",
    change: [
      ["known?.state.kind === kind && sameBytes(known.journal, journal)", "known?.state.kind === kind"],
    ],
    profile: "processes",
    within: 60,
  },
  {
    name: "no compare-and-set on the journal",
    file: "src/space/commit.ts",
    change: [
      [
        "    .filter(({ key, from }) => !sameBytes(",
        '    .filter(({ key, from }) => !key.startsWith("journal/") && !sameBytes(',
      ],
    ],
    profile: "processes",
    within: 100,
    lastFound: 26,
  },
  {
    name: "no compare-and-set on tips",
    file: "src/space/commit.ts",
    change: [["    .filter(({ tip, from }) => tip?.address !== from)\n", "    .filter(() => false)\n"]],
    profile: "calm",
    within: 60,
  },
  {
    name: "a tip moves wherever it is told to",
    file: "src/space/commit.ts",
    change: [
      ["    .filter(({ tip, from }) => tip?.address !== from)\n", "    .filter(() => false)\n"],
      [
        "checkTipMove(move, tipOf(reader, move.tjp), reader",
        "checkTipMove(move, move.from && tipOf(reader, move.tjp) && { ...tipOf(reader, move.tjp), address: move.from, n: -1 }, reader",
      ],
    ],
    profile: "calm",
    within: 60,
  },
  {
    name: "a restored backup is not noticed",
    file: "src/peer/sender/sender-store.ts",
    change: [
      ["  await takeNewer(identity, await holdLane(signer, lane), effect, limits);\n", ""],
      ["  if (ours?.address !== theirs.tip) throw", "  if (false) throw"],
    ],
    profile: "backups",
    within: 60,
  },
  {
    name: "what was staged is not dropped",
    file: "src/peer/receiver/receiver-saga-run.ts",
    change: [["    await Promise.allSettled([this.options.space.drop(this.#stage)]);\n", ""]],
    profile: "network",
    within: 60,
    lastFound: 6,
  },
  {
    name: "no signature is checked",
    file: "src/keystone/replay.ts",
    change: [["    if (!strategy.verify(solution, digest)) throw", "    if (false) throw"]],
    profile: "hostile",
    within: 60,
    lastFound: 35,
  },
  {
    name: "the transcript is left out of what the receiver signs",
    file: "src/saga/handshake.ts",
    change: [
      [
        'lengthPrefixed("keysaga/challenge/1", "receiver", hello, open, body)',
        'lengthPrefixed("keysaga/challenge/1", "receiver", body)',
      ],
      [
        '  const parts = ["keysaga/connect/1", "sender", hello, open, challenge];',
        '  const parts = ["keysaga/connect/1", "sender", challenge];',
      ],
    ],
    profile: "hostile",
    within: 200,
    lastFound: 65,
  },
  {
    name: "the frame that is derived from a turn is not compared",
    file: "src/saga/turn.ts",
    change: [["checkFrame(keystone, frame)", "advance(keystone, frame)"]],
    profile: "hostile",
    within: 200,
  },
  {
    name: "a receiver answers for addresses that are not its own",
    file: "src/saga/receiver-handshake.ts",
    change: [["  if (!self.audiences.includes(message.audience)) throw wrongAudience(self, message);\n", ""]],
    profile: "hostile",
    within: 200,
  },
  {
    name: "a timer is not stopped",
    file: "src/peer/session/session-loop.ts",
    change: [
      ["      this.#isOver = true;\n      this.#stopTick();\n", "      this.#isOver = true;\n"],
      ["      if (!this.#isOver) this.#tick();\n", "      this.#tick();\n"],
    ],
    profile: "calm",
    within: 10,
  },
  {
    name: "a connection is not closed",
    file: "src/peer/sender/sender-session.ts",
    change: [["this.#link.close()", "Promise.resolve()"]],
    profile: "calm",
    within: 10,
  },
  {
    name: "closure is not checked",
    file: "src/space/check-records.ts",
    change: [["    if (!isFiled) this.#missing.add(link.target);\n", ""]],
    profile: "rights",
    within: 200,
  },
  {
    name: "who may read is not looked at",
    file: "src/peer/rights/standing.ts",
    change: [
      ['boolean => this.find("read", first, look).may;', "boolean => true;"],
      ["found.find(action, first, look).may),", 'action === "read" || found.find(action, first, look).may),'],
    ],
    profile: "rights",
    within: 60,
  },
  {
    name: "who may write is not looked at",
    file: "src/lists/counts.ts",
    change: [["(isNamed || makerRow.entries.length > 0)", "(isNamed || makerRow !== undefined)"]],
    profile: "rights",
    within: 300,
    lastFound: 163,
  },
  {
    name: "who may read is shown the list of readers",
    file: "src/peer/rights/rights.ts",
    change: [['  if (list?.kind === "readers") return certain(owner === asking.identity);\n', ""]],
    profile: "rights",
    within: 60,
  },
  {
    name: "what is within another's timeline goes by that one's lists",
    file: "src/peer/home/rulings.ts",
    change: [
      [
        "    if (ownerOf(outer) !== owner || listKindOf(outer) !== undefined) return { ...inner, isWhole: true };\n",
        "    if (ownerOf(outer) !== owner) return { timeline: outer.address, owner: ownerOf(outer) ?? owner, isWhole: true };\n",
      ],
    ],
    profile: "rights",
    within: 200,
  },
  {
    name: "a tip is not taken back by a list",
    file: "src/peer/rights/list-commit.ts",
    change: [["    if (retip) retips.push(retip);\n", ""]],
    profile: "rights",
    within: 300,
    lastFound: 163,
  },
  {
    name: "the time of a share is dropped",
    file: "src/lists/fold.ts",
    change: [
      [
        "const { do: _do, identity, ...terms } = change;",
        "const { do: _do, identity, expires: _expires, ...terms } = change;",
      ],
    ],
    profile: "rights",
    within: 20,
  },
  {
    name: "a call is told that it is done before it is",
    file: "src/peer/sender/sender-saga-run.ts",
    change: [
      [
        "    const { report, merged, isStale } = await commitSender(landing, { ...effect, found });\n",
        "    asked.outcome.resolve({ report: { saga, session: conversation.established.session, tips: effect.final, left: [], elapsedMs: 0 }, isMore: false, isPart: false, isStale: false });\n    const { report, merged, isStale } = await commitSender(landing, { ...effect, found });\n",
      ],
    ],
    profile: "calm",
    within: 60,
  },
  {
    name: "a call does not take the connection that is there",
    file: "src/peer/sender/sender.ts",
    change: [
      ["const live = this.#live ?? (await this.#open(cancel));", "const live = await this.#open(cancel);"],
    ],
    profile: "calm",
    within: 60,
  },
  {
    name: "a merge takes one side",
    file: "src/merge/merge-tips.ts",
    change: [["(isSameSet(of, heads) ? [tip] : [])", "(of.length > 0 ? [tip] : [])"]],
    profile: "calm",
    within: 100,
  },
  {
    name: "a peer signs what nobody has signed",
    file: "src/peer/branches/taking.ts",
    change: [
      [
        "return this.made.has(frame.address) || (await isMadeHere(this.#space, frame.address));",
        "return true;",
      ],
    ],
    profile: "makers",
    within: 100,
  },
  {
    name: "makers are asked of heads, and not of runs",
    file: "src/peer/branches/added-frames.ts",
    change: [
      [
        "  if (!isMerge(tip)) return { heads: [tip], toProve: ends };\n",
        "  if (!isMerge(tip)) return { heads: [tip], toProve: [tip] };\n",
      ],
    ],
    profile: "makers",
    within: 100,
    lastFound: 46,
  },
  {
    name: "what differs is said to be alike",
    file: "src/saga/ranges.ts",
    change: [
      ["set.fingerprint(range) === fingerprint);", "set.count(range) > 0 || fingerprint === fingerprint);"],
    ],
    profile: "rights",
    within: 60,
  },
];
