/**
 * A folder is a timeline `folder`; its files are the timelines `file` that stand `within` it and have its owner, each with its
 * path and its text as values, and with `executable` where its owner may run it. No list names them, so that any number may come and go and no two people write one thing.
 * Who may write the folder may write them. A file that is renamed has another path. One that is removed has no text any more;
 * it keeps its history, and what is made anew in its place goes on from there.
 */
export const folderIb = "folder";
export const fileIb = "file";
