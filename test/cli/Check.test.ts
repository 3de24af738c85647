/** `leasehold check` on modules as an author of a log would write them. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"
import { afterAll, describe, expect, it, vi } from "vitest"
import { checkLog, lawNames, laws, reportToJson } from "../../properties/index.ts"
import { memoryHarness } from "../properties/memoryHarness.ts"
import { makePlace } from "./harness.ts"

// each command is a process of its own
vi.setConfig({ testTimeout: 60_000 })

const place = makePlace()
afterAll(place.remove)

const absolute = (path: string): string => JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href)
const effect = JSON.stringify(import.meta.resolve("effect/Effect"))

let modules = 0
/** A module in a directory of its own name; answers its path from the place. */
const module = (source: string, extension = "ts"): string => {
  const name = `./module-${++modules}.${extension}`
  writeFileSync(join(place.root, name), source)
  return name
}

const memory = `import { memoryHarness } from ${absolute("../properties/memoryHarness.ts")}\n`

const sound = module(`${memory}export const harness = memoryHarness\n`)

/** Says that jobs are there, and drops each second batch. */
const forgetful = module(
  `${memory}import * as Effect from ${effect}
let calls = 0
const forgetful = (test) => ({ ...test, log: { ...test.log, enqueue: (items) => calls++ % 2 === 0
  ? test.log.enqueue(items)
  : Effect.succeed(items.map(({ id }) => ({ _tag: "Inserted", id }))) } })
export default { ...memoryHarness, name: "forgetful", make: Effect.map(memoryHarness.make, (test) => { calls = 0; return forgetful(test) }) }
`,
  "mjs"
)

/** Claims to survive the process, and its harness has nothing to show it with. */
const boasting = module(
  `${memory}import * as Effect from ${effect}
const { log } = await Effect.runPromise(Effect.scoped(memoryHarness.make))
export const harness = { ...memoryHarness, capabilities: { ...log.capabilities, durability: "process" } }
`,
  "mjs"
)

const check = (...args: ReadonlyArray<string>) => place.leasehold(["check", ...args])

/** The object on the last line. */
const lastLine = (out: string): unknown => JSON.parse(out.trimEnd().split("\n").at(-1) ?? "")

describe("check", () => {
  it("says of each law how it went, and sums up", async () => {
    const { code, err, out } = await check("-m", sound, "--law", "atLeastOnce", "--law", "neverEarly", "--runs", "5")
    expect({ code, err }).toEqual({ code: 0, err: "" })
    const lines = out.trimEnd().split("\n")
    expect(lines[0]).toMatch(/^ok +atLeastOnce +5 runs, \d+ commands, seed 1$/)
    expect(lines[1]).toMatch(/^ok +neverEarly +5 runs, \d+ commands, seed 1$/)
    expect(lines[2]).toBe("log: memory, never crashed")
    expect(lines.at(-1)).toBe("2 passed, 0 broken, 0 not claimed")
    expect(out).not.toContain("coverage:")
    const quiet = await check("-m", sound, "--law", "atLeastOnce", "--runs", "1", "--quiet")
    expect(quiet.out).not.toMatch(/^ok/m)
  })

  it("answers with the API's report as JSON, and tells of the progress elsewhere", async () => {
    const only = ["atLeastOnce", "singleClaimer"] as const
    const asked = only.flatMap((law) => ["--law", law])
    const { code, err, out } = await check("--module", sound, ...asked, "--runs", "3", "--seed", "7", "--json")
    const report = await Effect.runPromise(checkLog(memoryHarness, { only, runs: 3, seed: 7 }))
    expect(lastLine(out)).toEqual(JSON.parse(JSON.stringify(reportToJson(report))))
    expect(code).toBe(0)
    expect(err.split("\n").map((line) => line.split(/ +/)[1])).toEqual([...only, undefined])
  })

  it("shows how a law was broken, and the command that replays it does", async () => {
    const { code, err, out } = await check("--module", forgetful, "--law", "atLeastOnce", "--seed", "3")
    expect(code).toBe(1)
    expect(err).toBe("leasehold: broken: atLeastOnce\n")
    expect(out).toMatch(/^BROKEN +atLeastOnce/m)
    const [, command = ""] = /^ +replay: npx leasehold (.*)$/m.exec(out) ?? []
    expect(command).toContain(`check --module ${forgetful} --law atLeastOnce --seed 3 --path `)
    const again = await place.leasehold(command.split(" "))
    expect(again.code).toBe(1)
    const story = (text: string) => text.split("\n").filter((line) => line.startsWith("         | "))
    expect(story(again.out)).toEqual(story(out))
    const { value } = await place.json(command.split(" "))
    expect(value).toMatchObject({
      passed: false,
      laws: [{ outcome: "broken", counterexample: { replay: `npx leasehold ${command}` } }]
    })
  })

  it("is not content with a claim that its harness cannot put to the test", async () => {
    const { code, err, out } = await check("--module", boasting, "--law", "recoveryIsLegalPrefix")
    expect(code).toBe(1)
    expect(err).toBe("leasehold: untested: recoveryIsLegalPrefix\n")
    expect(out).toMatch(/^UNTESTED +recoveryIsLegalPrefix +untested: the harness has no hand "crash"/m)
  })

  it("lists the laws", async () => {
    const [people, { value }] = await Promise.all([check("--list"), place.json(["check", "--list"])])
    expect(
      people.out
        .trimEnd()
        .split("\n")
        .map((line) => line.split(" ")[0])
    ).toEqual([...lawNames])
    expect(value).toEqual({ laws: lawNames.map((name) => ({ name, statement: laws[name].statement })) })
  })

  it("fails when a situation was never met, if that is asked for", async () => {
    const { code, err } = await check("--module", sound, "--law", "neverEarly", "--runs", "1", "--require-coverage")
    expect(code).toBe(1)
    expect(err).toMatch(/^leasehold: \d+ cells of the coverage were never hit\n$/)
  })
})

