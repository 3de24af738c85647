/** Logs whose claims and leases are wrong when several use them at once. */
import * as Effect from "effect/Effect"
import type { ClaimResult, JobLogOperations, RenewResult } from "../../../src/log/JobLog.ts"
import type { Mutant } from "../Mutant.ts"
import { following, ended, ownCalls, pause, every } from "./Following.ts"

/** Reads what is free, lets others in, and only then takes it: whoever reads meanwhile takes the same. */
const readThenWrite = (log: JobLogOperations): JobLogOperations => {
  let read: ClaimResult | undefined
  return {
    ...log,
    claim: (request) =>
      Effect.gen(function* () {
        if (read !== undefined) return { ...read, grants: read.grants.slice(0, request.limit) }
        const result = yield* log.claim(request)
        if (result.grants.length === 0) return result
        read = result
        yield* pause
        read = undefined
        return result
      })
  }
}

/** As before, and each taker makes up a token of its own. */
const readThenWriteTokens = (log: JobLogOperations): JobLogOperations => {
  const racing = readThenWrite({
    ...log,
    settle: (request) =>
      log.settle({ ...request, items: request.items.map((item) => ({ ...item, token: item.token / 16n })) }),
    renew: (request) =>
      Effect.map(log.renew({ ...request, started: request.started.map((token) => token / 16n) }), (result) => ({
        ...result,
        lost: result.lost.map((token) => token * 16n),
        cancelled: result.cancelled.map((token) => token * 16n)
      })),
    read: (query) =>
      Effect.map(log.read(query), (answer) =>
        answer._tag === "Job" && answer.job?.token !== undefined
          ? { ...answer, job: { ...answer.job, token: answer.job.token * 16n } }
          : answer
      )
  })
  const takers = new Map<bigint, bigint>()
  return {
    ...racing,
    claim: (request) =>
      Effect.map(racing.claim(request), (result) => ({
        ...result,
        grants: result.grants.map((grant) => {
          const taken = takers.get(grant.token) ?? 0n
          takers.set(grant.token, taken + 1n)
          return { ...grant, token: grant.token * 16n + taken }
        })
      }))
  }
}

/** Every third claim also hands out a job that somebody holds. */
const grantsHeld = (log: JobLogOperations): JobLogOperations => {
  const { followed, holders } = following(log)
  const third = every(3)
  return {
    ...followed,
    claim: (request) =>
      Effect.gen(function* () {
        const [held] = [...holders.values()].filter(({ session }) => session !== request.session)
        const result = yield* followed.claim(request)
        if (held === undefined || !third() || result.grants.length >= request.limit) return result
        return {
          ...result,
          grants: [...result.grants, { ...held.grant, token: held.grant.token + 1n, delivery: held.grant.delivery + 1 }]
        }
      })
  }
}

/** Promises a lease and keeps half of it. */
export const halfLease = (log: JobLogOperations): JobLogOperations => ({
  ...log,
  open: (options) =>
    Effect.map(log.open({ ...options, leaseDuration: options.leaseDuration / 2 }), (session) => ({
      ...session,
      leaseDuration: options.leaseDuration,
      expiresAt: session.now + options.leaseDuration
    }))
})

/** Renewals move nothing. */
const idleRenew = (log: JobLogOperations): JobLogOperations => {
  const leases = new Map<string, number>()
  return {
    ...log,
    open: (options) =>
      Effect.tap(log.open(options), ({ id }) => Effect.sync(() => void leases.set(id, options.leaseDuration))),
    renew: (request) =>
      Effect.map(log.read({ _tag: "Counts" }), ({ now }): RenewResult => {
        const expiresAt = now + (leases.get(request.session) ?? 0)
        return { now, expiresAt, lost: [], cancelled: [], paused: [] }
      })
  }
}

/** A closing session also releases what another one holds. */
const closesAnother = (log: JobLogOperations): JobLogOperations => {
  const { followed, holders } = following(log)
  const call = ownCalls()
  return {
    ...followed,
    close: (session) =>
      Effect.gen(function* () {
        yield* log.close(session)
        const other = [...holders.values()].find((holder) => holder.session !== session)
        if (other === undefined) return
        const items = [ended(other, { _tag: "Release" })]
        yield* Effect.ignore(log.settle({ session: other.session, call: call(), items }))
      })
  }
}

/** While somebody claims, everybody else is told that there is nothing. */
const emptyMeanwhile = (log: JobLogOperations): JobLogOperations => {
  let busy = false
  return {
    ...log,
    claim: (request) =>
      Effect.gen(function* () {
        if (busy) return yield* log.claim({ ...request, queue: "elsewhere" })
        busy = true
        yield* pause
        return yield* log.claim(request)
      }).pipe(Effect.ensuring(Effect.sync(() => void (busy = false))))
  }
}

/** Once empty, the queue is taken for empty until somebody enqueues or the log's time moves. */
const emptyUntilEnqueue = (log: JobLogOperations): JobLogOperations => {
  let emptyAt: number | undefined
  return {
    ...log,
    enqueue: (items) => Effect.tap(log.enqueue(items), () => Effect.sync(() => void (emptyAt = undefined))),
    claim: (request) =>
      Effect.gen(function* () {
        const { now } = yield* log.read({ _tag: "Counts" })
        if (emptyAt === now) return yield* log.claim({ ...request, park: false, queue: "elsewhere" })
        const result = yield* log.claim(request)
        if (result.grants.length === 0) emptyAt = now
        return result
      })
  }
}

export const claimMutants: ReadonlyArray<Mutant> = [
  { name: "claim reads, then writes", law: "concurrentClaimsDisjoint", within: 50, wrap: readThenWrite },
  {
    name: "claim reads, then writes its own token",
    law: "concurrentClaimsDisjoint",
    within: 50,
    wrap: readThenWriteTokens
  },
  { name: "claim grants what is held", law: "concurrentSingleLease", within: 50, wrap: grantsHeld },
  { name: "leases are half as long as promised", law: "concurrentSingleLease", within: 100, wrap: halfLease },
  { name: "renew moves nothing", law: "concurrentSingleLease", within: 100, wrap: idleRenew },
  { name: "close releases what others hold", law: "concurrentSingleLease", within: 100, wrap: closesAnother },
  { name: "empty while another claims", law: "noFalseEmpty", within: 150, wrap: emptyMeanwhile },
  { name: "empty until somebody enqueues", law: "noFalseEmpty", within: 50, wrap: emptyUntilEnqueue }
]
