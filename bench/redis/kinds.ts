/**
 * `npm run bench:kinds`: what jobs of several kinds cost the Redis server, by operation of the log. Batches over one
 * connection and no scheduler, so what is compared is the server's work alone.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import { tmpdir } from "node:os"
import type { EnqueueItem, Grant, JobLogOperations } from "../../src/log/JobLog.ts"
import * as RedisLog from "../../src/backends/redis/RedisLog.ts"
import { nextJobId } from "../../src/scheduler/JobIds.ts"
import { describeMachine, machineLine } from "../Machine.ts"
import { expectEqual } from "../Measurement.ts"
import { makePayload } from "../Payload.ts"
import { median } from "../Statistics.ts"
import { type Column, renderTable } from "../Table.ts"
import { RedisServer } from "./Server.ts"

const rounds = 5
const jobs = 20_000
const batch = 500

const kinds: Readonly<Record<string, (n: number) => Partial<EnqueueItem>>> = {
  plain: () => ({}),
  "idempotency key": (n) => ({ key: { value: `order-${n}`, window: 3_600_000 } }),
  "group of one": (n) => ({ group: `account-${n}` }),
  "group of 500": (n) => ({ group: `account-${n % (jobs / batch)}` }),
  delay: () => ({ delay: 0 })
}

const operations = ["enqueue", "claim", "settle"] as const

type Micros = Record<(typeof operations)[number] | "bytes", number>

/** Settling ends jobs and lets go of those that ended before, beyond the latest 10,000. */
const measure = (
  log: JobLogOperations,
  queue: string,
  kind: (n: number) => Partial<EnqueueItem>,
  server: RedisServer
) =>
  Effect.gen(function* () {
    const random = yield* Random.Random
    const spent: Micros = { enqueue: 0, claim: 0, settle: 0, bytes: 0 }
    const timed = <A, E>(operation: (typeof operations)[number], effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.suspend(() => {
        const before = server.cpuMicros()
        return Effect.tap(effect, () => Effect.sync(() => (spent[operation] += server.cpuMicros() - before)))
      })
    const items = Array.from({ length: jobs }, (_, n) => ({
      id: nextJobId(Date.now(), random),
      queue,
      name: "job",
      version: 1,
      payload: JSON.stringify(makePayload(n)),
      ...kind(n)
    }))
    yield* log.control([{ _tag: "Configure", queue, policy: { groupConcurrency: batch } }])
    const before = yield* Effect.promise(() => server.bytes("kinds"))
    yield* timed(
      "enqueue",
      Effect.forEach(
        Array.from({ length: jobs / batch }, (_, at) => items.slice(at * batch, (at + 1) * batch)),
        (part) => log.enqueue(part),
        { discard: true }
      )
    )
    spent.bytes = (yield* Effect.promise(() => server.bytes("kinds"))) - before
    const { id: session } = yield* log.open({ owner: "bench", leaseDuration: 3_600_000 })
    let call = 0
    let done = 0
    let grants: ReadonlyArray<Grant> = []
    do {
      ;({ grants } = yield* timed("claim", log.claim({ session, call: ++call, queue, limit: batch })))
      const settled = grants.map(({ id, receipt, token }) => ({
        id,
        token,
        receipt,
        settlement: { _tag: "Complete" } as const
      }))
      if (grants.length > 0) yield* timed("settle", log.settle({ session, call: ++call, items: settled }))
      done += grants.length
    } while (grants.length > 0)
    yield* log.close(session)
    expectEqual("done jobs", done, jobs)
    return spent
  })

const server = await RedisServer.start(tmpdir())
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void server.stop().then(() => process.exit(1)))
}
try {
  await server.create("kinds", { sync: "everysec", template: undefined })
  const measured = await Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const log = yield* RedisLog.make({ server: { _tag: "Url", url: Redacted.make(server.url("kinds")) } })
        const results = new Map<string, Array<Micros>>(Object.keys(kinds).map((name) => [name, []]))
        // the first round warms up
        for (let round = 0; round <= rounds; round++) {
          for (const [name, kind] of Object.entries(kinds)) {
            const spent = yield* measure(log, `${name}-${round}`.replaceAll(" ", "-"), kind, server)
            if (round > 0) results.get(name)?.push(spent)
          }
        }
        return results
      })
    )
  )
  const each = (values: ReadonlyArray<number>): string => (median(values) / jobs).toFixed(1)
  const columns: ReadonlyArray<Column<readonly [string, ReadonlyArray<Micros>]>> = [
    { head: "job", right: false, cell: ([name]) => name },
    ...operations.map((operation) => ({
      head: `${operation}, us`,
      right: true,
      cell: ([, all]: readonly [string, ReadonlyArray<Micros>]) => each(all.map((one) => one[operation]))
    })),
    {
      head: "together, us",
      right: true,
      cell: ([, all]) => each(all.map(({ claim, enqueue, settle }) => claim + enqueue + settle))
    },
    { head: "waiting, B", right: true, cell: ([, all]) => (median(all.map(({ bytes }) => bytes)) / jobs).toFixed(0) }
  ]
  console.log(`Machine: ${machineLine(describeMachine(tmpdir()))}. Server: ${server.version}.\n`)
  console.log(renderTable(columns, [...measured]))
} finally {
  await server.stop()
}
