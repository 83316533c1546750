/** What may happen in a world, and how often one thing rather than another. */
export interface Profile {
  /** Steps after the opening: at least and at most. */
  readonly steps: readonly [number, number];
  /** How many of the syncs are cancelled. */
  readonly cancels: number;
  /** How many of those who are let in may write. */
  readonly writers: number;
  /** How many timelines are made within another one. */
  readonly within: number;
  readonly weights: Readonly<Record<DeedKind, number>>;
}

export type DeedKind = (typeof deedKinds)[number];
const deedKinds = [
  ...([
    "create",
    "edit",
    "link",
    "share",
    "unshare",
    "adopt",
    "setAside",
    "sync",
    "pry",
    "rush",
    "connect",
    "disconnect",
  ] as const),
  ...(["crash", "restart", "second", "restore", "clone", "jump", "storage"] as const),
  ...(["connection", "message", "enemy", "part", "relay", "stranger", "forge"] as const),
];

/** What people do. */
const life = { create: 1, edit: 6, link: 1, share: 1, sync: 8, connect: 1, disconnect: 1 };

function profile(
  weights: Partial<Record<DeedKind, number>>,
  { cancels = 0.1, writers = 0.8, within = 0 }: Partial<Omit<Profile, "steps" | "weights">> = {},
): Profile {
  const none = Object.fromEntries(deedKinds.map((kind) => [kind, 0])) as Record<DeedKind, number>;
  return { steps: [4, 9], cancels, writers, within, weights: { ...none, ...life, ...weights } };
}

const faults = {
  network: { connection: 8, message: 8, part: 3 },
  crashes: { crash: 14, restart: 2 },
  storage: { storage: 12, crash: 3 },
  clocks: { jump: 10, connection: 2 },
  backups: { restore: 8, clone: 2, crash: 2 },
  processes: { second: 6, rush: 4, crash: 4, storage: 2 },
  hostile: { enemy: 14, relay: 1, stranger: 3, connection: 2 },
};

/** Worlds of one kind of trouble each, and `mixed`, where everything goes wrong at once. */
export const profiles = {
  calm: profile({ rush: 1 }, { cancels: 0 }),
  network: profile(faults.network),
  crashes: profile(faults.crashes),
  storage: profile(faults.storage),
  clocks: profile(faults.clocks),
  backups: profile(faults.backups),
  processes: profile(faults.processes),
  hostile: profile(faults.hostile),
  rights: profile(
    { unshare: 2, adopt: 1, setAside: 1, share: 3, create: 2, pry: 4 },
    { writers: 0.6, within: 0.4 },
  ),
  makers: profile({ forge: 6, share: 2, create: 1 }, { writers: 0.9 }),
  mixed: profile({
    ...{ connection: 2, message: 2, part: 1, crash: 4, restart: 1, storage: 3, jump: 2 },
    ...{
      restore: 1,
      clone: 0.5,
      second: 2,
      rush: 1,
      pry: 0.5,
      enemy: 3,
      relay: 0.5,
      stranger: 1,
      unshare: 0.3,
    },
  }),
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;

export function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(profiles, name);
}
