import { format } from "node:util";
import { searchFor } from "./watch.js";

const methods = ["debug", "error", "info", "log", "trace", "warn"] as const;

let isWatched = false;

/** All that this process prints, by whatever way. Once is enough for files that share a process. */
export function watchConsole(): void {
  if (isWatched) return;
  isWatched = true;
  for (const method of methods) {
    const print = console[method].bind(console);
    console[method] = (...args: unknown[]) => {
      searchFor("the console", format(...args));
      print(...args);
    };
  }
  for (const name of ["stdout", "stderr"] as const) watchStream(name, process[name]);
}

function watchStream(name: string, stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream);
  const watched = (...args: Parameters<typeof write>): boolean => {
    const [chunk] = args;
    searchFor(name, typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("latin1"));
    return write(...args);
  };
  stream.write = watched as typeof stream.write;
}
