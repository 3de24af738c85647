/** docs/writing-a-log.md keeps its word: its code compiles and runs, and its report is what the suite prints. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { lawNames } from "../../properties/index.ts"
import { bin, root } from "../tools/stage.ts"
import { changed, files, makeProject, marked, page, readPage } from "./manual.ts"

const markdown = readPage()
const code = files(markdown)
const paper = code.get("paper-log.ts") ?? ""
const entry = join(root, "src/cli/main.ts")

/** What the page's server needs, as far as types go. */
const server = `import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { JobLogOperations } from "leasehold/JobLog"
import type { LogError } from "leasehold/LogError"

export declare const freshSchema: Effect.Effect<string, never, Scope.Scope>
export declare const openLog: (schema: string) => Effect.Effect<JobLogOperations, LogError>
export declare const shiftClock: (schema: string, millis: number) => Effect.Effect<void>
export declare const cutConnections: (schema: string) => Effect.Effect<void>
`

/** Settings to compile files with; the sloppy log no longer uses all that it is given. */
const strictest = (include: string, rest: object = {}): string =>
  JSON.stringify({
    extends: join(root, "tsconfig.json"),
    compilerOptions: { noEmit: true, rootDir: "/", types: ["node"], ...rest },
    include: [include],
    exclude: include.startsWith("sloppy") ? [] : ["sloppy*.ts"]
  })

const project = makeProject()
for (const [name, text] of code) project.write(name, text)
project.write("sloppy-log.ts", marked(markdown, "diff").reduce(changed, paper))
project.write("sloppy.ts", (code.get("harness.ts") ?? "").replace("./paper-log.ts", "./sloppy-log.ts"))
project.write("server.ts", server)
project.write("tsconfig.json", strictest("*.ts"))
project.write("sloppy.json", strictest("sloppy*.ts", { noUnusedLocals: false, noUnusedParameters: false }))
afterAll(project.remove)

const check = (...args: ReadonlyArray<string>) => project.run(process.execPath, entry, "check", ...args)

describe("the code of the page", { timeout: 120_000 }, () => {
  it("is that of five files, with three changes to make one sloppy", () => {
    const names = ["paper-log.ts", "program.ts", "harness.ts", "laws.test.ts", "server-harness.ts"]
    expect([...code.keys()]).toEqual(names)
    expect(marked(markdown, "diff")).toHaveLength(3)
  })

  it("compiles under the strictest settings, as it is printed", async () => {
    for (const config of ["tsconfig.json", "sloppy.json"]) {
      expect(await project.run(bin("tsc"), "-p", config), config).toEqual({ code: 0, out: "", err: "" })
    }
  })

  it("is formatted as all our code", async () => {
    const config = join(root, ".oxfmtrc.json")
    const { code: ended, out } = await project.run(
      bin("oxfmt"),
      "-c",
      config,
      "--check",
      ...code.keys(),
      "sloppy-log.ts"
    )
    expect(out, out).not.toMatch(/\.ts/)
    expect(ended).toBe(0)
  })

  it("runs jobs", async () => {
    const ended = await project.run(process.execPath, "program.ts")
    expect(ended).toEqual({ code: 0, out: "hello paper, token 1\n", err: "" })
  })

  it("passes all laws that it claims", async () => {
    const { code: ended, err, out } = await check("--module", "./harness.ts", "--runs", "10", "--json")
    const report = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "")
    expect(report.passed, `${err}\n${out}`).toBe(true)
    expect(ended).toBe(0)
    const outcomes = Object.groupBy(
      report.laws as ReadonlyArray<{ name: string; outcome: string }>,
      (law) => law.outcome
    )
    expect(Object.keys(outcomes).toSorted()).toEqual(["notClaimed", "passed"])
    expect(report.laws.map((law: { readonly name: string }) => law.name)).toEqual([...lawNames])
  })

  it("runs in a test runner as it says", async () => {
    const { code: ended, out } = await project.run(
      "env",
      "RUNS=2",
      process.execPath,
      "--test",
      "--test-reporter=tap",
      "laws.test.ts"
    )
    expect(out).toMatch(new RegExp(`^# pass ${lawNames.length}$`, "m"))
    expect(ended).toBe(0)
  })
})

describe("the sloppy log", { timeout: 120_000 }, () => {
  /**
   * Lines as the page prints them: of long ones the beginning and the end, where the answer stands. Left out is what
   * changes with every change to the generators: how many commands it took, and the path to the history.
   */
  const excerpt = (out: string): string =>
    out
      .trimEnd()
      .split("\n")
      .filter((line) => !/^(capabilities|hands): /.test(line))
      .map((line) => line.replace(/\d+ runs, \d+ commands/, "… runs, … commands").replace(/(--path) \S+$/, "$1 …"))
      .map((line) => `${line.length > 118 ? `${line.slice(0, 60)} … ${line.slice(-55)}` : line}\n`)
      .join("")

  it("is reported as the page prints it", async () => {
    const [, command = ""] = /^npx leasehold check (--module \.\/sloppy\.ts.*)$/m.exec(markdown) ?? []
    const { code: ended, out } = await check(...command.split(" "))
    expect(ended).toBe(1)
    const printed = excerpt(out)
    if (process.env["LEASEHOLD_UPDATE_DOCS"] === "1") {
      const now = readFileSync(page, "utf8")
      writeFileSync(
        page,
        now.replace(/^```text report\n[\s\S]*?^```$/m, () => `\`\`\`text report\n${printed}\`\`\``)
      )
      return
    }
    expect(marked(markdown, "text report"), "LEASEHOLD_UPDATE_DOCS=1 vitest run test/docs renews it").toEqual([printed])
  })
})

describe("the links of the page", () => {
  it("lead somewhere", () => {
    const targets = [...markdown.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target)
    expect(targets.length).toBeGreaterThan(2)
    expect(targets.filter((target) => !existsSync(join(dirname(page), target)))).toEqual([])
  })
})
