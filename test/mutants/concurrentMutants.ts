import * as Effect from "effect/Effect"
import type {
  ClaimRequest,
  ClaimResult,
  Grant,
  JobLogOperations,
  RenewResult,
  SettleItem,
  SettleRequest,
  SettleResult
} from "../../src/log/JobLog.ts"
import { refused, Unavailable } from "../../src/log/LogError.ts"
import { fileHarness, simulatedHarness } from "../properties/fileHarness.ts"
import type { FileMutant } from "./fileMutants.ts"
import { showing } from "./Mutant.ts"
import type { Mutant } from "./Mutant.ts"

/** Lets other callers in between. */
const pause = Effect.repeat(Effect.yieldNow, { times: 2 })

const every = (n: number): (() => boolean) => {
  let count = 0
  return () => ++count % n === 0
}

/** Numbers of calls that no client uses. */
const ownCalls = () => {
  let call = 100_000
  return () => ++call
}

interface Holder {
  readonly session: string
  readonly grant: Grant
}

/** The latest grant of each job, as long as it is not known to have ended. */
const following = (log: JobLogOperations) => {
  const holders = new Map<string, Holder>()
  const followed: JobLogOperations = {
    ...log,
    claim: (request) =>
      Effect.tap(log.claim(request), ({ grants }) =>
        Effect.sync(() => grants.forEach((grant) => holders.set(grant.id, { session: request.session, grant })))
      ),
    settle: (request) =>
      Effect.tap(log.settle(request), (results) =>
        Effect.sync(() =>
          results.forEach((result, i) => {
            if (result._tag === "Settled") holders.delete(request.items[i]?.id ?? "")
          })
        )
      )
  }
  return { holders, followed }
}

const ended = ({ grant }: Holder, settlement: SettleItem["settlement"]): SettleItem => ({
  id: grant.id,
  token: grant.token,
  receipt: grant.receipt,
  settlement
})

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
const halfLease = (log: JobLogOperations): JobLogOperations => ({
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

/** Completes the job for whoever asks, under the grant of its present holder. */
const unfencedComplete = (log: JobLogOperations): JobLogOperations => {
  const { followed, holders } = following(log)
  const call = ownCalls()
  return {
    ...followed,
    settle: (request) =>
      Effect.gen(function* () {
        const results: Array<SettleResult> = [...(yield* followed.settle(request))]
        for (const [i, result] of results.entries()) {
          const item = request.items[i]
          const holder = holders.get(item?.id ?? "")
          if (result._tag !== "Refused" || item === undefined || holder === undefined) continue
          const items = [ended(holder, item.settlement)]
          const [again] = yield* Effect.orElseSucceed(
            log.settle({ session: holder.session, call: call(), items }),
            () => []
          )
          if (again?._tag === "Settled") results[i] = again
        }
        return results
      })
  }
}

/** Changes how settlements are carried out or answered, the same way when a call is repeated. */
const settling =
  (change: {
    readonly item?: (item: SettleItem, index: number) => SettleItem
    readonly answer?: (result: SettleResult, item: SettleItem) => SettleResult
  }) =>
  (log: JobLogOperations): JobLogOperations => ({
    ...log,
    settle: (request: SettleRequest) =>
      Effect.map(
        log.settle({
          ...request,
          items: request.items.map((item, i) => change.item?.(item, request.call + i) ?? item)
        }),
        (results) =>
          results.map((result, i) => {
            const item = request.items[i]
            return item === undefined ? result : (change.answer?.(result, item) ?? result)
          })
      )
  })

const forgetsCompletion = settling({
  item: (item, index) =>
    item.settlement._tag === "Complete" && index % 2 === 0 ? { ...item, settlement: { _tag: "Release" } } : item,
  answer: (result, item) =>
    result._tag === "Settled" && item.settlement._tag === "Complete" ? { _tag: "Settled", state: "Completed" } : result
})

const bothWin = settling({
  answer: (result, item) =>
    result._tag === "Refused" && result.reason === "cancelled" && item.settlement._tag === "Complete"
      ? { _tag: "Settled", state: "Completed" }
      : result
})

const releaseCounts = settling({
  item: (item) =>
    item.settlement._tag === "Release"
      ? {
          ...item,
          settlement: { _tag: "Retry", delay: item.settlement.delay ?? 0, cause: { kind: "failure", message: "" } }
        }
      : item
})

/** Says that it is done, and does it a little later. */
const lazyCancel = (log: JobLogOperations): JobLogOperations => ({
  ...log,
  control: (commands) =>
    Effect.gen(function* () {
      if (commands[0]?._tag !== "Cancel") return yield* log.control(commands)
      const found = yield* log.read({ _tag: "Job", id: commands[0].id })
      const state = found._tag === "Job" ? found.job?.state : undefined
      if (state !== "Ready") return yield* log.control(commands)
      yield* Effect.forkDetach(Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 8 }), log.control(commands)))
      return [{ _tag: "Done" }]
    })
})

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

