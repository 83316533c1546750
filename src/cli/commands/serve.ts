import { readFile } from "node:fs/promises";
import { type Admission, admissionsOf, createReceiver, type Identity } from "../../index.js";
import { checkHome, type ReceiverServer, type ServeOptions, serve as startServer } from "../../node/index.js";
import { parseIdentity } from "../addresses.js";
import { defaultAudiences, isEveryAddress, pageOrigin, parseAudience, parseOrigin } from "../audiences.js";
import { commonOptions, defineCommand, exitCodes, UsageError } from "../command.js";
import { confirmed } from "../confirmed.js";
import { type Context, homeDir, note, print } from "../context.js";
import { limitTable, parseLimits, serverPart } from "../limits.js";
import { withHome } from "../open-home.js";
import { serveLog } from "../serve-log.js";
import { keepServing } from "../serving.js";
import { listenForStop } from "../stop-signal.js";

const defaultHost = "127.0.0.1";
const defaultPort = 4747;
/** How long sagas under way may go on once the receiver is told to stop. */
const drainMs = 10_000;

export const serve = defineCommand({
  name: "serve",
  summary: "Run a receiver.",
  about: `Runs a receiver for this home: senders it admits sync with its store. It prints one line when it is
ready, then its log on stderr: when, from where, which identity, and of what failed why; /healthz and /readyz answer
on the same port. SIGINT or SIGTERM lets sagas under way finish and ends it; a second one ends it at once.

Whom keysaga admit names is admitted, and whom keysaga expel names is not, whatever is said here. Both work while
this runs, as does keysaga invite.`,
  operands: [],
  options: {
    home: commonOptions.home,
    unconfirmed: commonOptions.unconfirmed,
    host: { type: "string", value: "HOST", about: `Where to listen (default: ${defaultHost}).` },
    port: {
      type: "string",
      value: "PORT",
      about: `The port (default: ${defaultPort}; 0: any that is free).`,
    },
    audience: {
      type: "string",
      value: "ORIGIN",
      multiple: true,
      about: "What senders dial, as wss://sync.example (default: where it listens).",
    },
    origin: {
      type: "string",
      value: "ORIGIN",
      multiple: true,
      about: "A web page's origin that may connect, as https://app.example (beside those of --audience).",
    },
    limit: {
      type: "string",
      value: "NAME=VALUE",
      multiple: true,
      about: "Sets a limit, as bytesMax=256MiB; the list is below.",
    },
    admit: {
      type: "string",
      value: "WHO",
      about: "allow-list (default): those named; invite: and the invited; open: all who prove an identity.",
    },
    allow: { type: "string", value: "IDENTITY", multiple: true, about: "An identity to admit." },
    "tls-cert": { type: "string", value: "FILE", about: "Certificate chain, PEM; with --tls-key." },
    "tls-key": { type: "string", value: "FILE", about: "Private key, PEM." },
    "trust-proxy": {
      type: "string",
      value: "ADDRESS",
      multiple: true,
      about: "A proxy in front, or a block of them (10.0.0.0/8): its X-Forwarded-For says who connects.",
    },
    "proxy-protocol": {
      type: "boolean",
      about: "The proxies of --trust-proxy say so by the PROXY protocol instead.",
    },
    json: { type: "boolean", about: "Print the ready line and the log as JSON, an object a line." },
  },
  examples: [
    "keysaga serve --allow 6E5BAC46…",
    "keysaga serve --admit invite",
    "keysaga serve --host 0.0.0.0 --port 443 --audience wss://sync.example --tls-cert c.pem --tls-key k.pem",
    "keysaga serve --admit open --origin https://app.example --limit durableBytesPerIdentityMax=5GiB",
  ],
  list: {
    title: "Limits, and what they are unless set:",
    rows: limitTable().map(([name, value, about]) => [name, `${value.padEnd(9)} ${about}`]),
  },
  async run(context, values) {
    const admission = admissionOf(values.admit, values.allow ?? []);
    const host = values.host ?? defaultHost;
    const port = parsePort(values.port);
    const audiences = values.audience?.map(parseAudience);
    if (audiences === undefined && isEveryAddress(host)) {
      throw new UsageError(`--host ${host} is no address to dial: say what senders dial with --audience`);
    }
    const origins = values.origin?.map(parseOrigin) ?? [];
    const limits = parseLimits(values.limit ?? []);
    const tls = await readTls(values["tls-cert"], values["tls-key"]);
    const trustProxy = trustOf(values["trust-proxy"], values["proxy-protocol"] === true);
    const isJson = values.json === true;
    await checkHome(homeDir(context, values.home));
    await withHome(
      context,
      values.home,
      async ({ identity }) => {
        const stop = listenForStop();
        const log = serveLog(context, isJson);
        const at = { host, port, ...(tls && { tls }), ...(trustProxy && { trustProxy }), log };
        const server = await start(identity, { admission, audiences, origins, limits }, at);
        announce(context, server, isJson);
        const isWaiting = isClosedToAll(admission) && (await admissionsOf(identity)).length === 0;
        if (isWaiting) note(context, `nobody can sync yet: ${howToAdmit[admission.kind]}`);
        await untilAborted(stop.signal);
        await server.close(drainMs);
        stop.release();
      },
      values,
    );
    return exitCodes.ok;
  },
});

