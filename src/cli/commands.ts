import type { Command } from "./command.js";

/** Every command by name, in the order of the help; each is loaded when it is asked for. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import("./commands/init.js")).init,
  id: async () => (await import("./commands/id.js")).id,
  serve: async () => (await import("./commands/serve.js")).serve,
  invite: async () => (await import("./commands/invite.js")).invite,
  admit: async () => (await import("./commands/admit.js")).admit,
  expel: async () => (await import("./commands/expel.js")).expel,
  sync: async () => (await import("./commands/sync.js")).sync,
  status: async () => (await import("./commands/status.js")).status,
  diff: async () => (await import("./commands/diff.js")).diff,
  log: async () => (await import("./commands/log.js")).log,
  restore: async () => (await import("./commands/restore.js")).restore,
  clone: async () => (await import("./commands/clone.js")).clone,
  conflicts: async () => (await import("./commands/conflicts.js")).conflicts,
  share: async () => (await import("./commands/share.js")).share,
  unshare: async () => (await import("./commands/unshare.js")).unshare,
  adopt: async () => (await import("./commands/adopt.js")).adopt,
  "set-aside": async () => (await import("./commands/set-aside.js")).setAside,
  who: async () => (await import("./commands/who.js")).who,
  verify: async () => (await import("./commands/verify.js")).verify,
  export: async () => (await import("./commands/export.js")).exportCommand,
  show: async () => (await import("./commands/show.js")).show,
  demo: async () => (await import("./commands/demo.js")).demo,
};
