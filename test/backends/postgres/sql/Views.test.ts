/** The views say the same as the log, to a role that may read nothing else. */
import * as Effect from "effect/Effect"
import { beforeAll, describe, expect, it } from "vitest"
import { fill, id } from "../../../cli/harness.ts"
import { makeSql } from "./sql.ts"

const { modest, owner, withLog } = makeSql()
beforeAll(async () => {
  await withLog(fill)
  await owner("GRANT USAGE ON SCHEMA leasehold TO modest")
  await owner("GRANT SELECT ON leasehold.jobs, leasehold.dead_letters, leasehold.queue_depth TO modest")
})

const rows = async (text: string): Promise<ReadonlyArray<Readonly<Record<string, unknown>>>> => {
  const ended = await modest(text)
  if ("code" in ended) throw new Error(`${String(ended.code)}: ${String(ended.message)}`)
  return ended
}

describe("jobs", () => {
  it("shows every job as the log does", async () => {
    const known = await withLog((log) => log.read({ _tag: "Jobs", limit: 1_000 }))
    if (known._tag !== "Jobs") throw new Error("another answer")
    const shown = await rows(
      `SELECT id, queue, name, version, state, priority, payload, attempts, max_attempts, deliveries, max_deliveries,
         generation, paused, cause_kind, cause_tag, result,
         extract(epoch FROM enqueued_at)::float8 * 1000 AS enqueued_at,
         extract(epoch FROM visible_at)::float8 * 1000 AS visible_at,
         extract(epoch FROM finished_at)::float8 * 1000 AS finished_at
       FROM leasehold.jobs ORDER BY sequence`
    )
    const millis = (value: number | undefined) => (value === undefined ? null : expect.closeTo(value, 0))
    expect(shown).toEqual(
      known.jobs.map((job) => ({
        id: job.id,
        queue: job.queue,
        name: job.name,
        version: expect.toSatisfy((version) => Number(version) === job.version),
        state: job.state,
        priority: job.priority,
        payload: job.payload,
        attempts: job.attempts,
        max_attempts: job.maxAttempts,
        deliveries: job.deliveries,
        max_deliveries: job.maxDeliveries,
        generation: job.generation,
        paused: job.paused === true,
        cause_kind: job.cause?.kind ?? null,
        cause_tag: job.cause?.tag ?? null,
        result: job.result ?? null,
        enqueued_at: millis(job.enqueuedAt),
        visible_at: millis(job.visibleAt),
        finished_at: millis(job.finishedAt)
      }))
    )
  })

  it("shows holders, keys, groups, progress, and metadata that text cannot hold", async () => {
    const other = id(50)
    await withLog((log) =>
      Effect.gen(function* () {
        yield* log.enqueue([
          {
            id: other,
            queue: "held",
            name: "send",
            version: 1,
            payload: "{}",
            group: "g",
            key: { value: "k", window: 0 },
            metadata: { a: "b\u0000", c: "\\u0000" }
          }
        ])
        const session = (yield* log.open({ owner: "me", leaseDuration: 60_000 })).id
        const { grants } = yield* log.claim({ session, call: 1, queue: "held", limit: 1 })
        const token = grants[0]?.token ?? 0n
        yield* log.renew({ session, call: 2, started: [token], progress: [{ token, value: "half" }] })
      })
    )
    const [job] = await rows(`SELECT * FROM leasehold.jobs WHERE id = '${other}'`)
    expect(job).toMatchObject({ state: "Leased", group_key: "g", key: "k", progress: "half", deliveries: 1 })
    expect(job?.["metadata"]).toEqual({ a: "b\ufffd", c: "\\ufffd" })
    expect(BigInt(String(job?.["token"]))).toBeGreaterThan(0n)
    expect(job?.["session"]).not.toBeNull()
  })

  it("hides what is past its retention, as the log does", async () => {
    await owner("SELECT leasehold.enqueue_job('brief', 'send', '{}')")
    await withLog((log) =>
      Effect.gen(function* () {
        const session = (yield* log.open({ owner: "me", leaseDuration: 60_000 })).id
        const { grants } = yield* log.claim({ session, call: 1, queue: "brief", limit: 1 })
        const items = grants.map(({ id, receipt, token }) => ({
          id,
          receipt,
          token,
          settlement: { _tag: "Complete" } as const
        }))
        yield* log.settle({ session, call: 2, items })
      })
    )
    const count = "SELECT count(*)::int FROM leasehold.jobs WHERE queue = 'brief'"
    expect(await rows(count)).toEqual([{ count: 1 }])
    // as long ago as its retention
    await owner("UPDATE leasehold.job_state SET finished_at = finished_at - 3600000 WHERE status = 2")
    expect(await rows(count)).toEqual([{ count: 0 }])
  })
})

describe("queue_depth and dead_letters", () => {
  it("count and list", async () => {
    const depth = await rows(
      `SELECT queue, paused, scheduled::int, ready::int, leased::int, dead_lettered::int, cancelled::int,
         oldest_ready_since IS NOT NULL AS waiting FROM leasehold.queue_depth WHERE queue IN ('mail', 'stopped') ORDER BY 1`
    )
    expect(depth).toEqual([
      {
        queue: "mail",
        paused: false,
        scheduled: 2,
        ready: 1,
        leased: 0,
        dead_lettered: 3,
        cancelled: 1,
        waiting: true
      },
      {
        queue: "stopped",
        paused: true,
        scheduled: 0,
        ready: 1,
        leased: 0,
        dead_lettered: 0,
        cancelled: 0,
        waiting: true
      }
    ])
    const dead = await rows(
      "SELECT id, queue, cause_kind, cause_tag, died_at IS NOT NULL AS died FROM leasehold.dead_letters ORDER BY sequence"
    )
    expect(dead).toEqual([
      { id: id(1), queue: "mail", cause_kind: "failure", cause_tag: "Declined", died: true },
      { id: id(8), queue: "mail", cause_kind: "deadline", cause_tag: null, died: true },
      { id: id(9), queue: "mail", cause_kind: "failure", cause_tag: "Declined", died: true }
    ])
  })
})
