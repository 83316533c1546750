import { createIdentity, type Identity } from "../../src/peer/index.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import type { Dial } from "../../src/transport/index.js";
import type { Lab } from "./lab.js";
import { eventually } from "../waiting.js";

/** An identity that is nobody of the cast. */
export function newIdentity(
  { platform }: Pick<Lab, "platform">,
  space: Space = new InnerSpace(),
  secret = platform.random.bytes(32),
): Promise<Identity> {
  return createIdentity({ space, secret, recoverySecret: platform.random.bytes(32), platform });
}

/** Somebody who says what it likes to a receiver, and listens. Resolves when hello was heard. */
export async function stranger(dial: Dial) {
  const connection = await dial();
  const heard: string[] = [];
  let isOver = false;
  connection.start({
    message: (message) => void heard.push(String(message)),
    closed: () => {
      isOver = true;
    },
  });
  await eventually(() => heard.length > 0);
  return {
    heard,
    say: (message: object) => connection.send(JSON.stringify(message)),
    isOver: () => isOver,
    connection,
  };
}
