import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that the system gives to whoever asks for any: so nobody gets it while a server is started anew. */
const [first, count] = [20_000, 10_000];

/** A TCP port on loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + Math.floor(Math.random() * count);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await Promise.race([
      once(server, "listening").then(() => true),
      once(server, "error").then(() => false),
    ]);
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
