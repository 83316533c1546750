/** How far a step is that takes each file of a folder. */
export interface FolderProgress {
  readonly doing: "looking at" | "recording" | "writing";
  readonly files: number;
  readonly of: number;
}

export type OnProgress = (progress: FolderProgress) => void;

export const unseen: OnProgress = () => undefined;

/** What a step calls each time that it has dealt with some more files. That it has begun is told at once: one may be large. */
export function counting(
  onProgress: OnProgress,
  doing: FolderProgress["doing"],
  of: number,
): (more: number) => void {
  let files = 0;
  if (of > 0) onProgress({ doing, files, of });
  return (more) => {
    files += more;
    onProgress({ doing, files, of });
  };
}