describe("what it is pointed at", () => {
  const cases: ReadonlyArray<readonly [string, string, RegExp]> = [
    ["./absent.ts", "ModuleNotFound", /^there is no file \.\/absent\.ts$/],
    [".", "ModuleNotFound", /^there is no file \.$/],
    [module("export const log = 1\nexport const clock = 2\n"), "NoHarness", /exports clock, log$/],
    [module(""), "NoHarness", /as "harness" or by default; it exports nothing$/],
    [module("exports.log = 1\n", "cjs"), "NoHarness", /exports log$/],
    [module("module.exports = { harness: { name: 1 } }\n", "cjs"), "NotAHarness", /its name is no string$/],
    [module("export default 1\n"), "NotAHarness", /it is no object$/],
    [module("export const harness = { name: 1 }\n"), "NotAHarness", /its name is no string$/],
    [module("export const harness = { name: 'x' }\n"), "NotAHarness", /it has no make$/],
    [module("export const harness = { name: 'x', make: 1 }\n"), "NotAHarness", /its make is no Effect$/],
    [module("export const harness = { name: 'x', make: () => 1 }\n"), "NotAHarness", /its make is a function;/],
    [module("throw new Error('no database\\nat all')\n"), "ModuleFailed", /cannot be loaded: Error: no database$/],
    [module("import 'no-such-package'\n"), "ModuleFailed", /Cannot find package 'no-such-package'/],
    [module("import './module-1'\n"), "ModuleFailed", /\(import it with its extension: module-1\.ts\)$/],
    [module("import './module-1.js'\n"), "ModuleFailed", /\(import it with its extension: module-1\.ts\)$/],
    [module("enum A { B }\n"), "TypeScriptNotRun", /enum is not supported.*name the JavaScript file$/],
    [module("export const harness: =\n"), "TypeScriptNotRun", /name the JavaScript file$/]
  ]

  it("is told by a typed error in one line", async () => {
    // one process for all of them
    const loader = `import { loadHarness } from ${absolute("../../src/cli/check/LoadHarness.ts")}
      import * as Effect from ${effect}
      const told = (path) => Effect.runPromise(Effect.map(Effect.flip(loadHarness(path)), ({ _tag, message }) => [path, _tag, message]))
      console.log(JSON.stringify(await Promise.all(process.argv.slice(1).map(told))))`
    const paths = cases.map(([path]) => path)
    const { out } = await place.node(["--input-type=module", "--eval", loader, ...paths])
    expect(JSON.parse(out)).toEqual(cases.map(([path, tag, message]) => [path, tag, expect.stringMatching(message)]))
  })

  it("cannot be meant, so that nothing is tried", async () => {
    const { code, err, value } = await place.json(["check", "--module", "./absent.ts"])
    expect(code).toBe(2)
    expect(value).toEqual({ error: { tag: "ModuleNotFound", message: "there is no file ./absent.ts" } })
    expect(err).toBe("leasehold: there is no file ./absent.ts\n")
  })

  it("says where a harness died", async () => {
    const died = module(
      `import * as Effect from ${effect}\nexport default { name: "x", make: Effect.die(new Error("oh")) }\n`,
      "mjs"
    )
    const { code, err, value } = await place.json(["check", "--module", died])
    expect(code).toBe(1)
    expect(value).toMatchObject({ error: { tag: "HarnessDied", message: `the check of ${died} died: Error: oh` } })
    expect(err).toContain(died.slice(1))
  })
})

describe("wrong usage", () => {
  it.for([
    ["no module", [], /^leasehold: which log\? Give the --module/],
    ["an unknown law", ["--law", "luck"], /^leasehold: there is no law luck; the laws: atLeastOnce, /],
    ["a path without a law", ["--module", sound, "--path", "0"], /^leasehold: --path lies under one law/],
    ["no runs", ["--module", sound, "--runs", "0"], /^leasehold: .*runs/],
    ["a seed beyond 32 bits", ["--module", sound, "--seed", "4294967296"], /^leasehold: .*seed/]
  ] as const)("%s", async ([, args, message]) => {
    const { code, err, out } = await check(...args)
    expect({ code, out }).toEqual({ code: 2, out: "" })
    expect(err).toMatch(message)
  })
})

describe("the optional package of the suite", () => {
  const hook = (body: string): Readonly<Record<string, string>> => ({
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
      `import { registerHooks } from "node:module"
       registerHooks({ resolve: (specifier, context, next) => { ${body}; return next(specifier, context) } })`
    )}`
  })

  it("is asked for where it is missing", async () => {
    const missing = hook(
      `if (specifier === "fast-check") throw Object.assign(new Error("Cannot find package 'fast-check'"), { code: "ERR_MODULE_NOT_FOUND" })`
    )
    const { code, err } = await place.leasehold(["check", "--module", sound], missing)
    expect({ code, err }).toEqual({
      code: 2,
      err: "leasehold: leasehold check needs the package fast-check: npm install --save-dev fast-check\n"
    })
  })

  it("is nothing that other commands load, nor is the suite", async () => {
    const closed = hook(`if (/properties|fast-check/.test(specifier)) throw new Error("loaded " + specifier)`)
    const { code, err } = await place.leasehold(["check", "--help"], closed)
    expect({ code, err }).toEqual({ code: 0, err: "" })
  })
})
