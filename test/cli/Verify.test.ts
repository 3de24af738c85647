/** `leasehold verify` on sound, torn and damaged directories. */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { makePlace, seed } from "./harness.ts"

vi.setConfig({ testTimeout: 60_000 })

const place = makePlace({ kept: true })
const log = place.fresh()
beforeAll(() => seed(log))
afterAll(place.remove)

const segmentOf = (directory: string): string => {
  const name = readdirSync(directory).find((each) => each.endsWith(".seg"))
  if (name === undefined) throw new Error(`no segment in ${directory}`)
  return name
}

describe("verify", () => {
  it("says what is sound", async () => {
    const [people, program] = await Promise.all([place.leasehold(["verify", log], {}), place.json(["verify", log])])
    expect(people.code).toBe(0)
    expect(people.out).toMatch(/^sound: \d+ frames in 1 segments, 9 jobs$/m)
    expect(program).toMatchObject({ code: 0, value: { sound: true, directory: log, closed: true } })
  })

  it("names segment, offset and cause of a flipped byte, and changes nothing", async () => {
    const directory = place.copy(log)
    const segment = segmentOf(directory)
    const bytes = readFileSync(join(directory, segment))
    // early in the file, so that what follows shows that it had been durable
    const at = 200
    bytes[at]! ^= 1
    writeFileSync(join(directory, segment), bytes)
    const [people, program] = await Promise.all([
      place.leasehold(["verify", directory]),
      place.json(["verify", directory])
    ])
    expect(program.code).toBe(1)
    expect(program.value).toMatchObject({ sound: false, damage: { segment, witnessed: true } })
    expect(people.code).toBe(1)
    const [, offset] = /^damaged: [0-9a-f]+\.seg\+(\d+): \S/m.exec(people.out) ?? []
    expect(Number(offset)).toBeLessThanOrEqual(at)
    expect(people.err).toMatch(new RegExp(`^leasehold: ${segment}\\+${offset}: .+\\n$`))
    expect(readFileSync(join(directory, segment))).toEqual(bytes)
    // no other command reads around the damage
    const stats = await place.leasehold(["stats", "--directory", directory])
    expect(stats).toMatchObject({ code: 1, out: "" })
    expect(stats.err).toContain(`the log is damaged at ${segment}+${offset}`)
  })

  it("tells a torn tail from damage", async () => {
    const directory = place.copy(log)
    appendFileSync(join(directory, segmentOf(directory)), Buffer.alloc(7, 0xab))
    const { code, value } = await place.json(["verify", directory])
    expect(code).toBe(0)
    expect(value).toMatchObject({ sound: true, tornTail: { segment: segmentOf(directory) } })
  })

  it("answers for a directory without a log", async () => {
    const { code, value } = await place.json(["verify", place.root])
    expect(code).toBe(1)
    expect(value).toMatchObject({ error: { tag: "NoLog" } })
  })
})
