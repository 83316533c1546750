import { expect, test } from "vitest";
import { settingsFrom } from "../../src/transport/limits.js";
import { type Wire, WireConnection, type WireReports } from "../../src/transport/wire-connection.js";
import { Recorder } from "./recorder.js";
import { fakeTimers } from "./timers.js";

/** A connection over a wire that does what the test says, and notes when it is cut. */
function over(behaviour: Partial<Wire>) {
  const clock = fakeTimers();
  let cuts = 0;
  const attach = (reports: WireReports): Wire => ({
    bufferedBytes: 0,
    channelBinding: undefined,
    remoteAddress: "nowhere",
    write: () => {},
    pause: () => {},
    resume: () => {},
    close: () => queueMicrotask(() => reports.gone(1000)),
    cut: () => {
      cuts++;
      queueMicrotask(() => reports.gone(1006));
    },
    ...behaviour,
  });
  const connection = new WireConnection(attach, settingsFrom({ timers: clock.timers }));
  return { end: new Recorder(connection), connection, cuts: () => cuts, waiting: clock.waiting };
}

const broken = () => {
  throw new Error("EPIPE");
};

test("a wire that throws under a send ends as closed, not as a throw (threat 23)", async () => {
  const { end, connection, cuts, waiting } = over({ write: broken });
  connection.send("anything");
  expect(await end.ended()).toBe("connection_lost");
  expect([cuts(), waiting(), end.ends[0]?.cause]).toEqual([1, 0, new Error("EPIPE")]);
});

test("a wire that throws under a close is cut, and close resolves all the same", async () => {
  const { end, connection, cuts, waiting } = over({ close: broken });
  await connection.close();
  expect([cuts(), waiting(), end.ends]).toEqual([1, 0, [undefined]]);
});
