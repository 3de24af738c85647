/** The README's first program compiles as printed against the built package, and runs. */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { readmePrograms } from "./readme.ts"
import {
  bin,
  linkDependencies,
  remove,
  root,
  stage,
  temporaryDirectory,
  toolEnvironment,
  userDependencies,
  userTsconfig
} from "./stage.ts"

describe("the README", { timeout: 60_000 }, () => {
  let project: string
  beforeAll(() => {
    project = temporaryDirectory("readme")
    const built = join(project, "built")
    mkdirSync(built)
    stage(built)
    // The built package resolves its peers from where it really stands.
    linkDependencies(built, userDependencies)
    linkDependencies(project, userDependencies)
    symlinkSync(built, join(project, "node_modules/leasehold"))
    writeFileSync(join(project, "package.json"), '{ "name": "reader", "private": true, "type": "module" }\n')
    writeFileSync(join(project, "tsconfig.json"), userTsconfig)
  })
  afterAll(() => remove(project))

  const readme = join(root, "README.md")
  const programs = existsSync(readme) ? readmePrograms(readFileSync(readme, "utf8")) : []

  it("prints a program", () => {
    expect(existsSync(readme), "README.md").toBe(true)
    expect(programs.length).toBeGreaterThan(0)
  })

  it("prints a first program that compiles and runs to its end", () => {
    const [program] = programs
    if (program === undefined) throw new Error("the README prints no program")
    writeFileSync(join(project, "program.ts"), program)
    const options = { cwd: project, env: toolEnvironment(), encoding: "utf8", timeout: 30_000 } as const
    expect(spawnSync(bin("tsc"), ["-p", project], options).stdout).toBe("")
    const { signal, status, stderr, stdout } = spawnSync(process.execPath, ["program.ts"], options)
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" })
    expect(stdout).not.toBe("")
  })
})

describe("the extractor", () => {
  it("takes the TypeScript fences as printed, and only those", () => {
    const markdown = [
      "# x",
      "```sh",
      "npm ci",
      "```",
      "```ts",
      "const a = 1",
      "",
      "  indented",
      "```",
      "text",
      "````ts",
      "const fence = `",
      "```",
      "`",
      "````",
      "```ts ignored",
      "a part of a program",
      "```"
    ].join("\n")
    expect(readmePrograms(markdown)).toEqual(["const a = 1\n\n  indented\n", "const fence = `\n```\n`\n"])
  })

  it("refuses a fence that never ends", () => {
    expect(() => readmePrograms("```ts\nconst a = 1\n")).toThrow("line 1")
  })
})
