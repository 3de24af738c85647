/**
 * Every check that only reads, one after the other: `npm run verify`. Prints a line for each, the output of those that
 * fail, and exits non-zero if any did. Names given as arguments select checks.
 */
import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { bin, linkDependencies, remove, root, stage, temporaryDirectory, toolEnvironment } from "./stage.ts"

type Outcome =
  | { readonly _tag: "passed"; readonly note?: string | undefined }
  | { readonly _tag: "failed"; readonly output: string }
  /** The check needs something this machine cannot get. */
  | { readonly _tag: "notRun"; readonly reason: string }

const passed: Outcome = { _tag: "passed" }
const failed = (output: string): Outcome => ({ _tag: "failed", output })

const run = (command: string, args: ReadonlyArray<string>, cwd = root) => {
  const result = spawnSync(command, args, {
    cwd,
    env: toolEnvironment(),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024
  })
  return {
    ok: result.status === 0,
    output:
      `${result.stdout ?? ""}${result.stderr ?? ""}${result.error === undefined ? "" : String(result.error)}`.trim()
  }
}

const check = (command: string, args: ReadonlyArray<string>) => (): Outcome => {
  const { ok, output } = run(command, args)
  return ok ? passed : failed(output)
}

const withDirectory = (name: string, use: (directory: string) => Outcome): Outcome => {
  const directory = temporaryDirectory(name)
  try {
    return use(directory)
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error))
  } finally {
    remove(directory)
  }
}

// Outside of the lock: its optional platform packages pin a compiler of their own, and only this check needs it.
const diagnosticsTool = "@effect/tsgo@0.45.0"
const diagnose = (args: ReadonlyArray<string>, cwd?: string) =>
  run("npx", ["--yes", "--prefer-offline", "--fetch-retries=1", "--fetch-timeout=60000", diagnosticsTool, ...args], cwd)

const canary = `import * as Effect from "effect/Effect"

export const program = Effect.gen(function* () {
  Effect.log("never run")
  return Date.now()
})
`

/** The tool finds nothing and succeeds when it is not configured, so it must first find what is planted. */
const diagnosesCanary = (): Outcome =>
  withDirectory("canary", (directory) => {
    linkDependencies(directory, ["effect", "@types/node", "typescript"])
    mkdirSync(join(directory, "src"))
    writeFileSync(join(directory, "src/canary.ts"), canary)
    // A copy, since the paths in its overrides are read from where the file stands.
    copyFileSync(join(root, "tsconfig.json"), join(directory, "tsconfig.json"))
    const { ok, output } = diagnose(["diagnostics", "--project", "tsconfig.json", "--format", "text"], directory)
    const missed = ["floatingEffect", "globalDateInEffect"].filter((rule) => !output.includes(rule))
    return ok || missed.length > 0
      ? failed(`it misses a planted ${missed.join(" and ") || "error"}:\n${output}`)
      : passed
  })

const effectDiagnostics = (): Outcome => {
  const found = diagnose(["--version"])
  if (!found.ok)
    return { _tag: "notRun", reason: `npx cannot get ${diagnosticsTool}:\n${found.output}`.replaceAll(/\n/g, "\n    ") }
  const planted = diagnosesCanary()
  if (planted._tag !== "passed") return planted
  const { ok, output } = diagnose([
    "diagnostics",
    "--project",
    "tsconfig.json",
    "--strict",
    "--severity",
    "error,warning",
    "--format",
    "text"
  ])
  const counts = /Checked (\d+) files out of (\d+)/.exec(output)
  if (!ok) return failed(output)
  if (counts === null || counts[1] === "0" || counts[1] !== counts[2]) return failed(`it left files out:\n${output}`)
  return { _tag: "passed", note: `${counts[1]} files` }
}

const packageShape = (): Outcome =>
  withDirectory("package", (directory) => {
    stage(directory)
    const lint = run(bin("publint"), ["--strict", directory])
    const types = run(bin("attw"), ["--pack", directory, "--profile", "esm-only"])
    return lint.ok && types.ok ? passed : failed([lint, types].flatMap((it) => (it.ok ? [] : [it.output])).join("\n"))
  })

const checks: ReadonlyArray<readonly [name: string, check: () => Outcome]> = [
  ["types", check(bin("tsc"), ["--noEmit", "-p", "."])],
  ["effect-diagnostics", effectDiagnostics],
  ["lint", check(bin("oxlint"), ["--deny-warnings"])],
  ["format", check(bin("oxfmt"), ["--check"])],
  ["unused", check(bin("knip"), ["--no-progress", "--no-config-hints"])],
  ["package", packageShape],
  ["style", check(bin("vitest"), ["run", "test/tools/style.test.ts", "test/tools/types.test.ts"])]
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !checks.some(([known]) => known === name))
if (unknown.length > 0) {
  console.error(`no such check: ${unknown.join(", ")}; there are ${checks.map(([name]) => name).join(", ")}`)
  process.exit(2)
}

const counts = { passed: 0, failed: 0, notRun: 0 }
for (const [name, perform] of checks) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const start = performance.now()
  const outcome = perform()
  const seconds = `${((performance.now() - start) / 1000).toFixed(1)} s`
  // Where a registry is known to be reachable, a check that cannot run is a failure.
  const required = process.env["LEASEHOLD_VERIFY_ALL"] === "1"
  counts[outcome._tag === "notRun" && required ? "failed" : outcome._tag]++
  switch (outcome._tag) {
    case "passed":
      console.log(`ok       ${name} (${[seconds, ...(outcome.note === undefined ? [] : [outcome.note])].join(", ")})`)
      break
    case "failed":
      console.log(`FAILED   ${name} (${seconds})\n${outcome.output.replaceAll(/^/gm, "    ")}`)
      break
    case "notRun":
      console.log(`NOT RUN  ${name} (${seconds})\n    ${outcome.reason}`)
  }
}
console.log(
  `verify: ${counts.passed} passed, ${counts.failed} failed${counts.notRun > 0 ? `, ${counts.notRun} NOT RUN: nothing is known about it` : ""}`
)
process.exitCode = counts.failed > 0 ? 1 : 0
