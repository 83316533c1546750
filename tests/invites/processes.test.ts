import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createInvite, createSender, systemPlatform } from "../../src/index.js";
import { createHome, openHome } from "../../src/node/index.js";
import { codeOf } from "../protocol/lab.js";
import { newDirectory } from "../space/homes.js";
import { startChild } from "../space/processes/child.js";
import { newcomer } from "./cast.js";
import { eventually, patient } from "../waiting.js";

const guests = Number(process.env["KEYSAGA_GUESTS"] ?? 100);

test(`of ${guests} who show one invite to two receivers on one home, exactly one gets in`, async () => {
  const dir = join(newDirectory(), "home");
  await createHome({ dir });
  const receivers = [1, 2].map(() => startChild("invites/processes/receive.ts", dir, "ws://127.0.0.1"));
  onTestFinished(() => receivers.forEach((receiver) => void receiver.kill()));
  const { identity, space, close } = await openHome({ dir });
  await Promise.all(receivers.map((receiver) => receiver.printed(1)));
  const urls = receivers.map(({ lines }) => String(lines[0]));

  // Made in a third process, and good in the other two at once.
  const { text, id } = await createInvite(identity, { url: urls[0]!, expiresInMs: 60 * 60_000 });
  const crowd = await Promise.all(Array.from({ length: guests }, () => newcomer(systemPlatform)));
  const senders = crowd.map((one, at) =>
    createSender({ identity: one, invite: text, url: urls[at % urls.length]!, limits: patient }),
  );
  const codes = await Promise.all(senders.map((sender) => codeOf(sender.connect())));
  await Promise.all(senders.map((sender) => sender.disconnect()));
  const winners = crowd.filter((_, at) => codes[at] === "none");
  expect(winners).toHaveLength(1);
  expect(codes.filter((code) => code === "invite_refused")).toHaveLength(guests - 1);
  expect(await space.cells("admission/")).toHaveLength(1);
  expect(await space.cells("identity/")).toHaveLength(2); // and its own
  const kept = JSON.parse(new TextDecoder().decode(await space.cell(`invite/${id}`)));
  expect(kept).toMatchObject({ usedBy: winners[0]?.address });
  const told = () => receivers.flatMap(({ lines }) => lines.slice(1));
  expect(await eventually(() => told().length > 0)).toBe(true);
  expect(told()).toEqual([`admitted ${winners[0]?.address}`]);
  await close();
});
