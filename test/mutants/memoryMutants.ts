import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type {
  EnqueueItem,
  EnqueueResult,
  JobLogOperations,
  JobView,
  SettleRequest,
  SettleResult
} from "../../src/log/JobLog.ts"
import { refused, SessionDead } from "../../src/log/LogError.ts"
import { showing } from "./Mutant.ts"
import type { Mutant } from "./Mutant.ts"

/** Stores every job changed by `change`, but shows it as it was enqueued. */
const enqueueing =
  (change: (item: EnqueueItem) => EnqueueItem) =>
  (log: JobLogOperations): JobLogOperations => {
    const originals = new Map<string, EnqueueItem>()
    const changed = (item: EnqueueItem): EnqueueItem => {
      if (!originals.has(item.id)) originals.set(item.id, item)
      return change(item)
    }
    const restored = (id: string) => {
      const item = originals.get(id)
      if (item === undefined) return undefined
      const { maxAttempts = 10 } = item
      return {
        priority: item.priority ?? 0,
        group: item.group,
        maxAttempts,
        maxDeliveries: item.maxDeliveries ?? 2 * maxAttempts + 3
      }
    }
    const settlement = (request: SettleRequest): SettleRequest => ({
      ...request,
      items: request.items.map((item) =>
        item.settlement._tag === "Complete" && item.settlement.enqueue !== undefined
          ? { ...item, settlement: { ...item.settlement, enqueue: item.settlement.enqueue.map(changed) } }
          : item
      )
    })
    const replaced = (items: ReadonlyArray<EnqueueItem>, results: ReadonlyArray<EnqueueResult> = []): void =>
      results.forEach((result, i) => {
        const item = items[i]
        if (result._tag === "Replaced" && item !== undefined) originals.set(result.id, item)
      })
    return showing(
      {
        ...log,
        control: (commands) =>
          Effect.tap(log.control(commands), (results) =>
            Effect.sync(() =>
              commands.forEach((command, i) => {
                if (command._tag !== "Reschedule" || results[i]?._tag !== "Done") return
                const item = originals.get(command.id)
                if (command.priority === undefined || item === undefined) return
                originals.set(command.id, { ...item, priority: command.priority })
              })
            )
          ),
        enqueue: (items) =>
          Effect.tap(log.enqueue(items.map(changed)), (results) => Effect.sync(() => replaced(items, results))),
        settle: (request) =>
          Effect.tap(log.settle(settlement(request)), (results) =>
            Effect.sync(() =>
              results.forEach((result, i) => {
                const settled = request.items[i]?.settlement
                if (result._tag !== "Settled" || settled?._tag !== "Complete") return
                replaced(settled.enqueue ?? [], result.enqueued)
              })
            )
          )
      },
      {
        grant: (grant) => {
          const { maxDeliveries: _, ...fields } = restored(grant.id) ?? { maxDeliveries: 0 }
          return { ...grant, ...fields }
        },
        job: (job) => ({ ...job, ...restored(job.id), key: originals.get(job.id)?.key?.value })
      }
    )
  }

const without = <Key extends keyof EnqueueItem>(item: EnqueueItem, key: Key): EnqueueItem => {
  const { [key]: _, ...rest } = item
  // only optional parts are ever left out here
  return rest as EnqueueItem
}

/** Does something more after a settlement of this kind. */
const afterSettle =
  (
    act: (
      log: JobLogOperations,
      request: SettleRequest,
      index: number,
      result: SettleResult
    ) => Effect.Effect<unknown, never>
  ) =>
  (log: JobLogOperations): JobLogOperations => {
    const seen = new Set<string>()
    return {
      ...log,
      settle: (request) =>
        Effect.gen(function* () {
          const results = yield* log.settle(request)
          const call = `${request.session} ${request.call}`
          if (seen.has(call)) return results
          seen.add(call)
          for (const [i, result] of results.entries()) yield* act(log, request, i, result)
          return results
        })
    }
  }

