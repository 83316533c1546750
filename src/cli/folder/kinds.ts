/**
 * A folder is a timeline `folder` that relates its files as `file`; a file is a timeline `file` with its path and its
 * text as values. A file that is renamed has another path. One that is removed has no text any more and is no longer
 * related; it keeps its history, and what is made anew in its place goes on from there. Files stand `within` their folder
 * and have its owner: who may write the folder may write them.
 */
export const folderIb = "folder";
export const fileIb = "file";
export const fileLink = "file";
