/** Commands beside a live process that owns the log and runs its jobs. */
import { rmSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { id, makePlace, type Owner, startOwner } from "./harness.ts"

vi.setConfig({ testTimeout: 60_000 })

// the owner is a process of its own, and the commands come from another
const place = makePlace({ kept: true })
afterAll(place.remove)

/** An owner with a log of its own, for tests that change something. */
const withOwner = async (use: (owner: Owner, at: ReadonlyArray<string>, log: string) => Promise<void>) => {
  const log = place.fresh()
  const owner = await startOwner(log)
  try {
    await use(owner, ["--directory", log], log)
  } finally {
    await owner.stop()
  }
}

describe("reading beside a live owner", () => {
  const log = place.fresh()
  const at = ["--directory", log]
  let owner: Owner
  beforeAll(async () => {
    owner = await startOwner(log)
  })
  afterAll(() => owner.stop())

  it("sees what is durable", async () => {
    const [stats, verify] = await Promise.all([place.json(["stats", ...at]), place.json(["verify", log])])
    expect(stats.value.queues).toMatchObject([{ queue: "work", leased: 1, completed: 0 }])
    expect(verify).toMatchObject({ code: 0, value: { sound: true, closed: false } })
  })

  it("explains what runs, what its group holds up, and what nobody here can run", async () => {
    const show = async (n: number) => (await place.json(["jobs", "show", id(n), ...at])).value
    const [running, held] = await Promise.all([show(101), show(102)])
    let unhandled = await show(103)
    // it is claimed and given back now and again
    while (unhandled.why[0]?.code === "running") unhandled = await show(103)
    expect(running.job).toMatchObject({ state: "Leased", group: "g" })
    expect(running.why).toMatchObject([
      { code: "running", detail: expect.stringMatching(/leased by session \S+ with token \d+, delivery \d+ of/) }
    ])
    expect(held.why).toMatchObject([{ code: "groupBusy", detail: `its group g is busy: job ${id(101)} has it` }])
    expect(unhandled.why[0]).toMatchObject({
      code: expect.stringMatching(/^(?:noHandler|waiting)$/),
      detail: expect.stringContaining("no handler for unhandled")
    })
  })
})

describe("writing beside a live owner", () => {
  it("goes through it: cancels what runs, pauses and resumes", () =>
    withOwner(async (owner, at) => {
      const cancelled = await place.json(["jobs", "cancel", id(101), ...at])
      expect(cancelled).toMatchObject({ code: 0, value: { cancelled: [id(101)], refused: [] } })
      await owner.said(`interrupted ${id(101)}`)

      const paused = await place.leasehold(["queue", "pause", "work", ...at], {})
      expect(paused).toMatchObject({ code: 0, err: "" })
      const { value } = await place.json(["jobs", "show", id(103), ...at])
      expect(value.why[0]).toMatchObject({ code: "paused" })
      expect(await place.json(["queue", "resume", "work", ...at])).toMatchObject({ code: 0, value: { paused: false } })
      const refused = await place.leasehold(["dead", "redrive", id(101), id(77), ...at])
      expect(refused.code).toBe(1)
      expect(refused.out).toMatch(/^0 redriven, 2 refused$/m)
    }))

  it("names the owner where there is no way to it", () =>
    withOwner(async (owner, at, log) => {
      rmSync(join(log, "control.sock"))
      const [people, program] = await Promise.all([
        place.leasehold(["queue", "pause", "work", ...at]),
        place.json(["queue", "pause", "work", ...at])
      ])
      expect(people).toMatchObject({ code: 1, out: "" })
      expect(people.err).toMatch(new RegExp(`^leasehold: open: \\S+ is owned by pid ${owner.pid} on .+\\n$`))
      expect(program).toMatchObject({ code: 1, value: { error: { tag: "OwnedBy" } } })
    }))
})