const enqueueOnlyWakes = (log: JobLogOperations): JobLogOperations => {
  const latch = Latch.makeUnsafe(false)
  const claim: JobLogOperations["claim"] = (request) =>
    Effect.gen(function* () {
      let call = request.call
      while (true) {
        const result = yield* log.claim({ ...request, call: call++, park: false })
        if (result.grants.length > 0 || request.park !== true) return result
        yield* latch.await
      }
    })
  return {
    ...log,
    claim,
    changes: () => latch.await,
    enqueue: (items) => Effect.tap(log.enqueue(items), () => latch.release)
  }
}

const cachedEmpty = (log: JobLogOperations): JobLogOperations => {
  const empty = new Map<string, Effect.Success<ReturnType<JobLogOperations["claim"]>>>()
  return {
    ...log,
    enqueue: (items) => Effect.tap(log.enqueue(items), () => Effect.sync(() => empty.clear())),
    claim: (request) =>
      Effect.suspend(() => {
        const known = empty.get(request.queue)
        if (known !== undefined) return Effect.succeed(known)
        return Effect.tap(log.claim(request), (result) =>
          Effect.sync(() => {
            if (result.grants.length === 0 && request.names === undefined) empty.set(request.queue, result)
          })
        )
      })
  }
}

const tokensPerJob = (log: JobLogOperations): JobLogOperations => {
  const inner = new Map<string, bigint>()
  const latest = new Map<bigint, bigint>()
  const shown = showing(log, {
    grant: (grant) => {
      const token = BigInt(grant.delivery)
      inner.set(`${grant.id} ${token}`, grant.token)
      latest.set(token, grant.token)
      return { ...grant, token }
    },
    job: (job) => ({ ...job, token: job.token === undefined ? undefined : BigInt(job.deliveries) })
  })
  return {
    ...shown,
    settle: (request) =>
      log.settle({
        ...request,
        items: request.items.map((item) => ({
          ...item,
          token: inner.get(`${item.id} ${item.token}`) ?? item.token
        }))
      }),
    renew: (request) =>
      log.renew({ ...request, started: request.started.map((token) => latest.get(token) ?? token), progress: [] })
  }
}

const renewRevives = (log: JobLogOperations): JobLogOperations => {
  const leases = new Map<string, number>()
  return {
    ...log,
    open: (options) =>
      Effect.tap(log.open(options), (session) => Effect.sync(() => leases.set(session.id, session.leaseDuration))),
    renew: (request) =>
      Effect.catchTag(log.renew(request), "LogError", (error) =>
        Effect.gen(function* () {
          if (error.reason._tag !== "SessionDead") return yield* Effect.fail(error)
          const { now } = yield* log.read({ _tag: "Counts" })
          const expiresAt = now + (leases.get(request.session) ?? 0)
          return { now, expiresAt, lost: request.started, cancelled: [], paused: [] }
        })
      )
  }
}

const reclaimsLive = (log: JobLogOperations): JobLogOperations => {
  let latest: string | undefined
  return {
    ...log,
    open: (options) =>
      Effect.tap(log.open(options), (session) =>
        Effect.sync(() => {
          latest = session.id
        })
      ),
    reclaim: (options) =>
      Effect.gen(function* () {
        if (latest !== undefined) yield* log.close(latest)
        return yield* log.reclaim(options)
      })
  }
}

const shortLease = (log: JobLogOperations): JobLogOperations => ({
  ...log,
  open: (options) =>
    Effect.map(log.open({ ...options, leaseDuration: options.leaseDuration - 1 }), (session) => ({
      ...session,
      leaseDuration: options.leaseDuration,
      expiresAt: session.expiresAt + 1
    })),
  renew: (request) => Effect.map(log.renew(request), (answer) => ({ ...answer, expiresAt: answer.expiresAt + 1 }))
})

