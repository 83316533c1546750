import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { systemPlatform } from "../../src/peer/index.js";
import { type Network, type TapRule, tapDial } from "../../src/testing/index.js";
import { createInnerspace, dialWebSocket } from "../../src/transport/index.js";
import { webSocketNetwork } from "./scenario.js";

/** A network that cuts each connection once so many bytes have gone up it. */
export interface CutNetwork extends Network {
  /** How long connections that are dialled from now on last. */
  lasts(bytes: number): void;
  /** Connections that were cut. */
  cuts(): number;
}

/** Counts down what each connection has left. */
class Shears {
  cuts = 0;
  lasting = Number.POSITIVE_INFINITY;

  /** @param cut Called once, when the connection is to end. */
  connection(cut: () => void): (bytes: number) => void {
    let left = this.lasting;
    return (bytes) => {
      if (left <= 0) return;
      left -= bytes;
      if (left > 0) return;
      this.cuts++;
      cut();
    };
  }
}

function networkWith(shears: Shears, listen: Network["listen"]): CutNetwork {
  return {
    listen,
    lasts: (bytes) => {
      shears.lasting = bytes;
    },
    cuts: () => shears.cuts,
  };
}

/** In memory: what was under way is lost with the connection. */
export function cutInnerspace(): CutNetwork {
  const shears = new Shears();
  return networkWith(shears, async (receiver) => {
    const { listen, dial, sever } = createInnerspace(systemPlatform);
    const stop = listen((connection) => receiver.accept(connection));
    return {
      audience: "innerspace://receiver",
      dial: (signal) => {
        const pass = shears.connection(sever);
        const rule: TapRule = ({ to, message }) => {
          if (to === "receiver") pass(message.length);
          return [message];
        };
        return tapDial(dial, rule).dial(signal);
      },
      async close() {
        stop();
        await receiver.close();
      },
    };
  });
}

/** A real WebSocket on loopback, through a proxy that drops both its sockets. */
export function cutWebSocket(): CutNetwork {
  const shears = new Shears();
  return networkWith(shears, async (receiver) => {
    const behind = await webSocketNetwork().listen(receiver);
    const port = Number(new URL(behind.audience).port);
    const open = new Set<Socket>();
    const proxy = createServer((left) => {
      const right = connect(port, "127.0.0.1");
      const pair = [left, right];
      const cut = () => {
        for (const socket of pair) socket.destroy();
      };
      const pass = shears.connection(cut);
      left.on("data", ({ length }) => pass(length));
      left.pipe(right).pipe(left);
      for (const socket of pair) {
        open.add(socket);
        socket.on("error", cut);
        socket.on("close", () => {
          open.delete(socket);
          cut();
        });
      }
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const audience = `ws://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    return {
      audience,
      dial: dialWebSocket(audience, { timers: systemPlatform.timers }),
      async close() {
        await behind.close();
        for (const socket of open) socket.destroy();
        await new Promise((resolve) => proxy.close(resolve));
      },
    };
  });
}
