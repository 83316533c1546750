import { type Facts, KeysagaError } from "./errors.js";

/** What the system's own names of failures mean, for people who do not know them. */
const meanings: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the quota on this disk is used up",
  EACCES: "no permission",
  EPERM: "not permitted",
  EROFS: "the disk is read-only",
  EIO: "the disk reports an error",
  EFBIG: "the file is larger than the system allows",
  EMFILE: "this process has too many files open",
  ENFILE: "the system has too many files open",
  ENOENT: "it is not there",
  ENOTDIR: "it is not a directory",
  EISDIR: "it is a directory",
  EEXIST: "it is there already",
  ENOTEMPTY: "the directory is not empty",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "too many symbolic links",
  EBUSY: "it is in use",
  ETXTBSY: "it is in use",
  EXDEV: "it lies on another disk",
  ENODEV: "the disk is gone",
  ESTALE: "the disk is gone",
  ETIMEDOUT: "the disk does not answer",
  ENOMEM: "there is not enough memory",
};

const codeOf: Readonly<Record<string, "disk_full" | "file_refused">> = {
  ENOSPC: "disk_full",
  EDQUOT: "disk_full",
  EACCES: "file_refused",
  EPERM: "file_refused",
  EROFS: "file_refused",
};

/**
 * What the system refused, as an error that a person can act on. The one place where the system's names become words.
 *
 * @param path What it was about, where the caller knows better than the system: not a temporary file, say.
 * @returns Undefined for what no system call has thrown.
 */
export function systemError(thrown: unknown, path?: string): KeysagaError | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown) || !("syscall" in thrown)) return undefined;
  const name = String(thrown.code);
  const where = path ?? ("path" in thrown ? String(thrown.path) : undefined);
  return failedWith(name, where, thrown);
}

/** @param name As the system calls the failure: `ENOSPC`. */
export function failedWith(name: string, path: string | undefined, cause?: unknown): KeysagaError {
  const facts: Facts = { reason: name === "ENOSPC" ? undefined : meaningOf(name), path };
  return new KeysagaError(codeOf[name] ?? "file_failed", facts, { cause });
}

/** A failure of the system in words. */
export function meaningOf(name: string): string {
  return meanings[name] ?? `the system calls it ${name}`;
}
