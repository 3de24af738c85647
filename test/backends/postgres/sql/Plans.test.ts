/**
 * Functions keep the plans of their first calls, which meet an empty log: none of these plans may be one that reads a
 * backlog over and over. The server writes down how it carried out each statement.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { afterAll, beforeAll, expect, it } from "vitest"
import * as Migrations from "../../../../src/backends/postgres/Migrations.ts"
import { operations } from "../../../../src/backends/postgres/Operations.ts"
import { capabilities } from "../../../../src/backends/postgres/PostgresCapabilities.ts"
import { atTheEdge, type JobLogOperations } from "../../../../src/log/JobLog.ts"
import { Postgres } from "../../../support/servers/Postgres.ts"

const batch = 500
const batches = 5

let server: Postgres

beforeAll(async () => {
  server = await Postgres.start({
    settings: {
      autovacuum: "off",
      log_min_messages: "log",
      session_preload_libraries: "auto_explain",
      "auto_explain.log_min_duration": 0,
      "auto_explain.log_nested_statements": "on",
      "auto_explain.log_analyze": "on",
      "auto_explain.log_timing": "off"
    }
  })
})
afterAll(() => server?.close())

const id = (number: number): string => `00000000-0000-4000-8000-${`${number}`.padStart(12, "0")}`

const requests = (from: number, count: number, more: object = {}) =>
  Array.from({ length: count }, (_, index) => ({
    id: id(from + index),
    queue: "mail",
    name: "send",
    version: 1,
    payload: "{}",
    ...more
  }))

/** Every way of a job through the log, a number of times for so many jobs. */
const work = Effect.fnUntraced(function* (log: JobLogOperations, first: number, times: number, size: number) {
  for (let turn = 0; turn < times; turn++) {
    yield* log.enqueue(requests(first + turn * size, size))
  }
  // an id that is known is looked up
  yield* log.enqueue(requests(first, size))
  yield* log.enqueue(requests(first + times * size, size, { groupKey: "of one" }))
  yield* log.enqueue(requests(first + (times + 1) * size, size, { delay: 60_000 }))
  const session = (yield* log.open({ owner: "worker", leaseDuration: 60_000 })).id
  let call = 0
  for (let turn = 0; turn < 2 * times; turn++) {
    const { grants } = yield* log.claim({ session, call: ++call, queue: "mail", limit: size })
    yield* log.renew({
      session,
      call: ++call,
      started: grants.map(({ token }) => token),
      progress: grants.slice(0, 10).map(({ token }) => ({ token, value: "1" }))
    })
    yield* log.settle({
      session,
      call: ++call,
      items: grants.map(({ id, receipt, token }, index) => ({
        id,
        receipt,
        token,
        settlement: index % 10 === 0 ? ({ _tag: "Release" } as const) : ({ _tag: "Complete" } as const)
      }))
    })
  }
  // what nobody settled is taken back
  yield* log.claim({ session, call: ++call, queue: "mail", limit: size })
  yield* log.close(session)
  yield* log.reclaim({ limit: 1_000 })
  yield* log.control([{ _tag: "Configure", queue: "mail", policy: { retainCompletedCount: 1 } }])
  yield* log.reclaim({ limit: 1_000 })
  yield* log.read({ _tag: "Jobs", queue: "mail", limit: 10 })
  yield* log.read({ _tag: "Counts", queue: "mail" })
})

it("plans made for an empty log serve a full one", async () => {
  const log = Effect.gen(function* () {
    const sql = yield* PgClient.make({ url: server.url(), maxConnections: 1 })
    yield* Migrations.up(sql, "leasehold")
    yield* sql.unsafe("VACUUM ANALYZE")
    const log = atTheEdge({ ...operations(sql, "leasehold"), capabilities, changes: () => Effect.never })
    yield* work(log, 1, 1, 1)
    const before = server.output.length
    yield* work(log, 1_000, batches, batch)
    return server.output.slice(before)
  })
  const told = await Effect.runPromise(Effect.scoped(log).pipe(Effect.provide(Reactivity.layer)))
  const plans = told.split(/^.*LOG: {2}duration: /m).slice(1)
  expect(plans.length).toBeGreaterThan(100)
  const bad = plans.filter(
    (plan) =>
      // counting reads everything once, on purpose
      !plan.includes("PL/pgSQL function read_counts(") &&
      / Seq Scan on (?!queue\b|session\b)| Materialize |Rows Removed by Join Filter: [1-9]\d{2}/.test(plan)
  )
  expect(bad).toEqual([])
}, 120_000)