/** Gives each sending of a call a number of its own. */
const unnumbered =
  (kind: "claim" | "settle") =>
  (log: JobLogOperations): JobLogOperations => {
    const call = ownCalls()
    return kind === "claim"
      ? { ...log, claim: (request) => log.claim({ ...request, call: call() }) }
      : { ...log, settle: (request) => log.settle({ ...request, call: call() }) }
  }

/** Keeps the answers of claims by their number alone. */
const mixesAnswers = (log: JobLogOperations): JobLogOperations => {
  const answers = new Map<number, ClaimResult>()
  const seen = new Set<string>()
  return {
    ...log,
    claim: (request: ClaimRequest) => {
      const key = `${request.session} ${request.call}`
      const kept = answers.get(request.call)
      if (seen.has(key) && kept !== undefined) return Effect.succeed(kept)
      return Effect.tap(log.claim(request), (result) =>
        Effect.sync(() => {
          seen.add(key)
          answers.set(request.call, result)
        })
      )
    }
  }
}

const unavailable = (operation: string) => refused(operation, new Unavailable({ detail: "connection lost" }))

/** Loses the answer, and says that nothing has happened. */
const refusedButDone =
  (kind: "enqueue" | "settle") =>
  (log: JobLogOperations): JobLogOperations => {
    const third = every(3)
    const lose = <A, E, R>(call: Effect.Effect<A, E, R>) =>
      Effect.flatMap(call, (answer) => (third() ? Effect.fail(unavailable(kind)) : Effect.succeed(answer)))
    return kind === "enqueue"
      ? { ...log, enqueue: (items) => lose(log.enqueue(items)) }
      : { ...log, settle: (request) => lose(log.settle(request)) }
  }

/** Of two settlements at once the second overwrites the first, whose job is gone. */
const settlesCollide = (log: JobLogOperations): JobLogOperations => {
  let busy = false
  return {
    ...log,
    settle: (request) =>
      Effect.gen(function* () {
        const collides = busy
        busy = true
        yield* pause
        const results = yield* log.settle(request)
        busy = false
        const id = request.items[0]?.id
        if (collides && id !== undefined) {
          yield* log.control([
            { _tag: "Cancel", id },
            { _tag: "Purge", id }
          ])
        }
        return results
      }).pipe(Effect.ensuring(Effect.sync(() => void (busy = false))))
  }
}

/** Stores a batch job by job, so that a caller who gives up leaves half of it. */
const enqueuesOneByOne = (log: JobLogOperations): JobLogOperations => ({
  ...log,
  enqueue: (items) =>
    Effect.map(
      Effect.forEach(items, (item) => Effect.andThen(pause, log.enqueue([item]))),
      (results) => results.flat()
    )
})

/** Shows a job as it was when it was read last. */
const readsLate = (log: JobLogOperations): JobLogOperations => {
  const shown = new Map<string, Effect.Success<ReturnType<JobLogOperations["read"]>>>()
  return {
    ...log,
    read: (query) =>
      Effect.gen(function* () {
        const answer = yield* log.read(query)
        if (query._tag !== "Job") return answer
        const former = shown.get(query.id)
        shown.set(query.id, answer)
        return former ?? answer
      })
  }
}

