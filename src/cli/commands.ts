import type { Command } from "./command.js";

/** Every command by name, in the order of the help; each is loaded when it is asked for. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import("./commands/init.js")).init,
  id: async () => (await import("./commands/id.js")).id,
};
