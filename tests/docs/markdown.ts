import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** A page of the documentation. */
export interface Page {
  /** From the package's root: `docs/protocol.md`. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block, with the heading it stands under and the line it begins at. */
export interface Block {
  readonly page: string;
  readonly section: string;
  readonly line: number;
  /** What stands behind the fence: `ts`, `ts check`, `sh`. */
  readonly info: string;
  readonly code: string;
}

export interface MarkdownLink {
  readonly text: string;
  /** Empty for a link within the page. */
  readonly target: string;
  readonly anchor: string | undefined;
}

/** README, CHANGELOG and everything in docs/. */
export function pages(): readonly Page[] {
  const docs = readdirSync(`${root}docs`).filter((name) => name.endsWith(".md"));
  const paths = ["README.md", "CHANGELOG.md", ...docs.sort().map((name) => `docs/${name}`)];
  return paths.map((path) => ({ path, text: readFileSync(root + path, "utf8") }));
}

export function page(path: string): Page {
  return pages().find((each) => each.path === path) ?? fail(`${path} is not there`);
}

export function blocksOf({ path, text }: Page): readonly Block[] {
  const blocks: Block[] = [];
  let section = "";
  let open: { info: string; line: number; code: string[] } | undefined;
  for (const [at, line] of text.split("\n").entries()) {
    if (open && line === "```") {
      blocks.push({
        page: path,
        section,
        line: open.line,
        info: open.info,
        code: `${open.code.join("\n")}\n`,
      });
      open = undefined;
    } else if (open) open.code.push(line);
    else if (line.startsWith("```")) open = { info: line.slice(3).trim(), line: at + 1, code: [] };
    else if (line.startsWith("## ")) section = line.slice(3);
  }
  return open ? fail(`${path}:${open.line} is not closed`) : blocks;
}

/** Links to places in the repository; those to the web are left out. */
export function linksOf(page: Page): readonly MarkdownLink[] {
  const links = proseOf(page).matchAll(/\[((?:`[^`]*`|[^[\]`])+)\]\(([^()\s]+)\)/g);
  return Array.from(links, ([, text = "", to = ""]) => ({ text, to }))
    .filter(({ to }) => !/^[a-z]+:/.test(to))
    .map(({ text, to }) => {
      const [target = "", anchor] = to.split("#");
      return { text, target, anchor };
    });
}

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf(page: Page): ReadonlySet<string> {
  const headings = proseOf(page).matchAll(/^#{1,6} (.*)$/gm);
  return new Set(
    Array.from(headings, ([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function proseOf({ text }: Page): string {
  return text.replace(/^```[\s\S]*?^```$/gm, "");
}

function fail(what: string): never {
  throw new Error(what);
}
