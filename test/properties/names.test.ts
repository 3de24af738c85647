import * as fs from "node:fs"
import * as path from "node:path"
import { expect, test } from "vitest"
import { lawNames, laws } from "../../properties/index.ts"

const root = path.resolve(import.meta.dirname, "../..")
const read = (file: string): string => fs.readFileSync(path.join(root, file), "utf8")

test("every law that the port's docstrings name exists", () => {
  const named = [...read("src/log/JobLog.ts").matchAll(/\(`(\w+)`\)/g)].map(([, name]) => name)
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter((name) => !lawNames.some((law) => law === name))).toEqual([])
})

test("a law is listed under its own name, with a statement", () => {
  for (const name of lawNames) {
    expect(laws[name].name).toBe(name)
    expect(laws[name].statement).toMatch(/^[A-Z].*\.$/)
  }
})

test("the guarantees name each law, and only laws", () => {
  const cited = new Set([...read("docs/guarantees.md").matchAll(/`(\w+)`/g)].map(([, name]) => name))
  expect(lawNames.filter((name) => !cited.has(name))).toEqual([])
})
