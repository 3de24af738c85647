/** The type tests in test/types compile, and the compiler that reads them would notice if they did not. */
import { spawnSync } from "node:child_process"
import { copyFileSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bin, remove, root, temporaryDirectory, toolEnvironment } from "./stage.ts"

const typeTests = join(root, "test/types")

let directory: string
beforeAll(() => {
  directory = temporaryDirectory("types")
})
afterAll(() => remove(directory))

/** Compiles files with the project's settings; answers the compiler's complaints. */
const compile = (name: string, files: ReadonlyArray<string>): string => {
  const config = join(directory, `${name}.json`)
  const compilerOptions = { noEmit: true, rootDir: "/", typeRoots: [join(root, "node_modules/@types")] }
  writeFileSync(config, JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, files, include: [] }))
  return spawnSync(bin("tsc"), ["-p", config], { env: toolEnvironment(), encoding: "utf8" }).stdout.trim()
}

describe("the type tests", { timeout: 60_000 }, () => {
  it("compile", () => {
    const files = readdirSync(typeTests).filter((name) => name.endsWith(".tst.ts"))
    expect(files.length).toBeGreaterThan(0)
    expect(
      compile(
        "all",
        files.map((name) => join(typeTests, name))
      )
    ).toBe("")
  })

  it("fail where a type is not as they say", () => {
    const planted = join(directory, "planted.tst.ts")
    copyFileSync(join(typeTests, "Same.ts"), join(directory, "Same.ts"))
    writeFileSync(join(directory, "package.json"), '{ "type": "module" }')
    writeFileSync(
      planted,
      [
        'import { same } from "./Same.ts"',
        "same<string, number>(true)",
        "same<any, string>(true)",
        "same<{ a?: 1 }, { a?: 1 | undefined }>(true)",
        "// @ts-expect-error nothing is wrong here",
        "export const fine = 1"
      ].join("\n")
    )
    const complaints = compile("planted", [planted]).split("\n")
    expect(complaints.map((line) => /\((\d+),\d+\): error (TS\d+)/.exec(line)?.slice(1).join(" "))).toEqual([
      "2 TS2345",
      "3 TS2345",
      "4 TS2345",
      "5 TS2578"
    ])
  })
})
