import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import { assert, describe, it } from "vitest"
import { library } from "../../../src/backends/redis/Library.ts"
import type { EnqueueResult, JobLogOperations, Settlement, SettleResult } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { Proxy, type Treatment } from "../../faults/Proxy.ts"
import { byValue } from "./LostReplyMessages.ts"
import { claimer, cli, failureOf, item, logOf, newQueue, running, server, stateOf } from "./TroubleSupport.ts"

const redis = server()

/** How a call of a function of the log is known: by its name, or by the hash of its script. */
const namesOf = (fn: string): ReadonlyArray<string> => [
  `_${fn}\r\n`,
  createHash("sha1").update(library().script(fn)).digest("hex")
]

/** A log behind a proxy, which treats the next call of a function of the log in some way. */
const behindProxy = Effect.gen(function* () {
  let planned: { readonly fn: string; readonly treatment: Treatment } | undefined
  const proxy = yield* Effect.acquireRelease(
    Effect.promise(() =>
      Proxy.start({
        target: { port: redis().port },
        requests: byValue,
        replies: byValue,
        treat: ({ bytes }) => {
          if (planned === undefined || !namesOf(planned.fn).some((name) => bytes.includes(name)))
            return { _tag: "Pass" }
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
  const log = yield* logOf({ url: () => redis().url(address.port) })
  const other = yield* logOf(redis())
  /** The next call of this function goes wrong, and nobody knows how it ended. */
  const spoilt = <A>(fn: string, treatment: Treatment, call: Effect.Effect<A, LogError>) =>
    Effect.gen(function* () {
      // else a server without functions refuses the first call of each
      yield* cli(redis(), "SCRIPT", "LOAD", library().script(fn))
      planned = { fn, treatment }
      const { outcome, reason } = yield* failureOf(call)
      assert.strictEqual(`${outcome} ${reason}`, "unknown Unavailable")
      assert.isUndefined(planned)
    })
  return { log, other, spoilt }
})

/** What others see of a job. */
const isIn = (log: JobLogOperations, id: string, state: string) =>
  Effect.map(stateOf(log, id), (found) => assert.strictEqual(found, state))

const treatments: ReadonlyArray<"LoseRequest" | "LoseReply" | "Reset"> = ["LoseRequest", "LoseReply", "Reset"]

describe.each(treatments)("a connection that breaks (%s)", { timeout: 60_000 }, (_tag) => {
  const lost = _tag === "LoseReply"

  it("under an enqueue: unknown, and the same again is answered as the first would have been", () =>
    running(
      Effect.gen(function* () {
        const { log, other, spoilt } = yield* behindProxy
        const name = newQueue()
        const jobs = [item(name, { key: { value: "once", window: 60_000 } }), item(name)]
        yield* spoilt("enqueue", { _tag }, log.enqueue(jobs))
        if (lost) for (const { id } of jobs) yield* isIn(other, id, "Ready")
        const answers: ReadonlyArray<EnqueueResult> = jobs.map(({ id }) => ({ _tag: "Inserted", id }))
        assert.deepStrictEqual(yield* log.enqueue(jobs), answers)
        assert.deepStrictEqual(yield* log.enqueue(jobs), answers)
        const { grants } = yield* (yield* claimer(log, name)).claim()
        assert.deepStrictEqual(
          grants.map(({ id }) => id),
          jobs.map(({ id }) => id)
        )
      })
    ))

  it("under a claim, a renewal and a settlement: their numbers say that they are the same", () =>
    running(
      Effect.gen(function* () {
        const { log, other, spoilt } = yield* behindProxy
        const name = newQueue()
        // of both kinds: entries of a stream, and more than that
        const jobs = [item(name), item(name, { group: "one" }), item(name), item(name)]
        yield* log.enqueue(jobs)
        const { next, session } = yield* claimer(log, name)
        const claim = { session, call: next(), queue: name, limit: 3 }
        yield* spoilt("claim", { _tag }, log.claim(claim))
        if (lost) for (const { id } of jobs.slice(0, 3)) yield* isIn(other, id, "Leased")
        const { grants } = yield* log.claim(claim)
        assert.deepStrictEqual(
          grants.map(({ delivery, id }) => ({ delivery, id })),
          jobs.slice(0, 3).map(({ id }) => ({ delivery: 1, id }))
        )
        assert.deepStrictEqual((yield* log.claim(claim)).grants, grants)

        const renewal = { session, call: next(), started: grants.map(({ token }) => token), progress: [] }
        yield* spoilt("renew", { _tag }, log.renew(renewal))
        const renewed = yield* log.renew(renewal)
        assert.deepStrictEqual(renewed.lost, [])
        assert.deepStrictEqual(yield* log.renew(renewal), renewed)

        const followUp = item(name, { priority: -1 })
        const settlements: ReadonlyArray<Settlement> = [
          { _tag: "Complete", result: '"done"', enqueue: [followUp] },
          { _tag: "Retry", delay: 0, cause: { kind: "defect", message: "again" } },
          { _tag: "Complete" }
        ]
        const items = grants.map(({ id, receipt, token }, i) => ({ id, receipt, token, settlement: settlements[i]! }))
        const settling = { session, call: next(), items }
        yield* spoilt("settle", { _tag }, log.settle(settling))
        if (lost) yield* isIn(other, jobs[0]!.id, "Completed")
        const settled: ReadonlyArray<SettleResult> = [
          { _tag: "Settled", state: "Completed", enqueued: [{ _tag: "Inserted", id: followUp.id }] },
          { _tag: "Settled", state: "Ready" },
          { _tag: "Settled", state: "Completed" }
        ]
        assert.deepStrictEqual(yield* log.settle(settling), settled)
        // the retried job goes to another, and the answer stays what it was
        const again = yield* log.claim({ session, call: next(), queue: name, limit: 5 })
        assert.deepStrictEqual(
          again.grants.map(({ id }) => id),
          [followUp.id, jobs[1]!.id, jobs[3]!.id]
        )
        assert.deepStrictEqual(yield* log.settle(settling), settled)
      })
    ))

  it("under what has no number: again is harmless", () =>
    running(
      Effect.gen(function* () {
        const { log, other, spoilt } = yield* behindProxy
        const name = newQueue()
        const jobs = [item(name), item(name)]
        yield* log.enqueue(jobs)
        const opening = { owner: "test", leaseDuration: 60_000 }
        yield* spoilt("open", { _tag }, log.open(opening))
        const { id: session } = yield* log.open(opening)
        assert.lengthOf((yield* log.claim({ session, call: 1, queue: name, limit: 1 })).grants, 1)
        const reading = { _tag: "Job", id: jobs[0]!.id } as const
        yield* spoilt("readJob", { _tag }, log.read(reading))
        const answer = yield* log.read(reading)
        assert.strictEqual(answer._tag === "Job" ? answer.job?.state : undefined, "Leased")
        yield* spoilt("close", { _tag }, log.close(session))
        if (lost) yield* isIn(other, jobs[0]!.id, "Ready")
        yield* log.close(session)
        yield* isIn(other, jobs[0]!.id, "Ready")
        yield* spoilt("reclaim", { _tag }, log.reclaim({ limit: 10 }))
        assert.strictEqual((yield* log.reclaim({ limit: 10 })).reclaimed, 0)
        const commands = [{ _tag: "Cancel", id: jobs[1]!.id }] as const
        yield* spoilt("control", { _tag }, log.control(commands))
        if (lost) yield* isIn(other, jobs[1]!.id, "Cancelled")
        yield* log.control(commands)
        yield* isIn(other, jobs[1]!.id, "Cancelled")
      })
    ))
})