/** What to do where nobody is admitted yet. */
const howToAdmit: Readonly<Record<Admission["kind"], string>> = {
  "allow-list": "name whom to admit with --allow",
  invite: "let somebody in with keysaga invite",
  ask: "",
  open: "",
};

type At = Pick<ServeOptions, "host" | "port" | "tls" | "trustProxy" | "log">;

/** Whom it serves, and what they may cost it. */
interface Policy {
  readonly admission: Admission;
  /** Undefined: they follow from where it listens, which is known once it does. */
  readonly audiences: readonly string[] | undefined;
  readonly origins: readonly string[];
  readonly limits: ReturnType<typeof parseLimits>;
}

function start(identity: Identity, policy: Policy, at: At): Promise<ReceiverServer> {
  const { admission, limits } = policy;
  return startServer({
    ...at,
    receiver: async (url) => {
      const audiences = policy.audiences ?? defaultAudiences(url);
      await keepServing(identity, { audiences: [...audiences], admits: admission.kind });
      return confirmed(identity, () => createReceiver({ identity, admission, audiences, limits }));
    },
    origins: [...(policy.audiences ?? []).map(pageOrigin), ...policy.origins],
    limits: serverPart(limits),
  });
}

function announce(context: Context, { url, receiver }: ReceiverServer, isJson: boolean): void {
  const identity = receiver.address;
  print(
    context,
    isJson
      ? JSON.stringify({ event: "ready", url, identity })
      : `keysaga receiver ready at ${url} as ${identity}`,
  );
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function admissionOf(kind: string | undefined, allowed: readonly string[]): Admission {
  const identities = allowed.map((text) => parseIdentity(text, "--allow"));
  switch (kind) {
    case "open":
      if (identities.length > 0) throw new UsageError("--allow has no meaning beside --admit open");
      return { kind: "open" };
    case undefined:
    case "allow-list":
      return { kind: "allow-list", identities };
    case "invite":
      return { kind: "invite", identities };
    default:
      throw new UsageError(`--admit is open, allow-list or invite, not '${kind}'`);
  }
}

function isClosedToAll(admission: Admission): boolean {
  return "identities" in admission && admission.identities?.length === 0;
}

function parsePort(text: string | undefined): number {
  if (text === undefined) return defaultPort;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new UsageError(`--port is a number from 0 to 65535, not '${text}'`);
}

function trustOf(
  addresses: readonly string[] | undefined,
  usesProxyProtocol: boolean,
): ServeOptions["trustProxy"] {
  if (addresses !== undefined)
    return { addresses, by: usesProxyProtocol ? "proxy-protocol" : "x-forwarded-for" };
  if (usesProxyProtocol)
    throw new UsageError("--proxy-protocol needs --trust-proxy, which names the proxies");
  return undefined;
}

async function readTls(cert: string | undefined, key: string | undefined): Promise<ServeOptions["tls"]> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) throw new UsageError("--tls-cert and --tls-key go together");
  return { cert: await readPem(cert, "--tls-cert"), key: await readPem(key, "--tls-key") };
}

async function readPem(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    throw new UsageError(`${option}: cannot read ${path}`);
  }
}
