/** The judge of the fault tests can convict: each lie about a sound log is found out. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { makeCrashed } from "./CrashedLog.ts"
import { idOf } from "./Job.ts"
import { judge } from "./Judge.ts"
import { type Line, parse } from "./Line.ts"
import { play, scenarioNames } from "./Scenarios.ts"
import { Story } from "./Story.ts"

let place: string
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "leasehold-judge-"))
})
afterEach(() => rmSync(place, { recursive: true, force: true }))

const judged = async (directory: string, lines: ReadonlyArray<Line>): Promise<ReadonlyArray<string>> => {
  const story = new Story()
  for (const line of lines) story.hear(line)
  story.ended()
  await judge(directory, story)
  return story.violations
}

describe("without faults", { timeout: 60_000 }, () => {
  for (const name of scenarioNames) {
    it(`${name} finishes, and the log holds what it told`, async () => {
      const directory = join(place, "log")
      const lines = name === "recovery" ? [...(await makeCrashed(join(place, "owned"), directory))] : []
      if (lines.length > 0) lines.push(...endOf(lines))
      await Effect.runPromise(play(name, directory, (line) => lines.push(line)))
      assert.strictEqual(lines.at(-1)?._tag, "Finished")
      assert.deepStrictEqual(await judged(directory, lines), [])
    })
  }
})

/** The call that was under way at a crash, as unknown: the next process numbers its calls anew. */
const endOf = (lines: ReadonlyArray<Line>): ReadonlyArray<Line> => {
  const last = lines.at(-1)
  if (last?._tag !== "Doing") throw new Error("nothing was under way")
  return [{ _tag: "Failed", call: last.call, outcome: "unknown", reason: "Unavailable", detail: "killed" }]
}

describe("lies are found out", { timeout: 60_000 }, () => {
  const played = async (change: (lines: Array<Line>) => ReadonlyArray<Line>): Promise<ReadonlyArray<string>> => {
    const lines: Array<Line> = []
    await Effect.runPromise(play("claimAndSettle", join(place, "log"), (line) => lines.push(line)))
    return judged(join(place, "log"), change(lines))
  }
  const told = (call: number, effects: Readonly<Record<string, string>>): Line => ({
    _tag: "Doing",
    call,
    what: "a lie",
    effects
  })

  it("an acknowledged job that is not there", async () => {
    const violations = await played((lines) => [
      ...lines,
      told(9_000, { [idOf(0x999)]: "Ready a0" }),
      { _tag: "Done", call: 9_000 }
    ])
    assert.match(violations.join(), /0999 is Absent and may be Ready a0/)
  })

  it("a job that nobody enqueued, since its enqueue was refused", async () => {
    const violations = await played((lines) =>
      lines.map((line): Line =>
        line._tag === "Done" && line.call === callOf(lines, "enqueue")
          ? { _tag: "Failed", call: line.call, outcome: "refused", reason: "Poisoned", detail: "a lie" }
          : line
      )
    )
    assert.match(violations.join(), /no outcome of the calls explains/)
  })

  it("half of a batch: a completion without its follow-up", async () => {
    const followUp = idOf(0x101)
    const violations = await played((lines) =>
      lines.map((line) =>
        line._tag === "Doing" && followUp in line.effects
          ? { ...line, effects: { ...line.effects, [followUp]: "Absent" } }
          : line
      )
    )
    assert.match(violations.join(), new RegExp(`${followUp} is Scheduled a0 and may be Absent`))
  })

  it("a token that is granted again", async () => {
    const directory = join(place, "older")
    const lines: Array<Line> = []
    await Effect.runPromise(play("enqueueSingles", directory, (line) => lines.push(line)))
    const grant = { session: "1-9", token: "1000", receipt: "", generation: 1, delivery: 1 }
    const again = await judged(directory, [...lines, { _tag: "Granted", id: idOf(1), ...grant }])
    assert.match(again.join(), /has a token that was used before/)
  })

  it("a reason that no failing disk explains", async () => {
    const violations = await played((lines) => [
      ...lines,
      told(9_000, {}),
      { _tag: "Failed", call: 9_000, outcome: "refused", reason: "Corrupt", detail: "a lie" }
    ])
    assert.match(violations.join(), /failed with Corrupt/)
  })

  it("damage, and a directory of the past", async () => {
    const directory = join(place, "log")
    const lines: Array<Line> = []
    const past = join(place, "past")
    await Effect.runPromise(
      play("reopen", directory, (line) => {
        lines.push(line)
        if (line._tag === "Done" && lines.filter(({ _tag }) => _tag === "Done").length === 2) {
          cpSync(directory, past, { recursive: true, filter: (path) => !path.endsWith(".sock") })
          rmSync(join(past, "lock.sqlite"))
        }
      })
    )
    assert.match((await judged(past, lines)).join(), /no outcome of the calls explains/)
    const first = join(directory, readdirSync(directory).filter((name) => name.endsWith(".seg"))[0] ?? "")
    const bytes = readFileSync(first)
    bytes[200] = (bytes[200] ?? 0) ^ 1
    writeFileSync(first, bytes)
    assert.match((await judged(directory, lines)).join(), /verify what was left/)
  })

  it("a line that a kill cut is not believed", () => {
    const line = JSON.stringify({ _tag: "Done", call: 1 })
    assert.strictEqual(parse(`${line}\n${line.slice(0, 9)}`).length, 1)
    assert.strictEqual(parse(`${line}\na warning\n${line}\n`).length, 2)
  })
})

const callOf = (lines: ReadonlyArray<Line>, what: string): number =>
  lines.flatMap((line) => (line._tag === "Doing" && line.what.startsWith(what) ? [line.call] : []))[0] ?? -1
