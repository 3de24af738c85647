import { assert, test } from "vitest"
import { JobStore } from "../../../src/backends/file/JobStore.ts"
import { parseJobId } from "../../../src/backends/file/JobId.ts"
import { takeNext } from "../../../src/backends/file/Placement.ts"
import type { Command, CommandContext } from "../../../src/model/Command.ts"
import type { Job } from "../../../src/model/Job.ts"
import { apply, decide } from "../../../src/model/Transition.ts"
import { seeded } from "../../../src/simulation/disk/Survivors.ts"

const holders = {
  nameOf: (session: number) => `s${session}`,
  link: () => {},
  unlink: () => {},
  cancelled: () => {}
}

/** Columns keep no token of a grant that has ended, only that there was one. */
const comparable = (job: Job): Job => (job.session === undefined ? { ...job, token: job.token > 0 ? 1 : 0 } : job)

const idOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

const fixed: Omit<CommandContext, "now" | "sessionLive"> = {
  paused: false,
  permit: true,
  keyFree: true,
  sameRequest: false
}

/** Random commands on a few jobs, on columns and on the model side by side. */
const walk = (seed: number, scheduling: boolean): number => {
  const random = seeded(seed)
  const pick = (n: number): number => Math.floor(random() * n)
  const store = new JobStore(holders)
  store.scheduling = scheduling
  const words = new Int32Array(4)
  const models = new Map<number, Job>()
  let made = 0
  let token = 1
  let events = 0
  const insert = (): void => {
    parseJobId(idOf(made++), words, 0)
    const maxAttempts = 1 + pick(3)
    const profile = store.profiles.of("q", "n", pick(2), maxAttempts, 1 + pick(5), undefined, undefined)
    const job = {
      profile,
      priority: pick(3) - 1,
      visibleAt: store.now + pick(2) * pick(100),
      deadline: pick(3) === 0 ? store.now + pick(200) : undefined,
      group: pick(3) === 0 ? `g${pick(2)}` : undefined,
      key: undefined
    }
    const row = store.insert(words, 0, job, 0, 0, 10)
    const { priority, visibleAt, deadline } = job
    const model = apply(undefined, {
      _tag: "Enqueued",
      job: { priority, visibleAt, deadline, maxAttempts, maxDeliveries: profile.maxDeliveries }
    })
    models.set(row, model!)
  }
  const commandOn = (job: Job): Command => {
    const session = job.session ?? "s1"
    const cause = { kind: "failure", message: `failed ${pick(100)}` } as const
    const holder = { session, token: job.token }
    const all: ReadonlyArray<Command> = [
      { _tag: "Claim", session: `s${1 + pick(2)}`, token },
      { _tag: "Claim", session: "s1", token },
      { _tag: "MarkStarted", ...holder },
      { _tag: "Complete", ...holder },
      { _tag: "Retry", ...holder, visibleAt: store.now + pick(100), cause },
      {
        _tag: "Release",
        ...holder,
        visibleAt: store.now + pick(2) * pick(50),
        cause: pick(2) === 0 ? undefined : cause
      },
      { _tag: "DeadLetter", ...holder, cause },
      { _tag: "Reclaim" },
      { _tag: "Expire" },
      { _tag: "Cancel" },
      { _tag: "Redrive" },
      { _tag: "Reschedule", visibleAt: store.now + pick(100), priority: pick(2) === 0 ? undefined : pick(3) - 1 },
      { _tag: "Purge" }
    ]
    return all[pick(all.length)]!
  }
  for (let step = 0; step < 300; step++) {
    store.now += pick(20)
    if (models.size < 6 && pick(3) === 0) insert()
    if (pick(5) === 0) takeNext(store, store.queue("q"))
    const rows = [...models.keys()]
    const row = rows[pick(rows.length)]
    if (row === undefined) continue
    const model = models.get(row)!
    const command = commandOn(model)
    const event = decide(model, command, { ...fixed, now: store.now, sessionLive: command._tag !== "Reclaim" })
    if (typeof event === "string") continue
    events++
    const next = apply(model, event)
    if (event._tag === "Granted") {
      store.nextToken = token++
      store.grant(row, Number(event.session.slice(1)))
    } else if (event._tag === "Completed") {
      store.complete(row, event.at)
    } else {
      store.transition(row, event)
    }
    if (next === undefined) models.delete(row)
    else models.set(row, next)
    for (const [other, job] of models) {
      assert.deepStrictEqual(comparable(store.job(other)), comparable(job), `seed ${seed}, step ${step}, ${event._tag}`)
    }
    const counts = [0, 0, 0, 0, 0, 0]
    const codes = { Waiting: 1, Leased: 2, Completed: 3, DeadLettered: 4, Cancelled: 5 }
    for (const job of models.values()) counts[codes[job.status]]!++
    assert.deepStrictEqual([...store.queue("q").counts], counts, `seed ${seed}, step ${step}, ${event._tag}`)
  }
  assert.strictEqual(store.table.rows, models.size)
  return events
}

test("columns fold events exactly as the model does", () => {
  let events = 0
  for (let seed = 0; seed < 200; seed++) events += walk(seed, seed % 2 === 0)
  assert.isAbove(events, 5_000)
})

test("rows are used again once nothing mentions them", () => {
  const store = new JobStore(holders)
  store.scheduling = true
  const words = new Int32Array(4)
  const profile = store.profiles.of("q", "n", 1, 10, 23, undefined, undefined)
  const job = { profile, priority: 0, visibleAt: 0, deadline: undefined, group: undefined, key: undefined }
  for (let n = 0; n < 100_000; n++) {
    parseJobId(idOf(n), words, 0)
    store.insert(words, 0, job, 0, 0, 10)
    if (n < 10) continue
    const row = takeNext(store, profile.queue)
    store.grant(row, 1)
    store.complete(row, 0)
    store.purge(row)
    profile.queue.retained.shift()
    store.table.unmention(row)
  }
  assert.strictEqual(store.table.rows, 10)
  assert.isAtMost(store.table.extent, 12)
  assert.strictEqual(store.table.chunks.length, 1)
})

test("a waiting job costs less than 90 bytes of columns", () => {
  const store = new JobStore(holders)
  store.scheduling = true
  const words = new Int32Array(4)
  const profile = store.profiles.of("q", "n", 1, 10, 23, undefined, undefined)
  const job = { profile, priority: 0, visibleAt: 0, deadline: undefined, group: undefined, key: undefined }
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 250_000; n++) {
    words[0] = Math.imul(n, 0x9e3779b1)
    words[1] = n
    store.insert(words, 0, job, 0, 0, 10)
  }
  // what the index of ids gave up when it grew may not be collected yet
  assert.isBelow((process.memoryUsage().arrayBuffers - before) / 250_000, 90)
})
