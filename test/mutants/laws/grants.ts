/** Memory logs that grant, settle and reclaim what they must not. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { ClaimResult, JobLogOperations, ReclaimResult, SettleRequest } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { restlessHarness } from "../../properties/otherLogs.ts"
import { mutate, showing } from "../Mutant.ts"
import { type LawMutant, type Wrap, inMemory } from "./LawMutant.ts"

const sharedClaims: Wrap = (log) => {
  const running = new Map<string, Deferred.Deferred<ClaimResult, LogError>>()
  return {
    ...log,
    claim: (request) =>
      Effect.gen(function* () {
        const other = running.get(request.queue)
        if (other !== undefined) return yield* Deferred.await(other)
        const mine = yield* Deferred.make<ClaimResult, LogError>()
        running.set(request.queue, mine)
        yield* Effect.yieldNow
        const exit = yield* Effect.exit(log.claim(request))
        running.delete(request.queue)
        yield* Deferred.done(mine, exit)
        return yield* exit
      })
  }
}

const deadLettersComplete: Wrap = (log) => ({
  ...log,
  settle: (request) =>
    Effect.gen(function* () {
      const results = yield* log.settle(request)
      const changed = [...results]
      for (const [i, item] of request.items.entries()) {
        if (results[i]?._tag !== "Refused" || item.settlement._tag !== "Complete") continue
        const answer = yield* log.read({ _tag: "Job", id: item.id })
        if (answer._tag === "Job" && answer.job?.state === "DeadLettered") {
          changed[i] = { _tag: "Settled", state: "Completed" }
        }
      }
      return changed
    })
})

const refusalLeavesCause: Wrap = (log) => {
  const refused = new Set<string>()
  return {
    ...showing(log, {
      job: (job) =>
        refused.has(job.id) ? { ...job, cause: { kind: "failure", tag: "Late", message: "settled too late" } } : job
    }),
    settle: (request) =>
      Effect.tap(log.settle(request), (results) =>
        Effect.sync(() =>
          results.forEach((result, i) => {
            const id = request.items[i]?.id
            if (result._tag === "Refused" && id !== undefined) refused.add(id)
          })
        )
      )
  }
}

const anyTokenOfTheSession: Wrap = (log) => ({
  ...log,
  settle: (request) =>
    Effect.gen(function* () {
      const items: Array<SettleRequest["items"][number]> = []
      for (const item of request.items) {
        const answer = yield* log.read({ _tag: "Job", id: item.id })
        const token = answer._tag === "Job" ? answer.job?.token : undefined
        items.push(token === undefined ? item : { ...item, token })
      }
      return yield* log.settle({ ...request, items })
    })
})

/** Remembers when each lease was to end at first, and goes by that although it was renewed since. */
const reclaimIgnoresRenewals: Wrap = (log) => {
  const ends = new Map<string, number>()
  return {
    ...log,
    open: (options) => Effect.tap(log.open(options), ({ id, expiresAt }) => Effect.sync(() => ends.set(id, expiresAt))),
    reclaim: (options) =>
      Effect.gen(function* () {
        const { now } = yield* log.read({ _tag: "Counts" })
        for (const [id, end] of ends) if (end <= now) yield* log.close(id)
        return yield* log.reclaim(options)
      })
  }
}

const wholeSeconds: Wrap = (log) => ({
  ...log,
  settle: (request) =>
    log.settle({
      ...request,
      items: request.items.map((item) => {
        const { settlement } = item
        if (settlement._tag !== "Retry") return item
        return { ...item, settlement: { ...settlement, delay: settlement.delay - (settlement.delay % 1000) } }
      })
    })
})

const numbersEachSending: Wrap = (log) => {
  const calls = new Map<string, number>()
  const next = <Request extends { readonly session: string; readonly call: number }>(request: Request): Request => {
    const call = (calls.get(request.session) ?? 0) + 1
    calls.set(request.session, call)
    return { ...request, call }
  }
  return {
    ...log,
    claim: (request) => Effect.suspend(() => log.claim(next(request))),
    settle: (request) => Effect.suspend(() => log.settle(next(request))),
    renew: (request) => Effect.suspend(() => log.renew(next(request)))
  }
}

