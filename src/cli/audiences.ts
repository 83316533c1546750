import { UsageError } from "./command.js";

/** What `--audience` gives, as senders will name it: scheme, host and port, and no more. */
export function parseAudience(text: string): string {
  const origin = originIn(text, ["ws:", "wss:"]);
  if (origin !== undefined) return origin;
  throw new UsageError(`--audience takes what senders dial, as wss://sync.example or ws://127.0.0.1:4747`);
}

/** What `--origin` gives, as a browser sends it: scheme, host and port of a page, and no more. */
export function parseOrigin(text: string): string {
  const origin = originIn(text, ["http:", "https:"]);
  if (origin !== undefined) return origin;
  throw new UsageError(
    `--origin takes where a page is from, as https://app.example or http://localhost:5173`,
  );
}

function originIn(text: string, schemes: readonly string[]): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin =
    url !== undefined && ["", "/"].includes(url.pathname) && url.search === "" && url.hash === "";
  return isOrigin && schemes.includes(url.protocol) && url.username === "" ? url.origin : undefined;
}

/** Who this receiver answers for when nothing else was said: where it listens, and the other names of this machine. */
export function defaultAudiences(url: string): readonly string[] {
  const { protocol, hostname, port } = new URL(url);
  if (!loopbackNames.includes(hostname)) return [new URL(url).origin];
  const names = [hostname, ...loopbackNames.filter((name) => name !== hostname && name !== "[::1]")];
  return names.map((name) => new URL(`${protocol}//${name}:${port}`).origin);
}

/** A host that stands for every address of this machine: nobody dials it by that name. */
export function isEveryAddress(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "";
}

/** The origin that a browser sends for a page served from where `audience` is dialled. */
export function pageOrigin(audience: string): string {
  return audience.replace(/^ws/, "http");
}

const loopbackNames = ["127.0.0.1", "localhost", "[::1]"];
