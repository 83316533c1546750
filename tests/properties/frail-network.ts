import type { Platform } from "../../src/peer/index.js";
import { type Network, type TapRule, tapDial } from "../../src/testing/index.js";
import { createInnerspace } from "../../src/transport/index.js";

/** Cuts the connections of the receiver that a message was going to or coming from; that message is lost too. */
export type Sever = () => void;

/** Connections in memory, to which something can happen. */
export interface FrailNetwork extends Network {
  /** Once `messages` have passed, on any connection, lets this happen before the next one does. In place of the last. */
  after(messages: number, happen: (sever: Sever) => void): void;
  /** Forgets what has not happened yet. */
  calm(): void;
}

export function frailNetwork({ timers }: Platform): FrailNetwork {
  let ahead: { left: number; readonly happen: (sever: Sever) => void } | undefined;
  let receivers = 0;

  const pass = (sever: Sever) => {
    if (ahead === undefined || ahead.left-- > 0) return;
    const { happen } = ahead;
    ahead = undefined;
    happen(sever);
  };

  return {
    after: (left, happen) => {
      ahead = { left, happen };
    },
    calm: () => {
      ahead = undefined;
    },
    async listen(receiver) {
      const { listen, dial, sever } = createInnerspace({ timers });
      const stop = listen((connection) => receiver.accept(connection));
      const rule: TapRule = ({ message }) => {
        pass(sever);
        return [message];
      };
      receivers += 1;
      return {
        audience: `innerspace://receiver-${receivers}`,
        dial: (signal) => tapDial(dial, rule).dial(signal),
        async close() {
          stop();
          await receiver.close();
        },
      };
    },
  };
}