/** Whether all that waits in a queue is of groups. */
const onlyGroups = (log: JobLogOperations, queue: string): Effect.Effect<boolean, LogError> =>
  Effect.map(log.read({ _tag: "Jobs", queue, limit: 1000 }), (answer) => {
    const waiting = answer._tag === "Jobs" ? answer.jobs.filter(({ session }) => session === undefined) : []
    return waiting.length > 0 && waiting.every(({ group }) => group !== undefined)
  })

const groupsTakeAnyName: Wrap = (log) => ({
  ...log,
  claim: (request) =>
    Effect.flatMap(onlyGroups(log, request.queue), (grouped) =>
      log.claim(grouped ? { ...request, names: undefined } : request)
    )
})

const groupsAreNeverDue: Wrap = (log) => ({
  ...log,
  claim: (request) =>
    Effect.gen(function* () {
      const result = yield* log.claim(request)
      const grouped = result.grants.length === 0 && (yield* onlyGroups(log, request.queue))
      return grouped ? { ...result, nextAt: undefined } : result
    })
})

const reclaiming =
  (change: (result: ReclaimResult) => Partial<ReclaimResult>): Wrap =>
  (log) => ({
    ...log,
    reclaim: (options) => Effect.map(log.reclaim(options), (result) => ({ ...result, ...change(result) }))
  })

export const grantMutants: ReadonlyArray<LawMutant> = [
  inMemory("claimAtomic", 50, "claims at the same time share one answer", sharedClaims),
  inMemory("claimAtomic", 50, "a claim receives one more than it asked for", (log) => ({
    ...log,
    claim: (request) => log.claim({ ...request, limit: request.limit + 1 })
  })),
  inMemory("terminalOnce", 100, "a dead letter can be completed", deadLettersComplete),
  inMemory("staleChangesNothing", 50, "a refused settlement leaves its cause behind", refusalLeavesCause),
  inMemory("tokenBinding", 10, "any token of the session will do", anyTokenOfTheSession),
  inMemory("reclaimGuarded", 50, "reclaim does not know of renewals", reclaimIgnoresRenewals),
  inMemory("reclaimBound", 100, "reclaim takes back one job per call", (log) => ({
    ...log,
    reclaim: () => log.reclaim({ limit: 1 })
  })),
  inMemory("backoffHonoured", 100, "back-off is cut to whole seconds", wholeSeconds),
  inMemory("interruptedCallsRepeat", 50, "each sending has a number of its own", numbersEachSending),
  inMemory(
    "reclaimOnExpiry",
    50,
    "reclaim says that it took back nothing",
    reclaiming(() => ({ reclaimed: 0 }))
  ),
  inMemory(
    "reclaimOnExpiry",
    100,
    "reclaim says that it made no dead letter",
    reclaiming(() => ({ deadLettered: 0 }))
  ),
  inMemory("noLostWakeUp", 20, "nothing of a group is ever due", groupsAreNeverDue),
  inMemory("groupFifo", 100, "jobs of groups are granted under any name", groupsTakeAnyName),
  inMemory("capabilitiesHonest", 1, "jobs of groups are granted under any name, each time", groupsTakeAnyName),
  inMemory("capabilitiesHonest", 1, "of several names only the first is used", (log) => ({
    ...log,
    claim: (request) => log.claim({ ...request, names: request.names?.slice(0, 1) })
  })),
  {
    name: "a refused settlement leaves its cause behind, while time runs",
    law: "staleChangesNothing",
    within: 50,
    original: restlessHarness,
    harness: mutate(restlessHarness, { name: "refusal leaves its cause", wrap: refusalLeavesCause })
  }
]
