/** Comments, strings and regular expressions, and what opens or closes a template or a block. */
const inCode =
  /\/\*[\s\S]*?\*\/|\/\/.*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|(?<=[(,=:[!&|?{};>]\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/|[`{}]/g;
const inTemplate = /\\[\s\S]|\$\{|`/g;

/**
 * TypeScript with everything that is not code made blank: comments, regular expressions, the fixed text of templates
 * and, unless `keepStrings`, strings. Lines and columns stay. A scanner, not a parser: enough to search in.
 */
export function codeOf(text: string, { keepStrings = false } = {}): string {
  const open: ("template" | "block")[] = [];
  let code = "";
  for (let at = 0; at < text.length; ) {
    const isFixed = open.at(-1) === "template";
    const pattern = isFixed ? inTemplate : inCode;
    pattern.lastIndex = at;
    const { 0: token, index } = pattern.exec(text) ?? { 0: "", index: text.length };
    const before = text.slice(at, index);
    code += isFixed ? blank(before) : before;
    if (token === "`") code += isFixed ? close(open, " ") : push(open, "template", " ");
    else if (token === "{" || token === "${") code += push(open, "block", token);
    else if (token === "}") code += close(open, token);
    else code += keepStrings && /^["']/.test(token) ? token : blank(token);
    at = index + token.length;
  }
  return code;
}

function push<T>(open: T[], kind: T, code: string): string {
  open.push(kind);
  return code;
}

function close(open: unknown[], code: string): string {
  open.pop();
  return code;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}
