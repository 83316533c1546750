import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A proxy that can stop passing bytes, with no word to either side. */
export interface TcpProxy {
  readonly url: string;
  /** From now on nothing passes on the connections there are. */
  stop(): void;
  close(): Promise<void>;
}

export async function tcpProxy(port: number): Promise<TcpProxy> {
  /** Each is here until it has closed, whatever becomes of its pair: a paused one does not see its other end go. */
  const sockets = new Set<Socket>();
  const pipes: { readonly from: Socket; readonly to: Socket }[] = [];
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.pipe(to);
      pipes.push({ from, to });
      sockets.add(from);
      from.on("error", () => undefined);
      from.on("close", () => sockets.delete(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${own}`,
    stop() {
      for (const { from, to } of pipes.splice(0)) from.unpipe(to).pause();
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
