import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Harness } from "../../properties/Harness.ts"
import * as VirtualClock from "../../properties/VirtualClock.ts"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import type { Capabilities } from "../../src/log/Capabilities.ts"
import type { EnqueueItem, JobLogOperations, SettleItem, SettleRequest } from "../../src/log/JobLog.ts"
import { atTheEdge } from "../../src/log/AtTheEdge.ts"
import { refused, Unsupported } from "../../src/log/LogError.ts"
import { memoryHarness } from "./memoryHarness.ts"

const lacking = (log: JobLogOperations): Capabilities => ({
  ...log.capabilities,
  log: "plain",
  groups: false,
  dedupe: false,
  priorities: 1,
  nameFilter: false,
  parkedClaims: false,
  inspect: false
})

const unsupported = (operation: string, capability: string) =>
  Effect.fail(refused(operation, new Unsupported({ capability, detail: "this log lacks it" })))

const needs = (item: EnqueueItem): string | undefined => {
  if (item.group !== undefined) return "groups"
  if (item.key !== undefined) return "dedupe"
  return (item.priority ?? 0) === 0 ? undefined : "priorities"
}

/** A log that has next to nothing, and says so: what it lacks is refused, and nothing of it can be looked at. */
export const plainHarness: Harness = {
  ...memoryHarness,
  name: "plain",
  make: Effect.map(memoryHarness.make, (test) => {
    const log = test.log
    const plain: JobLogOperations = {
      ...log,
      capabilities: lacking(log),
      enqueue: (items) => {
        const lack = items.map(needs).find((need) => need !== undefined)
        return lack === undefined ? log.enqueue(items) : unsupported("enqueue", lack)
      },
      claim: (request) =>
        request.names === undefined ? log.claim({ ...request, park: false }) : unsupported("claim", "nameFilter"),
      read: () => unsupported("read", "inspect")
    }
    return { ...test, log: plain }
  })
}

/** The memory log on a clock that runs: each look at it finds it a little further, as with a real server. */
export const restlessHarness: Harness = {
  name: "restless",
  make: Effect.suspend(() => {
    const clock = VirtualClock.make()
    let drift = 0
    let looks = 0
    const millis = (): number => {
      looks += 1
      if (looks % 3 === 0) drift += 1
      return clock.currentTimeMillisUnsafe() + drift
    }
    const nanos = (): bigint => BigInt(millis()) * 1_000_000n
    // time passes on both clocks, only the wall clock can be set
    const monotonic = (): bigint => {
      millis()
      return clock.monotonicTimeNanosUnsafe() + BigInt(drift) * 1_000_000n
    }
    const running: Clock.Clock = {
      ...clock,
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic)
    }
    return MemoryLog.make().pipe(
      Effect.provideService(Clock.Clock, running),
      Effect.map((log) => ({ log: VirtualClock.runLogOn(running, log), advance: clock.advance, stepClock: clock.step }))
    )
  })
}

/**
 * A log that settles by prefix, as brokers do that keep one position per consumer: what a session still holds from
 * before in a queue must be settled with it or first.
 */
export const prefixHarness: Harness = {
  ...memoryHarness,
  name: "prefix",
  make: Effect.map(memoryHarness.make, (test) => {
    const log = test.log
    /** Whether a call leaves out an older grant that its session still holds. */
    const leavesOut = (request: SettleRequest) =>
      Effect.map(log.read({ _tag: "Jobs", limit: 1000 }), (answer) => {
        const jobs = answer._tag === "Jobs" ? answer.jobs : []
        const settled = new Set(request.items.map(({ id }) => id))
        return request.items.some(({ id, token }) => {
          const queue = jobs.find((job) => job.id === id)?.queue
          return jobs.some(
            (job) =>
              job.session === request.session &&
              job.queue === queue &&
              job.token !== undefined &&
              job.token < token &&
              !settled.has(job.id)
          )
        })
      })
    // a call that was answered is answered from memory, whatever is held by now
    const answered = new Set<string>()
    const prefix: JobLogOperations = {
      ...log,
      capabilities: { ...log.capabilities, log: "prefix", settle: "prefix" },
      settle: (request) =>
        Effect.gen(function* () {
          const call = `${request.session} ${request.call}`
          if (!answered.has(call) && (yield* leavesOut(request))) return yield* unsupported("settle", "settle")
          const answers = yield* log.settle(request)
          answered.add(call)
          return answers
        })
    }
    return { ...test, log: prefix }
  })
}

