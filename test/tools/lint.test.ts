/** Each rule of the linter fires on a planted violation: a rule that is misspelt or misconfigured is silent. */
import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bin, remove, root, temporaryDirectory, toolEnvironment } from "./stage.ts"

interface Case {
  readonly name: string
  readonly file: string
  readonly source: string
  /** The rule that must fire, undefined where nothing may. */
  readonly rule: string | undefined
}

/** One file that imports one thing. */
const importing = (file: string, specifier: string, rule: string | undefined): Case => ({
  name: `${file} ${rule === undefined ? "may import" : "must not import"} ${specifier}`,
  file,
  source: `import { value } from "${specifier}"\nexport const used = value\n`,
  rule
})

const closed = (file: string, ...specifiers: ReadonlyArray<string>) =>
  specifiers.map((specifier) => importing(file, specifier, "no-restricted-imports"))
const open = (file: string, ...specifiers: ReadonlyArray<string>) =>
  specifiers.map((specifier) => importing(file, specifier, undefined))

const planted = (name: string, file: string, source: string, rule: string | undefined): Case => ({
  name: `${name} in ${file}`,
  file,
  source,
  rule
})

const floors = [
  ...closed(
    "src/model/A.ts",
    "../log/B.ts",
    "../index.ts",
    "node:fs",
    "effect/Context",
    "effect/Layer",
    "effect/Clock"
  ),
  ...closed("src/model/A.ts", "effect/Fiber", "effect", "leasehold/JobLog"),
  ...closed("src/model/sub/A.ts", "../../log/B.ts"),
  ...open("src/model/A.ts", "./B.ts", "effect/Schema"),
  ...open("src/model/sub/A.ts", "../B.ts"),
  ...closed("src/log/A.ts", "../backends/file/B.ts", "../actors/B.ts", "../../properties/B.ts"),
  ...open("src/log/A.ts", "../model/B.ts", "./B.ts", "effect/Context"),
  ...closed("src/backends/file/A.ts", "../memory/B.ts", "../../actors/B.ts", "../../scheduler/B.ts", "../../index.ts"),
  ...closed("src/backends/file/A.ts", "../../../properties/B.ts", "../../../test/support/B.ts", "./../memory/B.ts"),
  ...closed("src/backends/file/sub/A.ts", "../../memory/B.ts", "../../../actors/B.ts"),
  ...open("src/backends/file/A.ts", "./B.ts", "./sub/B.ts", "../../log/B.ts", "../../model/B.ts", "node:fs"),
  ...open("src/backends/file/sub/A.ts", "../B.ts", "../../../log/B.ts"),
  ...closed("src/testing/A.ts", "../backends/memory/B.ts", "../scheduler/B.ts"),
  ...open("src/testing/A.ts", "../log/B.ts"),
  ...closed("properties/A.ts", "../src/actors/B.ts", "../src/backends/memory/B.ts", "../src/index.ts", "../test/B.ts"),
  ...closed("properties/A.ts", "../src/model/Transition.ts", "../src/model/TransitionTable.ts"),
  ...closed("properties/laws/A.ts", "../../src/scheduler/B.ts"),
  ...open("properties/A.ts", "../src/log/B.ts", "../src/model/Job.ts", "./B.ts"),
  ...open("properties/laws/A.ts", "../Model.ts", "../../src/log/B.ts"),
  ...closed("src/actors/A.ts", "../backends/file/B.ts", "../scheduler/B.ts", "../cli/B.ts", "../../properties/B.ts"),
  ...open("src/actors/A.ts", "../log/B.ts", "../model/B.ts"),
  ...closed("src/scheduler/A.ts", "../backends/memory/B.ts", "../index.ts", "../cli/B.ts"),
  ...open("src/scheduler/A.ts", "../actors/B.ts", "../log/B.ts", "../model/B.ts"),
  ...closed("src/simulation/A.ts", "../cli/B.ts", "../index.ts"),
  ...open("src/simulation/A.ts", "../scheduler/B.ts", "../backends/file/B.ts"),
  ...closed("src/index.ts", "./cli/main.ts", "../test/B.ts"),
  ...open("src/index.ts", "./scheduler/B.ts", "./backends/file/B.ts"),
  ...closed("src/cli/A.ts", "../../test/B.ts", "../../bench/B.ts", "../../vitest.config.ts"),
  ...open("src/cli/A.ts", "../index.ts", "../backends/file/B.ts", "../log/B.ts", "../../properties/B.ts"),
  ...open("src/cli/A.ts", "../dashboard/B.ts"),
  ...closed("src/dashboard/A.ts", "../cli/B.ts"),
  ...closed("test/A.ts", "effect"),
  ...open("test/A.ts", "../src/backends/file/B.ts", "effect/Effect"),
  planted(
    "a dynamic sideways import",
    "src/backends/file/A.ts",
    'export const b = import("../memory/B.ts")\n',
    "no-restricted-imports"
  ),
  planted("a re-export upwards", "src/log/A.ts", 'export * from "../actors/B.ts"\n', "no-restricted-imports"),
  planted(
    "a type from above",
    "src/log/A.ts",
    'import type { B } from "../actors/B.ts"\nexport type C = B\n',
    "no-restricted-imports"
  )
]

const ambient = (expression: string, rule: string) =>
  ["src/log/A.ts", "src/cli/A.ts", "properties/A.ts"].map((file) =>
    planted(expression, file, `export const value = () => ${expression}\n`, rule)
  )