const staleAccepted = (log: JobLogOperations): JobLogOperations => ({
  ...log,
  settle: (request) =>
    Effect.map(log.settle(request), (results) =>
      results.map((result) =>
        result._tag === "Refused" && result.reason === "stale" ? { _tag: "Settled", state: "Completed" } : result
      )
    )
})

const numberless = (log: JobLogOperations): JobLogOperations => {
  const calls = new Map<string, number>()
  const next = <Request extends { readonly session: string; readonly call: number }>(request: Request): Request => {
    const call = (calls.get(request.session) ?? 0) + 1
    calls.set(request.session, call)
    return { ...request, call }
  }
  return {
    ...log,
    claim: (request) => log.claim(next(request)),
    settle: (request) => log.settle(next(request)),
    renew: (request) => log.renew(next(request))
  }
}

const cancelForgotten = (log: JobLogOperations): JobLogOperations => ({
  ...log,
  control: (commands) =>
    Effect.forEach(commands, (command) =>
      Effect.gen(function* () {
        if (command._tag === "Cancel") {
          const answer = yield* log.read({ _tag: "Job", id: command.id })
          if (answer._tag === "Job" && answer.job?.state === "Leased") return { _tag: "Done" } as const
        }
        const [result] = yield* log.control([command])
        return result ?? ({ _tag: "Done" } as const)
      })
    )
})

const pauseForgotten = (log: JobLogOperations): JobLogOperations => {
  const paused = new Set<string>()
  return {
    ...showing(log, { counts: (counts) => ({ ...counts, paused: paused.has(counts.queue) }) }),
    renew: (request) => Effect.map(log.renew(request), (answer) => ({ ...answer, paused: [...paused] })),
    control: (commands) =>
      Effect.gen(function* () {
        for (const command of commands) {
          if (command._tag === "Pause") paused.add(command.queue)
          if (command._tag === "Resume") paused.delete(command.queue)
        }
        return yield* log.control(
          commands.map((command) => (command._tag === "Pause" ? { ...command, _tag: "Resume" } : command))
        )
      })
  }
}

const halfBatch = (log: JobLogOperations): JobLogOperations => ({
  ...log,
  enqueue: (items) =>
    Effect.tapError(log.enqueue(items), () =>
      Effect.ignore(Effect.forEach(items, (item) => Effect.ignore(log.enqueue([item]))))
    )
})

const recompleted = afterSettle((log, request, index, result) =>
  Effect.gen(function* () {
    const item = request.items[index]
    if (item === undefined || result._tag !== "Settled" || result.state !== "Completed") return
    const answer = yield* log.read({ _tag: "Job", id: item.id })
    if (answer._tag !== "Job" || answer.job === undefined) return
    const { id, queue, name, version, payload } = answer.job
    yield* log.control([{ _tag: "Purge", id }])
    yield* log.enqueue([{ id, queue, name, version, payload }])
  }).pipe(Effect.ignore)
)

const nothing = Effect.void