/** A log that cannot verify who settles: what is stale or comes from a dead session is taken, to no effect, and said. */
export const advisoryHarness: Harness = {
  ...memoryHarness,
  name: "advisory",
  make: Effect.map(memoryHarness.make, (test) => {
    const log = test.log
    const advisory: JobLogOperations = {
      ...log,
      capabilities: { ...log.capabilities, log: "advisory", fence: "advisory" },
      settle: (request) =>
        log.settle(request).pipe(
          Effect.map((answers) =>
            answers.map((answer) =>
              answer._tag === "Refused" && answer.reason === "stale" ? ({ _tag: "Unverified" } as const) : answer
            )
          ),
          Effect.catchTag("LogError", (error) =>
            error.reason._tag === "SessionDead"
              ? Effect.succeed(request.items.map(() => ({ _tag: "Unverified" }) as const))
              : Effect.fail(error)
          )
        )
    }
    return { ...test, log: advisory }
  })
}

/** A log that counts deliveries and nothing else, as brokers do. */
export const brokeredHarness: Harness = {
  ...memoryHarness,
  name: "brokered",
  make: Effect.map(memoryHarness.make, (test) => {
    const log = test.log
    const brokered: JobLogOperations = {
      ...log,
      capabilities: { ...log.capabilities, log: "brokered", attempts: "broker" },
      claim: (request) =>
        Effect.map(log.claim(request), (result) => ({
          ...result,
          grants: result.grants.map((grant) => ({ ...grant, attempt: grant.delivery }))
        }))
    }
    return { ...test, log: brokered }
  })
}

/** A log that has everything, but little of it: short leases, delays, batches and payloads, and three priorities. */
export const narrowHarness: Harness = {
  ...memoryHarness,
  name: "narrow",
  make: Effect.map(memoryHarness.make, (test) => {
    const few = { maxLease: 30_000, maxDelay: 5000, maxBatch: 2, maxPayload: 1000, priorities: 3 }
    const capabilities: Capabilities = { ...test.log.capabilities, log: "narrow", ...few }
    return { ...test, log: atTheEdge({ ...test.log, capabilities }) }
  })
}

/** A log whose sessions end with their connection, not with time, and whose atomic step ends at the queue. */
export const connectedHarness: Harness = {
  ...memoryHarness,
  name: "connected",
  make: Effect.map(memoryHarness.make, (test) => {
    const log = test.log
    const queues = new Map<string, string>()
    const elsewhere = ({ id, settlement }: SettleItem): boolean =>
      settlement._tag === "Complete" && settlement.enqueue?.some((item) => item.queue !== queues.get(id)) === true
    const connected: JobLogOperations = {
      ...log,
      capabilities: {
        ...log.capabilities,
        log: "connected",
        lease: "connection",
        reclaim: "broker",
        atomic: "queue",
        maxDelay: 0
      },
      open: (options) => log.open({ ...options, leaseDuration: log.capabilities.maxLease }),
      claim: (request) =>
        Effect.tap(log.claim(request), ({ grants }) =>
          Effect.sync(() => {
            for (const { id, queue } of grants) queues.set(id, queue)
          })
        ),
      settle: (request) =>
        request.items.length === 1 && request.items.some(elsewhere)
          ? Effect.succeed([{ _tag: "Refused", reason: "invalidFollowUp" }])
          : log.settle(request)
    }
    return { ...test, log: atTheEdge(connected) }
  })
}
