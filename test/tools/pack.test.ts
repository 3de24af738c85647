/** What `npm pack` makes can be installed without a network into an empty project, and works from there. */
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { files, readPage } from "../docs/manual.ts"
import { readmePrograms } from "./readme.ts"
import {
  bin,
  linkDependencies,
  manifest,
  remove,
  root,
  stage,
  temporaryDirectory,
  toolEnvironment,
  userDependencies,
  userTsconfig
} from "./stage.ts"

const { bin: commands = {}, exports, name, version } = manifest()
const entryPoints = Object.keys(exports)
  .filter((path) => path !== "./package.json")
  .map((path) => `${name}${path.slice(1)}`)

let directory: string
let project: string
let installed: string

const run = (command: string, ...args: ReadonlyArray<string>) => {
  const options = { cwd: project, env: toolEnvironment(), encoding: "utf8", timeout: 30_000 } as const
  const { status, stderr, stdout } = spawnSync(command, args, options)
  return { status, output: `${stdout}${stderr}` }
}

beforeAll(() => {
  directory = temporaryDirectory("pack")
  const built = join(directory, "built")
  project = join(directory, "project")
  for (const folder of [built, project]) mkdirSync(folder)
  stage(built)
  const npm = (cwd: string, ...args: ReadonlyArray<string>) =>
    execFileSync("npm", args, { cwd, env: toolEnvironment(), stdio: "pipe" })
  npm(built, "pack", "--ignore-scripts", "--pack-destination", directory)
  writeFileSync(join(project, "package.json"), '{ "name": "user", "private": true, "type": "module" }\n')
  writeFileSync(join(project, "tsconfig.json"), userTsconfig)
  // The peers come from the checkout below instead of from a registry.
  npm(project, "install", "--offline", "--legacy-peer-deps", join(directory, `${name}-${version}.tgz`))
  linkDependencies(project, userDependencies)
  installed = join(project, "node_modules", name)
  const imports = entryPoints.map((path, index) => `import * as entry${index} from "${path}"\n`).join("")
  const loaded = `[${entryPoints.map((_, index) => `entry${index}`).join(", ")}].every((it) => Object.keys(it).length > 0)`
  writeFileSync(join(project, "entries.ts"), `${imports}console.log(${loaded})\n`)
  const readme = join(root, "README.md")
  const [program] = existsSync(readme) ? readmePrograms(readFileSync(readme, "utf8")) : []
  if (program !== undefined) writeFileSync(join(project, "program.ts"), program)
  const log = files(readPage())
  for (const name of ["paper-log.ts", "harness.ts"]) writeFileSync(join(project, name), log.get(name) ?? "")
}, 180_000)
afterAll(() => remove(directory))

describe("the packed package", { timeout: 60_000 }, () => {
  it("holds the built modules, the words and nothing else", () => {
    const expected = ["CHANGELOG.md", "LICENSE", "README.md", "dist", "docs", "package.json"]
    expect(readdirSync(installed).toSorted()).toEqual(
      expected.filter((path) => existsSync(join(root, path)) || path === "dist")
    )
    expect(readdirSync(join(installed, "dist")).toSorted()).toEqual(["properties", "src"])
  })

  it("brings no dependency along", () => {
    const hidden = JSON.parse(readFileSync(join(project, "node_modules/.package-lock.json"), "utf8")) as {
      readonly packages: Readonly<Record<string, unknown>>
    }
    expect(Object.keys(hidden.packages)).toEqual([`node_modules/${name}`])
  })

  it("type-checks in a strict project, declarations included", () => {
    expect(run(bin("tsc"), "-p", ".")).toEqual({ status: 0, output: "" })
  })

  it("loads from every entry point", () => {
    expect(run(process.execPath, "entries.ts")).toEqual({ status: 0, output: "true\n" })
  })

  it("runs the README's first program, as printed, to its end", () => {
    expect(existsSync(join(project, "program.ts")), "README.md prints a program").toBe(true)
    const { output, status } = run(process.execPath, "program.ts")
    expect({ output, status }).toEqual({ output: expect.stringMatching(/./), status: 0 })
    expect(output).not.toMatch(/warning|error/i)
  })

  it("installs its command", () => {
    expect(Object.keys(commands)).toEqual(["leasehold"])
    const command = join(project, "node_modules/.bin/leasehold")
    expect(statSync(command).mode & 0o111).not.toBe(0)
    expect(run(command, "--version")).toEqual({ status: 0, output: expect.stringContaining(version) })
  })

  it("checks the log that its manual writes", () => {
    const { output, status } = run(
      join(project, "node_modules/.bin/leasehold"),
      "check",
      "-m",
      "./harness.ts",
      "--runs",
      "2"
    )
    expect(output).toMatch(/^log: paper, never crashed$/m)
    expect(output).toMatch(/^[1-9]\d+ passed, 0 broken, \d+ not claimed\s*$/m)
    expect(status).toBe(0)
  })

  it("finds the tarball's sources in its source maps", () => {
    const map = JSON.parse(readFileSync(join(installed, "dist/src/log/JobLog.js.map"), "utf8")) as {
      readonly sourcesContent?: ReadonlyArray<string>
    }
    expect(map.sourcesContent?.[0]).toBe(readFileSync(join(root, "src/log/JobLog.ts"), "utf8"))
  })
})
