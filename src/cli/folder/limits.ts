/** What one folder may be: what is beyond it is left out, and named. */
export const folderLimits = {
  /** Files, those that were removed not counted. */
  filesMax: 50_000,
  /** Bytes of one file: what may be made up of little, and what one command reads of a file that grows and grows. */
  fileBytesMax: 64 * 1024 ** 3,
  /** UTF-8 of a whole path. */
  pathBytesMax: 1024,
  /** UTF-8 of one name, as file systems have it. */
  nameBytesMax: 255,
  /** Names in a path. */
  depthMax: 32,
  /** Removed files that are looked through for the one that a new file may be. */
  removedMax: 4_096,
  /** Frames of a file that are looked through for a text that another file has as well. */
  historyMax: 64,
  /** Frames of one file that a log shows, and a revision is looked for in. */
  logFramesMax: 10_000,
  /** Frames of each file that a log of several shows. */
  logFramesPerFileMax: 256,
  /** Pairs of files with one path whose histories are compared in one sync. */
  twinsMax: 64,
} as const;
