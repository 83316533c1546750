import { type JsonObject, toHex } from "../../base/index.js";
import {
  type Address,
  createTimeline,
  type IbGib,
  mutate,
  relate,
  sealRecord,
  tjpOf,
} from "../../ibgib/index.js";
import type { Access } from "../../lists/index.js";
import { cellKinds, newCell } from "../../peer/home/cells.js";
import { adopt, leftOut, saveRecords, setAside, share, unshare } from "../../peer/index.js";
import type { Dice } from "./dice.js";
import type { Home } from "./home.js";
import type { Timeline } from "./ledger.js";
import type { SimulatedProcess } from "./process.js";
import type { World } from "./world.js";

/** Longer than any world is. */
const yearMs = 365 * 24 * 60 * 60_000;

/** What people write and share in a world; all of it goes into the ledger before it can be anywhere else. */
export class Authorship {
  #edits = 0;
  #shares = 0;

  constructor(
    private readonly world: World,
    private readonly dice: Dice,
  ) {}

  create(process: SimulatedProcess, home: Home, within?: Address): void {
    const { app } = this.world.settings;
    const uuid = toHex(this.dice.bytes(16));
    const record = createTimeline({ ib: app.ib, data: app.first, owner: home.address, within, uuid });
    const edit = app.edit(app.first, this.#editDice());
    this.#save(process, home, "creates", async () => [record, this.#edited(record, edit, home)]);
  }

  edit(process: SimulatedProcess, home: Home, { address }: Timeline): void {
    const dice = this.#editDice();
    this.#save(process, home, "edits", async () => {
      const tip = await tipOf(process, address);
      if (!tip || tip.data instanceof Uint8Array) return [];
      return [this.#edited(tip, this.world.settings.app.edit({ ...tip.data }, dice), home)];
    });
  }

  link(process: SimulatedProcess, home: Home, timeline: Timeline, other: Timeline): void {
    if (timeline === other) return this.#linkNowhere(process, home, timeline);
    this.#save(process, home, "links", async () => {
      const [tip, target] = [await tipOf(process, timeline.address), await tipOf(process, other.address)];
      return tip && target ? [relate(tip, { add: { part: [other.address] } }, { by: home.address })] : [];
    });
  }

  share(process: SimulatedProcess, owner: Home, timeline: Timeline, to: Home, access: Access): void {
    timeline.readers.add(to.lineage);
    if (access === "write") timeline.writers.add(to.lineage);
    const isForLong = this.#shares++ % 2 === 1;
    const terms = isForLong && { expires: process.platform.clock.now() + yearMs };
    const given = { timeline: timeline.address, with: to.address, access, ...terms };
    this.world.calls.begin(
      process,
      `shares with ${to.name}`,
      () => share(process.identity, given, process.platform),
      () => this.world.facts.share(owner, given),
    );
  }

  /** With somebody who has it: what counts is that the identity signs. */
  shareAgain(process: SimulatedProcess, home: Home): void {
    const { ledger, senders } = this.world;
    const own = ledger.timelines.find(
      ({ owner, ruler, readers }) => owner === home.name && !ruler && readers.size > 1,
    );
    const other = senders.find(({ lineage }) => lineage !== home.lineage && own?.readers.has(lineage));
    if (own && other) this.share(process, home, own, other, "read");
  }

  unshare(process: SimulatedProcess, timeline: Timeline, from: Home): void {
    this.world.ledger.withdrawn(timeline);
    const taken = { timeline: timeline.address, from: from.address };
    this.world.calls.begin(process, `takes back from ${from.name}`, () =>
      unshare(process.identity, taken, process.platform),
    );
  }

  /** Something that was left out of a timeline counts again, whoever has made it. */
  adopt(process: SimulatedProcess, { address: timeline }: Timeline): void {
    const { identity, platform } = process;
    this.world.calls.begin(process, "adopts", async () => {
      const [left] = await leftOut(identity, timeline);
      if (!left || !process.isAlive) return;
      this.world.trace.count("run adoptions");
      await adopt(identity, { timeline, frame: left.frame }, platform);
    });
  }

  /** What somebody else has put on top of a timeline counts no more. */
  setAside(process: SimulatedProcess, timeline: Timeline): void {
    const { ledger, calls } = this.world;
    const { identity, platform } = process;
    calls.begin(process, "sets aside", async () => {
      const tip = await tipOf(process, timeline.address);
      const heads = tip ? ledger.headsOf(tip.address) : [];
      const frame = heads.find((head) => !ledger.makersOf(head).includes(timeline.owner));
      if (frame === undefined || !process.isAlive) return;
      timeline.aside.add(frame);
      this.world.trace.count("run set-asides");
      const said = { timeline: timeline.address, frame, why: "not like this" };
      await setAside(identity, said, platform);
    });
  }

  /**
   * Writes as the owner of somebody else's timeline, past all that keeps honest homes from it. A sender goes on from that
   * with a frame of its own, which it may sign; a receiver shows it to whoever asks.
   */
  forge(process: SimulatedProcess, home: Home, { address }: Timeline): void {
    const { app } = this.world.settings;
    const dice = this.#editDice();
    this.world.trace.count("fault forged frame");
    this.world.calls.begin(process, "forges", async () => {
      const tip = await tipOf(process, address);
      if (!tip || tip.data instanceof Uint8Array || !process.isAlive) return;
      const forged = mutate(tip, app.edit({ ...tip.data }, dice));
      const frames =
        home.kind === "receiver"
          ? [forged]
          : [forged, this.#edited(forged, app.edit({ ...tip.data }, dice), home)];
      this.world.ledger.made(frames, home.lineage);
      await process.identity.space.commit({
        holder: home.address,
        sight: "anyone",
        puts: frames,
        tips: [{ tjp: address, from: tip.address, to: frames.at(-1)?.address ?? forged.address }],
        cells: frames.map(({ gib }) => newCell(cellKinds.made, gib, {})),
      });
    });
  }

  #editDice(): Dice {
    return this.dice.of(`edit ${this.#edits++}`);
  }

  #edited(tip: IbGib, edit: JsonObject, { address: by }: Home): IbGib {
    const frame = mutate(tip, edit, { by });
    this.world.ledger.edits.set(frame.address, edit);
    return frame;
  }

  /** An app's mistake: a link to what is not there is not to be saved. */
  #linkNowhere(process: SimulatedProcess, home: Home, { address }: Timeline): void {
    const nowhere = sealRecord({ ib: "nowhere", data: { uuid: toHex(this.dice.bytes(16)) } }).address;
    this.world.trace.count("fault link to nowhere");
    this.#save(process, home, "links to nowhere", async () => {
      const tip = await tipOf(process, address);
      return tip ? [relate(tip, { add: { part: [nowhere] } }, { by: home.address })] : [];
    });
  }

  #save(process: SimulatedProcess, home: Home, what: string, make: () => Promise<readonly IbGib[]>): void {
    const { calls, facts, ledger } = this.world;
    calls.begin(
      process,
      what,
      async () => {
        const records = await make();
        if (!process.isAlive) return [];
        ledger.made(records, home.lineage);
        if (records.length > 0) await saveRecords(process.identity, records);
        return records;
      },
      (records) => {
        for (const record of records) facts.tip(home, tjpOf(record) ?? record.address, record.address);
      },
    );
  }
}

async function tipOf({ identity }: SimulatedProcess, timeline: Address): Promise<IbGib | undefined> {
  const tip = await identity.space.tip(timeline);
  return tip && identity.space.get(tip.address);
}
