import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { assert, describe, it } from "vitest"
import * as PostgresLog from "../../../src/backends/postgres/PostgresLog.ts"
import type { JobLogOperations, Settlement, SettleResult } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { Proxy, type Treatment } from "../../faults/Proxy.ts"
import { byReady, byStatement } from "../../support/servers/postgresMessages.ts"
import { claimer, item, newQueue, program, running, server, stateOf } from "./runtime/support.ts"

const postgres = server()

/** A log behind a proxy, which treats the next statement that calls a function of the log in some way. */
const behindProxy = Effect.gen(function* () {
  let planned: { readonly calls: string; readonly treatment: Treatment } | undefined
  const proxy = yield* Effect.acquireRelease(
    Effect.promise(() =>
      Proxy.start({
        target: { port: postgres().port },
        requests: byStatement,
        replies: byReady,
        treat: ({ bytes }) => {
          if (planned === undefined || !bytes.includes(`"leasehold".${planned.calls}(`)) return { _tag: "Pass" }
          const { treatment } = planned
          planned = undefined
          return treatment
        }
      })
    ),
    (of) => Effect.promise(() => of.refuse())
  )
  const { address } = proxy
  if (!("port" in address)) throw new Error("the proxy has no port")
  const connecting = { host: "127.0.0.1", port: address.port, username: "leasehold", database: "postgres" }
  // the text of each statement is seen, as it is named nowhere
  const context = yield* Layer.build(PgClient.layer({ ...connecting, maxConnections: 2, prepare: false }))
  const log = yield* Effect.provideContext(PostgresLog.make({ listen: false }), context)
  const spoil = (calls: string, treatment: Treatment) =>
    Effect.sync(() => {
      planned = { calls, treatment }
    })
  return { log, spoil, spoilt: () => planned === undefined }
})

const failureOf = <A>(operation: Effect.Effect<A, LogError>) =>
  Effect.map(Effect.flip(operation), ({ outcome, reason }) => `${outcome} ${reason._tag}`)

/** What is there beside the proxy. */
const direct: Effect.Effect<JobLogOperations, never, Scope.Scope> = Effect.suspend(() =>
  Effect.map(program(postgres(), { listen: false, selfCheck: false }), ({ log }) => log)
)

const treatments: ReadonlyArray<"LoseRequest" | "LoseReply" | "Reset"> = ["LoseRequest", "LoseReply", "Reset"]

describe.each(treatments)("a connection that breaks (%s)", { timeout: 60_000 }, (_tag) => {
  const lost = _tag === "LoseReply"

  it("under an enqueue: unknown, and the same again is answered as the first would have been", () =>
    running(
      Effect.gen(function* () {
        const { log, spoil, spoilt } = yield* behindProxy
        const other = yield* direct
        const job = item(newQueue(), { key: { value: "once", window: 60_000 } })
        yield* spoil("enqueue", { _tag })
        assert.strictEqual(yield* failureOf(log.enqueue([job])), "unknown Unavailable")
        assert.isTrue(spoilt())
        if (lost) assert.strictEqual(yield* stateOf(other, job.id), "Ready")
        assert.deepStrictEqual(yield* log.enqueue([job]), [{ _tag: "Inserted", id: job.id }])
        assert.deepStrictEqual(yield* log.enqueue([job]), [{ _tag: "Inserted", id: job.id }])
      })
    ))

  it("under a claim, a renewal and a settlement: their numbers say that they are the same", () =>
    running(
      Effect.gen(function* () {
        const { log, spoil } = yield* behindProxy
        const other = yield* direct
        const name = newQueue()
        const jobs = [item(name), item(name), item(name)]
        yield* log.enqueue(jobs)
        const { next, session } = yield* claimer(log, name)
        const claim = { session, call: next(), queue: name, limit: 2 }
        yield* spoil("claim", { _tag })
        assert.strictEqual(yield* failureOf(log.claim(claim)), "unknown Unavailable")
        if (lost) assert.strictEqual(yield* stateOf(other, jobs[0]!.id), "Leased")
        const { grants } = yield* log.claim(claim)
        assert.deepStrictEqual(
          grants.map(({ delivery, id }) => ({ delivery, id })),
          jobs.slice(0, 2).map(({ id }) => ({ delivery: 1, id }))
        )
        assert.deepStrictEqual((yield* log.claim(claim)).grants, grants)

        const renewal = { session, call: next(), started: grants.map(({ token }) => token), progress: [] }
        yield* spoil("renew", { _tag })
        assert.strictEqual(yield* failureOf(log.renew(renewal)), "unknown Unavailable")
        const renewed = yield* log.renew(renewal)
        assert.deepStrictEqual(renewed.lost, [])
        assert.deepStrictEqual(yield* log.renew(renewal), renewed)

        const settlements: ReadonlyArray<Settlement> = [
          { _tag: "Complete", result: '"done"' },
          { _tag: "Retry", delay: 0, cause: { kind: "defect", message: "again" } }
        ]
        const items = grants.map(({ id, receipt, token }, i) => ({ id, receipt, token, settlement: settlements[i]! }))
        const settling = { session, call: next(), items }
        yield* spoil("settle", { _tag })
        assert.strictEqual(yield* failureOf(log.settle(settling)), "unknown Unavailable")
        if (lost) assert.strictEqual(yield* stateOf(other, jobs[0]!.id), "Completed")
        const settled: ReadonlyArray<SettleResult> = [
          { _tag: "Settled", state: "Completed" },
          { _tag: "Settled", state: "Ready" }
        ]
        assert.deepStrictEqual(yield* log.settle(settling), settled)
        // the retried job goes to another, and the answer stays what it was
        assert.lengthOf((yield* log.claim({ session, call: next(), queue: name, limit: 5 })).grants, 2)
        assert.deepStrictEqual(yield* log.settle(settling), settled)
      })
    ))
})