const others = [
  ...ambient("Date.now()", "no-restricted-globals"),
  ...ambient("new Date()", "no-restricted-globals"),
  ...ambient("Math.random()", "no-restricted-properties"),
  ...ambient("performance.now()", "no-restricted-globals"),
  ...ambient("globalThis.performance.now()", "no-restricted-properties"),
  ...ambient("setTimeout(() => {}, 1)", "no-restricted-globals"),
  ...ambient("globalThis.setTimeout(() => {}, 1)", "no-restricted-properties"),
  ...ambient("setInterval(() => {}, 1)", "no-restricted-globals"),
  ...ambient("crypto.randomUUID()", "no-restricted-globals"),
  planted(
    "DateTime.nowUnsafe()",
    "src/log/A.ts",
    'import * as DateTime from "effect/DateTime"\nexport const value = () => DateTime.nowUnsafe()\n',
    "no-restricted-properties"
  ),
  planted(
    "randomUUID of node:crypto",
    "src/backends/file/A.ts",
    'import { randomUUID } from "node:crypto"\nexport const value = () => randomUUID()\n',
    "no-restricted-imports"
  ),
  planted(
    "createHash of node:crypto",
    "src/backends/file/A.ts",
    'import { createHash } from "node:crypto"\nexport const value = () => createHash("sha256")\n',
    undefined
  ),
  ...closed("src/backends/file/A.ts", "node:timers/promises", "node:perf_hooks"),
  ...ambient("process.hrtime.bigint()", "no-restricted-properties"),
  planted("Date.now()", "bench/A.ts", "export const value = Date.now()\n", undefined),
  planted("console", "src/log/A.ts", 'console.log("x")\n', "no-console"),
  planted("console", "src/cli/A.ts", 'console.log("x")\n', undefined),
  planted("401 lines", "src/log/A.ts", "export {}\n".repeat(401), "max-lines"),
  planted("401 lines", "properties/A.ts", "export {}\n".repeat(401), "max-lines"),
  planted("any", "src/log/A.ts", "export const a = (x: any): unknown => x\n", "no-explicit-any"),
  planted("any", "test/A.ts", "export const a = (x: any): unknown => x\n", "no-explicit-any"),
  planted("T[]", "src/log/A.ts", "export const a = (x: string[]): unknown => x\n", "array-type"),
  planted(
    "a silenced error without a reason",
    "src/log/A.ts",
    "// @ts-expect-error\nexport const a = 1\n",
    "ban-ts-comment"
  ),
  planted("an import of itself", "src/log/A.ts", 'export * from "./A.ts"\n', "no-cycle")
]

interface Report {
  readonly diagnostics: ReadonlyArray<{ readonly code: string; readonly filename: string }>
}

/** Lints a set of files in a directory of their own, laid out as in the repository. */
const lint = (directory: string, files: Readonly<Record<string, string>>): Report => {
  mkdirSync(directory, { recursive: true })
  copyFileSync(join(root, "oxlint.config.ts"), join(directory, "oxlint.config.ts"))
  for (const [file, source] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, file)), { recursive: true })
    writeFileSync(join(directory, file), source)
  }
  const { stdout, stderr } = spawnSync(bin("oxlint"), ["-f", "json"], {
    cwd: directory,
    env: toolEnvironment(),
    encoding: "utf8"
  })
  try {
    // The linter's own report format, read by the fields above.
    return JSON.parse(stdout) as Report
  } catch {
    throw new Error(`the linter does not run: ${stdout}${stderr}`)
  }
}

let directory: string
beforeAll(() => {
  directory = temporaryDirectory("lint")
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"))
})
afterAll(() => remove(directory))

describe("the linter", { timeout: 60_000 }, () => {
  it("knows each planted violation from what is allowed", () => {
    // Cases that share a file name are told apart by a number in front of the extension.
    const cases = [...floors, ...others].map((it, index) => ({
      ...it,
      file: it.file.endsWith("index.ts")
        ? it.file.replace("index", `index${index}`)
        : it.file.replace(/A\.ts$/, `A${index}.ts`)
    }))
    const sources = Object.fromEntries(
      cases.map((it, index) => [it.file, it.source.replace(/"\.\/A\.ts"/, `"./A${index}.ts"`)])
    )
    const { diagnostics } = lint(join(directory, "cases"), sources)
    const wrong = cases.flatMap(({ file, name, rule }) => {
      const fired = diagnostics.filter((it) => it.filename === file).map((it) => /\(([^)]*)\)/.exec(it.code)?.[1])
      const right = rule === undefined ? fired.length === 0 : fired.length === 1 && fired[0] === rule
      return right ? [] : [`${name}: expected ${rule ?? "nothing"}, got ${fired.join(", ") || "nothing"}`]
    })
    expect(wrong).toEqual([])
  })

  it("sees a cycle of values; types may refer to each other", () => {
    const { diagnostics } = lint(join(directory, "cycle"), {
      "src/log/A.ts": 'import { b } from "./B.ts"\nexport const a = () => b\n',
      "src/log/B.ts": 'import { c } from "./C.ts"\nexport const b = () => c\n',
      "src/log/C.ts": 'import { a } from "./A.ts"\nexport const c = () => a\n',
      "src/log/D.ts": 'import type { E } from "./E.ts"\nexport type D = { readonly e?: E }\n',
      "src/log/E.ts": 'import type { D } from "./D.ts"\nexport type E = { readonly d?: D }\n'
    })
    expect(diagnostics.map((it) => `${it.filename} ${it.code}`).toSorted()).toEqual(
      ["A", "B", "C"].map((name) => `src/log/${name}.ts import(no-cycle)`)
    )
  })
})
