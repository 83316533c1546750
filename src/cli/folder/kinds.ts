/**
 * A folder is a timeline `folder`; its files are the timelines `file` that stand `within` it and have its owner, each with its
 * path and its text as values, and with `executable` where its owner may run it. What is no text, or a long one, has in its
 * place `content`, the root of its chunks, which the frame links; see `ChunkTree`. No list names the files, so that any
 * number may come and go and no two people write one thing. Who may write the folder may write them. A file that is renamed
 * has another path. One whose path ends with a slash, with an empty text, is a directory in which there is nothing else: so
 * empty ones travel. One that is removed says nothing any more; it keeps its history, and what is made anew in its place goes
 * on from there. So does one of which frames have come that only link chunks: what it says comes with the last of them.
 */
export const folderIb = "folder";
export const fileIb = "file";
