import { spawn } from "node:child_process"
import { join } from "node:path"
import { expect, test } from "vitest"
import { crashMutants } from "./crashMutants.ts"
import { textOf } from "./load.ts"

interface Verdict {
  readonly name: string
  readonly states: number
  readonly violation?: string
}

const judge = (indices: ReadonlyArray<number>): Promise<ReadonlyArray<Verdict>> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "crashJudge.ts"), ...indices.map(String)], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let out = ""
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    child.on("error", reject)
    child.on("close", () => {
      const lines = out.split("\n").filter((line) => line !== "")
      // each line is what the judge wrote
      resolve(lines.map((line) => JSON.parse(line) as Verdict))
    })
  })

test("crash states find every broken log out, as early as is written down", { timeout: 300_000 }, async () => {
  const indices = [...crashMutants.keys()].filter((index) => typeof crashMutants[index]!.states === "number")
  const verdicts = await judge(indices)
  expect(verdicts.map(({ name }) => name)).toEqual(indices.map((index) => crashMutants[index]!.name))
  for (const { name, states, violation } of verdicts) {
    expect(violation, `${name} is not noticed`).toBeDefined()
    expect(states, `crash states until ${name} is noticed`).toBe(
      crashMutants.find((each) => each.name === name)!.states
    )
  }
})

test("who survives is a change of what is there, and argued", () => {
  for (const { file, find, name, replace, states } of crashMutants) {
    if (typeof states === "number") continue
    expect(states.length, name).toBeGreaterThan(40)
    expect(() => textOf({ name, file, find, replace })).not.toThrow()
  }
})