/** Logs that are only wrong when several use them at once or an answer gets lost. */
export const concurrentMutants: ReadonlyArray<Mutant> = [
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
  { name: "settle takes any token", law: "concurrentEndsOnce", within: 200, wrap: unfencedComplete },
  { name: "every other completion is a release", law: "concurrentEndsOnce", within: 50, wrap: forgetsCompletion },
  { name: "cancel and complete both win", law: "concurrentEndsOnce", within: 100, wrap: bothWin },
  { name: "cancel takes effect after its answer", law: "concurrentEndsOnce", within: 200, wrap: lazyCancel },
  { name: "empty while another claims", law: "noFalseEmpty", within: 150, wrap: emptyMeanwhile },
  { name: "empty until somebody enqueues", law: "noFalseEmpty", within: 50, wrap: emptyUntilEnqueue },
  { name: "a repeated claim is a new one", law: "unknownOutcomesHonest", within: 50, wrap: unnumbered("claim") },
  { name: "a repeated settle is a new one", law: "unknownOutcomesHonest", within: 100, wrap: unnumbered("settle") },
  { name: "answers are kept by number alone", law: "unknownOutcomesHonest", within: 100, wrap: mixesAnswers },
  { name: "enqueue is refused, but done", law: "unknownOutcomesHonest", within: 50, wrap: refusedButDone("enqueue") },
  { name: "settle is refused, but done", law: "unknownOutcomesHonest", within: 50, wrap: refusedButDone("settle") },
  { name: "of two settlements at once one job is gone", law: "nothingLostInADrain", within: 100, wrap: settlesCollide },
  { name: "a batch is stored job by job", law: "nothingLostInADrain", within: 200, wrap: enqueuesOneByOne },
  { name: "release counts as an attempt", law: "concurrentHistoriesExplained", within: 100, wrap: releaseCounts },
  { name: "reads show the job as it was before", law: "concurrentHistoriesExplained", within: 150, wrap: readsLate }
]

/** Changes the log as it is opened after a crash. */
const afterCrash = (name: string, wrap: (log: JobLogOperations) => JobLogOperations): FileMutant["harness"] => ({
  name,
  make: Effect.map(fileHarness.make, (test) => {
    const { crash } = test
    if (crash === undefined) return test
    return { ...test, crash: (options) => Effect.map(crash(options), wrap) }
  })
})

/** File logs that forget or repeat themselves when they crash amid several clients. */
export const concurrentFileMutants: ReadonlyArray<FileMutant> = [
  {
    name: "nothing is ever synced",
    law: "nothingLostInADrain",
    within: 60,
    harness: simulatedHarness("no fdatasync", (disk) => ({
      ...disk,
      open: (path, mode) => Effect.map(disk.open(path, mode), (file) => ({ ...file, datasync: Effect.void }))
    }))
  },
  {
    name: "deliveries begin anew after a crash",
    law: "concurrentHistoriesExplained",
    within: 200,
    harness: afterCrash("deliveries anew", (log) =>
      showing(log, {
        grant: (grant) => ({ ...grant, delivery: 1 }),
        job: (job) => ({ ...job, deliveries: Math.min(1, job.deliveries) })
      })
    )
  },
  {
    name: "a session opened after a crash has the lease of one that died",
    law: "concurrentSingleLease",
    within: 300,
    harness: afterCrash("short leases", (log) => halfLease(log))
  },
  {
    name: "what was enqueued before a crash is not looked for after it",
    law: "noFalseEmpty",
    within: 300,
    harness: afterCrash("empty after a crash", (log) => {
      let enqueued = false
      return {
        ...log,
        enqueue: (items) => Effect.tap(log.enqueue(items), () => Effect.sync(() => void (enqueued = true))),
        claim: (request) => log.claim(enqueued ? request : { ...request, park: false, queue: "elsewhere" })
      }
    })
  }
]
