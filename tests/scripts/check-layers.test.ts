import { describe, expect, test } from "vitest";
import { checkLayers } from "../../scripts/check-layers.js";
import { codeOf } from "../../scripts/code-of.js";

const browserImports = new Map([["#socket", "src/transport/socket-browser.ts"]]);

/** A small tree that is in order, with some files replaced. */
function violations(files: Record<string, string>): string[] {
  const tree = {
    "src/index.ts": 'export { peer } from "./peer/index.js";',
    "src/base/index.ts": "export const base = 1;",
    "src/peer/index.ts":
      'import { base } from "../base/index.js";\nimport { dial } from "#socket";\nexport const peer = 1;',
    "src/transport/socket-browser.ts": 'import { base } from "../base/index.js";\nexport const dial = 1;',
    "src/transport/socket-node.ts": 'import { connect } from "node:net";\nimport { WebSocket } from "ws";',
    "src/saga/messages.ts": 'import * as z from "zod";',
    ...files,
  };
  return checkLayers(new Map(Object.entries(tree)), browserImports);
}

describe("the layers check", () => {
  test("says nothing about a tree in order", () => {
    expect(violations({})).toEqual([]);
  });

  test.each([
    [
      "src/base/a.ts",
      'import type { Saga } from "../saga/index.js";',
      "base imports saga (../saga/index.js)",
    ],
    [
      "src/transport/a.ts",
      'export * from "../ibgib/index.js";',
      "transport imports ibgib (../ibgib/index.js)",
    ],
    ["src/server/a.ts", 'const cli = await import("../cli/main.js");', "server imports cli (../cli/main.js)"],
    ["src/saga/a.ts", 'import { dial } from "#socket";', "saga imports transport (#socket)"],
    ["src/saga/a.ts", 'import "node:fs";', "imports node:fs: not in this file"],
    ["src/peer/a.ts", 'import { join } from "path";', "imports path: not in this file"],
    ["src/peer/a.ts", 'import { open } from "lmdb";', "imports lmdb: not in this file"],
    ["src/node/a.ts", 'import { open } from "lmdb";', "imports lmdb: not in this file"],
    [
      "src/peer/home/a.ts",
      'import { Link } from "../session/link.js";',
      "peer/home imports peer/session (../session/link.js)",
    ],
    [
      "src/peer/sender/a.ts",
      'import { Quotas } from "../receiver/quotas.js";',
      "peer/sender imports peer/receiver (../receiver/quotas.js)",
    ],
    ["src/peer/sender/a.ts", 'export * from "../index.js";', "peer/sender imports peer (../index.js)"],
    ["src/transport/a.ts", 'import { WebSocket } from "ws";', "imports ws: not in this file"],
    ["src/node/a.ts", 'import lodash from "lodash";', "imports lodash: not in this file"],
  ])("%s may not say %s", (file, line, what) => {
    expect(violations({ [file]: `\n// a comment\n${line}\n` })).toEqual([`${file}:3 ${what}`]);
  });

  test("finds an import that is written over several lines, and not one in a comment or a text", () => {
    const far = 'import {\n  one,\n  two,\n} from "../peer/index.js";\n';
    expect(violations({ "src/base/a.ts": far })).toEqual([
      "src/base/a.ts:4 base imports peer (../peer/index.js)",
    ]);
    const quoted = '/* import "node:fs"; */\n// import "ws";\nconst text = `import "lmdb"`;\n';
    expect(violations({ "src/base/a.ts": quoted })).toEqual([]);
  });

  test("finds clock, randomness, timers and ambient crypto, wherever they are not at home", () => {
    const code = [
      "Date.now()",
      "new Date()",
      "Math.random()",
      "setTimeout(f, 1)",
      "globalThis.setInterval(f, 1)",
      "crypto.randomUUID()",
      "globalThis.crypto.subtle",
      `\`\${performance.now()}\``,
    ];
    const uses = [
      "Date",
      "Date",
      "Math.random",
      "setTimeout",
      "setInterval",
      "crypto",
      "crypto",
      "performance",
    ];
    const found = uses.map((name, at) => `src/peer/a.ts:${at + 1} uses ${name}: take it as a port`);
    expect(violations({ "src/peer/a.ts": code.join("\n") })).toEqual(found);
    for (const home of ["src/peer/home/platform.ts", "src/cli/a.ts", "src/testing/a.ts"]) {
      expect(violations({ [home]: code.join("\n") })).toEqual([]);
    }
    expect(
      violations({ "src/peer/a.ts": '// Date.now()\n"Date.now()"; `Math.random()`; timers.setTimeout(f)' }),
    ).toEqual([]);
  });

  test("follows what a browser loads, through #imports, and stops at types", () => {
    const reaching = violations({
      "src/peer/index.ts":
        'import type { A } from "../space/types-node.js";\nimport { dial } from "#socket";\n',
      "src/space/types-node.ts": 'import "node:fs";',
      "src/transport/socket-browser.ts": 'export { dial } from "./socket-node.js";',
    });
    expect(reaching).toEqual([
      "src/transport/socket-node.ts:1 takes node:net into browsers",
      "src/transport/socket-node.ts:2 takes ws into browsers",
    ]);
    expect(violations({ "src/index.ts": 'export * from "./peer/gone.js";' })).toEqual([
      "src/peer/gone.ts:1 is imported and not there",
    ]);
  });
});

test("codeOf keeps code in templates and drops what only looks like code", () => {
  const text = `a(/["\`]/, \`x \${f({ y: "s" })} // z\`); // end`;
  expect(codeOf(text)).toBe(`a(      ,    \${f({ y:     })}      );       `);
  expect(codeOf("1 /* two\nlines */ / 2")).toBe("1       \n         / 2");
  expect(codeOf('x = "kept"', { keepStrings: true })).toBe('x = "kept"');
});
