/** Commands beside a live process that owns the log and runs its jobs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { id, makePlace, type Owner, startOwner } from "./harness.ts"

const place = makePlace()
const log = place.fresh()
let owner: Owner
beforeAll(async () => {
  owner = await startOwner(log)
})
afterAll(async () => {
  await owner.stop()
  place.remove()
})

const at = ["--directory", log]

describe("beside a live owner", () => {
  it("reading commands see what is durable", async () => {
    const [stats, verify] = await Promise.all([place.json(["stats", ...at]), place.json(["verify", log])])
    expect(stats.value.queues).toMatchObject([{ queue: "work", leased: 1, completed: 0 }])
    expect(verify).toMatchObject({ code: 0, value: { sound: true, closed: false } })
  })

  it("show explains what runs, what its group holds up, and what nobody here can run", async () => {
    const [running, held, unhandled] = await Promise.all(
      [101, 102, 103].map(async (n) => (await place.json(["jobs", "show", id(n), ...at])).value)
    )
    expect(running?.job).toMatchObject({ state: "Leased", group: "g" })
    expect(running?.why).toMatchObject([
      { code: "running", detail: expect.stringMatching(/leased by session \S+ with token \d+, delivery 1 of/) }
    ])
    expect(held?.why).toMatchObject([{ code: "groupBusy", detail: `its group g is busy: job ${id(101)} has it` }])
    expect(unhandled?.why[0]).toMatchObject({
      code: expect.stringMatching(/^(?:noHandler|waiting)$/),
      detail: expect.stringContaining("no handler for unhandled")
    })
  })

  it("a writing command without a way to the owner names it", async () => {
    const [people, program] = await Promise.all([
      place.leasehold(["queue", "pause", "work", ...at]),
      place.json(["queue", "pause", "work", ...at])
    ])
    expect(people).toMatchObject({ code: 1, out: "" })
    expect(people.err).toMatch(new RegExp(`^leasehold: open: \\S+ is owned by pid ${owner.pid} on .+\\n$`))
    expect(program).toMatchObject({ code: 1, value: { error: { tag: "OwnedBy" } } })
  })
})