/** Broken ways of being the memory log. */
export const memoryMutants: ReadonlyArray<Mutant> = [
  { name: "a stale settlement is answered as settled", law: "staleTokenRefused", within: 50, wrap: staleAccepted },
  {
    name: "a refused settlement still moves the job",
    law: "staleTokenRefused",
    within: 50,
    wrap: afterSettle((log, request, index, result) => {
      const id = request.items[index]?.id
      if (id === undefined || result._tag !== "Refused") return nothing
      return Effect.ignore(log.control([{ _tag: "Reschedule", id, delay: 1000 }]))
    })
  },
  {
    name: "a refused completion still enqueues its follow-ups",
    law: "followUpsAtomic",
    within: 100,
    wrap: afterSettle((log, request, index, result) => {
      const settlement = request.items[index]?.settlement
      if (settlement?._tag !== "Complete" || result._tag !== "Refused") return nothing
      return Effect.ignore(log.enqueue(settlement.enqueue ?? []))
    })
  },
  {
    name: "follow-ups are forgotten",
    law: "followUpsAtomic",
    within: 100,
    wrap: (log) => ({
      ...log,
      settle: (request) =>
        log.settle({
          ...request,
          items: request.items.map((item) =>
            item.settlement._tag === "Complete"
              ? { ...item, settlement: { _tag: "Complete", result: item.settlement.result } }
              : item
          )
        })
    })
  },
  {
    name: "delays are cut to whole seconds",
    law: "neverEarly",
    within: 50,
    wrap: enqueueing((item) => (item.delay === undefined ? item : { ...item, delay: item.delay - (item.delay % 1000) }))
  },
  {
    name: "back-off is ignored",
    law: "neverEarly",
    within: 100,
    wrap: (log) => ({
      ...log,
      settle: (request) =>
        log.settle({
          ...request,
          items: request.items.map((item) =>
            item.settlement._tag === "Retry" ? { ...item, settlement: { ...item.settlement, delay: 0 } } : item
          )
        })
    })
  },
  {
    name: "priorities are ignored",
    law: "priorityOrder",
    within: 50,
    wrap: enqueueing((item) => without(item, "priority"))
  },
  {
    name: "priorities are turned round",
    law: "priorityOrder",
    within: 50,
    wrap: enqueueing((item) => (item.priority === undefined ? item : { ...item, priority: -item.priority }))
  },
  {
    name: "two of one group run at once",
    law: "groupFifo",
    within: 50,
    wrap: enqueueing((item) => without(item, "group"))
  },
  { name: "keys are ignored", law: "keyDeduplicates", within: 50, wrap: enqueueing((item) => without(item, "key")) },
  {
    name: "keys end with their job",
    law: "keyDeduplicates",
    within: 200,
    wrap: enqueueing((item) => (item.key === undefined ? item : { ...item, key: { ...item.key, window: 0 } }))
  },
  {
    name: "an id with other bytes is taken for the same job",
    law: "enqueueIdempotent",
    within: 50,
    wrap: (log) => ({
      ...log,
      enqueue: (items) =>
        Effect.map(log.enqueue(items), (results) =>
          results.map((result) => (result._tag === "Refused" ? { _tag: "Inserted", id: result.id } : result))
        )
    })
  },
  {
    name: "dead letters are dropped",
    law: "deadLettersConserved",
    within: 50,
    wrap: afterSettle((log, request, index, result) => {
      const id = request.items[index]?.id
      if (id === undefined || result._tag !== "Settled" || result.state !== "DeadLettered") return nothing
      return Effect.ignore(log.control([{ _tag: "Purge", id }]))
    })
  },
  {
    name: "attempts have no end",
    law: "attemptsBounded",
    within: 50,
    wrap: enqueueing((item) => ({ ...item, maxAttempts: 10_000, maxDeliveries: 10_000 }))
  },
  {
    name: "deliveries have no end",
    law: "attemptsBounded",
    within: 100,
    wrap: enqueueing((item) => ({ ...item, maxDeliveries: 10_000 }))
  },
  {
    name: "reclaim does nothing",
    law: "reclaimOnExpiry",
    within: 50,
    wrap: (log) => ({
      ...log,
      reclaim: () => Effect.succeed({ reclaimed: 0, deadLettered: 0, more: false, nextAt: undefined })
    })
  },
  { name: "reclaim takes from a live session", law: "singleClaimer", within: 50, wrap: reclaimsLive },
  { name: "leases end a millisecond early", law: "singleClaimer", within: 100, wrap: shortLease },
  { name: "tokens count per job", law: "tokenMonotone", within: 50, wrap: tokensPerJob },
  { name: "only an enqueue wakes", law: "noLostWakeUp", within: 40, wrap: enqueueOnlyWakes },
  { name: "an empty queue stays empty until an enqueue", law: "noLostWakeUp", within: 100, wrap: cachedEmpty },
  {
    name: "payloads are encoded again",
    law: "payloadIntact",
    within: 50,
    wrap: enqueueing((item) => {
      try {
        return { ...item, payload: JSON.stringify(JSON.parse(item.payload)) }
      } catch {
        return item
      }
    })
  },
  { name: "a completed job is granted again", law: "completedStaysCompleted", within: 50, wrap: recompleted },
  {
    name: "a released job is lost",
    law: "atLeastOnce",
    within: 100,
    wrap: (log) => ({
      ...log,
      settle: (request) =>
        Effect.gen(function* () {
          const results = yield* log.settle({
            ...request,
            items: request.items.map((item) =>
              item.settlement._tag === "Release" ? { ...item, settlement: { _tag: "Complete" } } : item
            )
          })
          return results.map((result, i) =>
            result._tag === "Settled" && request.items[i]?.settlement._tag === "Release"
              ? { _tag: "Settled", state: "Ready" }
              : result
          )
        })
    })
  },
  { name: "renew revives a dead session", law: "renewNeverRevives", within: 50, wrap: renewRevives },
  { name: "calls are not numbered", law: "numberedCallsRepeat", within: 50, wrap: numberless },
  {
    name: "the cancellation of a running job is forgotten",
    law: "cancelIsTerminal",
    within: 50,
    wrap: cancelForgotten
  },
  { name: "pause is shown, but not kept", law: "pauseHolds", within: 50, wrap: pauseForgotten },
  { name: "a refused batch is inserted as far as it goes", law: "limitsAtTheEdge", within: 1, wrap: halfBatch },
  {
    name: "names are not filtered",
    law: "capabilitiesHonest",
    within: 1,
    wrap: (log) => ({ ...log, claim: ({ names: _, ...request }) => log.claim(request) })
  },
  {
    name: "nobody is told of a job's end",
    law: "noLostWakeUp",
    within: 1,
    wrap: (log) => ({ ...log, changes: (request) => (request._tag === "Job" ? Effect.never : log.changes(request)) })
  },
  {
    name: "a backlog has no end",
    law: "limitsAtTheEdge",
    within: 1,
    wrap: (log) => ({
      ...log,
      control: (commands) => log.control(commands.filter((command) => command._tag !== "Configure"))
    })
  },
  {
    name: "reads ignore the state asked for",
    law: "readsAgree",
    within: 50,
    wrap: (log) => ({
      ...log,
      read: (query) => log.read(query._tag === "Jobs" ? { ...query, state: undefined } : query)
    })
  },
  {
    name: "a page repeats its last job on the next",
    law: "readsAgree",
    within: 50,
    wrap: (log) => {
      let last: JobView | undefined
      return {
        ...log,
        read: (query) =>
          Effect.map(log.read(query), (answer) => {
            if (query._tag !== "Jobs" || answer._tag !== "Jobs") return answer
            const jobs = query.after === undefined || last === undefined ? answer.jobs : [last, ...answer.jobs]
            last = answer.jobs.at(-1)
            return { ...answer, jobs: jobs.slice(0, query.limit) }
          })
      }
    }
  },
  {
    name: "leased jobs are counted as ready",
    law: "readsAgree",
    within: 50,
    wrap: (log) => showing(log, { counts: (counts) => ({ ...counts, ready: counts.ready + counts.leased, leased: 0 }) })
  },
  {
    name: "a dead session is refused as if nobody knew",
    law: "staleTokenRefused",
    within: 100,
    wrap: (log) => ({
      ...log,
      settle: (request) =>
        Effect.mapError(log.settle(request), (error) =>
          error.reason._tag === "SessionDead"
            ? Object.assign(refused("settle", new SessionDead({ session: request.session })), { outcome: "unknown" })
            : error
        )
    })
  }
]

/** The wrappers themselves, changing nothing: no law may notice these. */
export const harmless: ReadonlyArray<Pick<Mutant, "name" | "wrap">> = [
  { name: "jobs unchanged", wrap: enqueueing((item) => item) },
  { name: "nothing after a settlement", wrap: afterSettle(() => nothing) }
]
