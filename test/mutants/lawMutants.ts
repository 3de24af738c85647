import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Harness, TestLog } from "../../properties/Harness.ts"
import * as VirtualClock from "../../properties/VirtualClock.ts"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import type { Disk } from "../../src/backends/file/journal/Disk.ts"
import type { Capabilities } from "../../src/log/Capabilities.ts"
import type {
  ClaimResult,
  ControlCommand,
  EnqueueItem,
  JobLogOperations,
  ReclaimResult,
  SettleRequest
} from "../../src/log/JobLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import { refused, SessionDead } from "../../src/log/LogError.ts"
import { fileHarness, simulatedHarness } from "../properties/fileHarness.ts"
import { memoryHarness } from "../properties/memoryHarness.ts"
import { restlessHarness } from "../properties/otherLogs.ts"
import type { FileMutant } from "./fileMutants.ts"
import { mutate, showing } from "./Mutant.ts"

/** A log that is broken in one way, the law that has to notice, and the unbroken log. */
export interface LawMutant extends FileMutant {
  readonly original: Harness
}

type Wrap = (log: JobLogOperations) => JobLogOperations

const inMemory = (law: LawMutant["law"], within: number, name: string, wrap: Wrap): LawMutant => ({
  name,
  law,
  within,
  original: memoryHarness,
  harness: { ...mutate(memoryHarness, { name, wrap }), patience: 5000 }
})

/** A log that is as it is, and says that it is otherwise. */
const boasting = (name: string, original: Harness, claims: Partial<Capabilities>): LawMutant => ({
  name,
  law: "capabilitiesHonest",
  within: 1,
  original,
  harness: {
    ...original,
    name,
    make: Effect.map(original.make, (test) => ({
      ...test,
      log: { ...test.log, capabilities: { ...test.log.capabilities, ...claims } }
    }))
  }
})

/** The memory log, but that it takes nothing from a session whose lease has run out. */
const lateRefused: Harness = {
  ...memoryHarness,
  name: "late settlements refused",
  make: Effect.map(memoryHarness.make, (test) => {
    const log = test.log
    const ends = new Map<string, number>()
    const strict: JobLogOperations = {
      ...log,
      capabilities: { ...log.capabilities, lateSettle: "refused" },
      open: (options) =>
        Effect.tap(log.open(options), ({ expiresAt, id }) => Effect.sync(() => ends.set(id, expiresAt))),
      settle: (request) =>
        Effect.gen(function* () {
          const { now } = yield* log.read({ _tag: "Counts" })
          if (now < (ends.get(request.session) ?? 0)) return yield* log.settle(request)
          return yield* Effect.fail(refused("settle", new SessionDead({ session: request.session })))
        })
    }
    return { ...test, log: strict }
  })
}

/** The file log with its hands changed. */
const handled = (
  law: LawMutant["law"],
  within: number,
  name: string,
  change: (test: TestLog) => Partial<TestLog> | Effect.Effect<Partial<TestLog>>
): LawMutant => ({
  name,
  law,
  within,
  original: fileHarness,
  harness: {
    ...fileHarness,
    name,
    make: Effect.gen(function* () {
      const test = yield* fileHarness.make
      const changed = change(test)
      return { ...test, ...(Effect.isEffect(changed) ? yield* changed : changed) }
    })
  }
})

/** The file log with something done at each opening; `opened` counts them from 0. */
const opening = (
  law: LawMutant["law"],
  within: number,
  name: string,
  open: (log: JobLogOperations, opened: number) => Effect.Effect<JobLogOperations, LogError>
): LawMutant =>
  handled(law, within, name, (test) =>
    Effect.gen(function* () {
      let opened = 0
      const again = (log: JobLogOperations) => open(log, ++opened)
      const { crash, restart } = test
      return {
        log: yield* Effect.orDie(open(test.log, 0)),
        crash: crash === undefined ? undefined : (options) => Effect.flatMap(crash(options), again),
        restart: restart === undefined ? undefined : Effect.flatMap(restart, again)
      }
    })
  )

const onDisk = (
  law: LawMutant["law"],
  within: number,
  name: string,
  change: (disk: Disk) => Partial<Disk>
): LawMutant => ({
  name,
  law,
  within,
  original: fileHarness,
  harness: simulatedHarness(name, (disk) => ({ ...disk, ...change(disk) }))
})

/** Another log, new and empty, in the place of one that would not open. */
const startsEmpty = Effect.map(Effect.orDie(fileHarness.make), ({ log }) => log)

// --- broken memory logs

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

/** Shows that a queue goes on, and grants nothing of it any more. */
const pauseForEver: Wrap = (log) => {
  const resumed = new Set<string>()
  return {
    ...showing(log, { counts: (counts) => ({ ...counts, paused: counts.paused && !resumed.has(counts.queue) }) }),
    renew: (request) =>
      Effect.map(log.renew(request), (answer) => ({
        ...answer,
        paused: answer.paused.filter((queue) => !resumed.has(queue))
      })),
    control: (commands) =>
      Effect.forEach(commands, (command) => {
        if (command._tag === "Resume") {
          resumed.add(command.queue)
          return Effect.succeed({ _tag: "Done" } as const)
        }
        if (command._tag === "Pause") resumed.delete(command.queue)
        return Effect.map(log.control([command]), ([result]) => result ?? ({ _tag: "Done" } as const))
      })
  }
}

/** Looks for the key, and inserts a moment later. */
const keysRace: Wrap = (log) => {
  let inFlight = 0
  return {
    ...log,
    enqueue: (items) =>
      Effect.gen(function* () {
        const alone = inFlight === 0
        inFlight += 1
        yield* Effect.yieldNow
        const sent = alone ? items : items.map(({ key: _, ...item }) => item)
        return yield* Effect.ensuring(
          log.enqueue(sent),
          Effect.sync(() => {
            inFlight -= 1
          })
        )
      })
  }
}

const keysGoWithRecords: Wrap = (log) => ({
  ...log,
  enqueue: (items) =>
    Effect.flatMap(log.enqueue(items), (results) =>
      results.some((result) => result._tag === "Duplicate" && result.resultGone === true)
        ? log.enqueue(items.map(({ key: _, ...item }) => item))
        : Effect.succeed(results)
    )
})

const refusedPurgeCancels: Wrap = (log) => ({
  ...log,
  control: (commands) =>
    Effect.tap(log.control(commands), (results) =>
      Effect.forEach(commands, (command, i) => {
        const result = results[i]
        if (command._tag !== "Purge" || result?._tag !== "Refused" || result.reason !== "notTerminal") {
          return Effect.void
        }
        return log.control([{ _tag: "Cancel", id: command.id }])
      })
    )
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

const reschedulesAnything: Wrap = (log) => ({
  ...log,
  control: (commands) =>
    Effect.map(log.control(commands), (results) =>
      results.map((result, i) => (commands[i]?._tag === "Reschedule" ? ({ _tag: "Done" } as const) : result))
    )
})

/** Tells the wall clock's time, which may be set. */
const wallTime: Harness = {
  name: "the wall clock's time",
  make: Effect.gen(function* () {
    const clock = VirtualClock.make()
    const log = VirtualClock.runLogOn(clock, yield* Effect.provideService(MemoryLog.make(), Clock.Clock, clock))
    const wall: JobLogOperations = {
      ...log,
      read: (query) => Effect.map(log.read(query), (answer) => ({ ...answer, now: clock.currentTimeMillisUnsafe() }))
    }
    return { log: wall, advance: clock.advance, stepClock: clock.step }
  })
}

/** Every job on its way in, follow-ups included. */
const entering =
  (change: (item: EnqueueItem) => EnqueueItem): Wrap =>
  (log) => ({
    ...log,
    enqueue: (items) => log.enqueue(items.map(change)),
    settle: (request) =>
      log.settle({
        ...request,
        items: request.items.map((item) => {
          const { settlement } = item
          if (settlement._tag !== "Complete" || settlement.enqueue === undefined) return item
          return { ...item, settlement: { ...settlement, enqueue: settlement.enqueue.map(change) } }
        })
      })
  })

/** Goes by the payload alone. */
const sameIfPayloadIs: Wrap = (log) => {
  const first = new Map<string, EnqueueItem>()
  return {
    ...log,
    enqueue: (items) =>
      log.enqueue(
        items.map((item) => {
          const known = first.get(item.id) ?? item
          first.set(item.id, known)
          return known.payload === item.payload ? known : item
        })
      )
  }
}

const tracesCount: Wrap = (log) => {
  const traces = new Map<string, string>()
  return {
    ...log,
    enqueue: (items) =>
      Effect.map(log.enqueue(items), (results) =>
        results.map((result, i) => {
          const trace = JSON.stringify(items[i]?.trace ?? null)
          const known = traces.get(result.id) ?? trace
          traces.set(result.id, known)
          return known === trace ? result : ({ _tag: "Refused", id: result.id, reason: "idConflict" } as const)
        })
      )
  }
}

// --- broken file logs

/** Opened again it goes by the wall clock, whatever time it had reached. */
const forgetsItsTime = (test: TestLog) =>
  Effect.gen(function* () {
    const timeOf = (log: JobLogOperations) => Effect.map(log.read({ _tag: "Counts" }), ({ now }) => now)
    let wall = yield* Effect.orDie(timeOf(test.log))
    const shifted = (log: JobLogOperations) =>
      Effect.map(timeOf(log), (time): JobLogOperations => {
        const shift = Math.min(0, wall - time)
        return {
          ...log,
          read: (query) => Effect.map(log.read(query), (answer) => ({ ...answer, now: answer.now + shift }))
        }
      })
    const { advance, crash, restart, stepClock } = test
    return {
      advance: (millis: number) =>
        Effect.andThen(
          advance(millis),
          Effect.sync(() => void (wall += millis))
        ),
      stepClock:
        stepClock &&
        ((millis: number) =>
          Effect.andThen(
            stepClock(millis),
            Effect.sync(() => void (wall += millis))
          )),
      crash: crash && ((options: { readonly seed: number }) => Effect.flatMap(crash(options), shifted)),
      restart: restart && Effect.flatMap(restart, shifted)
    }
  })

const configures = (count: number): ReadonlyArray<ControlCommand> =>
  Array.from({ length: count }, () => ({ _tag: "Configure", queue: "garbage", policy: {} }) as const)

/** Answers from memory for an id that is known, also while it is on its way to the disk. */
const knownBeforeDurable: Wrap = (log) => {
  const known = new Set<string>()
  return {
    ...log,
    enqueue: (items) =>
      Effect.suspend(() => {
        if (items.every(({ id }) => known.has(id))) {
          return Effect.succeed(items.map(({ id }) => ({ _tag: "Inserted", id }) as const))
        }
        for (const { id } of items) known.add(id)
        return log.enqueue(items)
      })
  }
}

const commandsAnsweredEarly: Wrap = (log) => ({
  ...log,
  control: (commands) =>
    Effect.as(
      Effect.forkDetach(log.control(commands), { startImmediately: true }),
      commands.map(() => ({ _tag: "Done" }) as const)
    )
})

const tornBatches: Wrap = (log) => ({
  ...log,
  enqueue: (items) =>
    Effect.map(
      Effect.forEach(items, (item) => log.enqueue([item])),
      (results) => results.flat()
    )
})

const first = (log: JobLogOperations): Effect.Effect<string | undefined, LogError> =>
  Effect.map(log.read({ _tag: "Jobs", limit: 1 }), (answer) =>
    answer._tag === "Jobs" ? answer.jobs[0]?.id : undefined
  )

const moves = (log: JobLogOperations): Effect.Effect<void, LogError> =>
  Effect.flatMap(first(log), (id) =>
    id === undefined ? Effect.void : Effect.asVoid(log.control([{ _tag: "Reschedule", id, delay: 1 }]))
  )

const drops = (log: JobLogOperations): Effect.Effect<void, LogError> =>
  Effect.flatMap(first(log), (id) => {
    if (id === undefined) return Effect.void
    const commands: ReadonlyArray<ControlCommand> = [
      { _tag: "Cancel", id },
      { _tag: "Purge", id }
    ]
    return Effect.forEach(commands, (command) => log.control([command]), { discard: true })
  })

const rescheduledNow: Wrap = (log) => ({
  ...log,
  control: (commands) =>
    log.control(
      commands.map((command) =>
        command._tag === "Reschedule" && command.at !== undefined
          ? { _tag: "Reschedule", id: command.id, delay: 0 }
          : command
      )
    )
})

/** Starts from the defaults with every policy that is set. */
const policiesStartAnew: Wrap = (log) => ({
  ...log,
  control: (commands) =>
    log.control(
      commands.map((command) =>
        command._tag === "Configure"
          ? { ...command, policy: { ...command.policy, maxBacklog: command.policy.maxBacklog ?? "unlimited" } }
          : command
      )
    )
})

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

/** Says of the first ready job that it became so just now. */
const readyJustNow: Wrap = (log) => ({
  ...log,
  read: (query) =>
    Effect.map(log.read(query), (answer) =>
      answer._tag === "Counts"
        ? {
            ...answer,
            queues: answer.queues.map((counts) =>
              counts.oldestReadySince === undefined ? counts : { ...counts, oldestReadySince: answer.now }
            )
          }
        : answer
    )
})

/** One broken log at least for each law that no other list has one for. */
export const lawMutants: ReadonlyArray<LawMutant> = [
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
  inMemory("eventuallyClaimed", 50, "a paused queue never goes on", pauseForEver),
  inMemory("tickOnce", 50, "a key is looked up before, not in, the step that inserts", keysRace),
  inMemory("retentionKeepsKeys", 50, "a key goes with its record", keysGoWithRecords),
  inMemory("outcomeTruth", 100, "a refused purge cancels", refusedPurgeCancels),
  inMemory("interruptedCallsRepeat", 50, "each sending has a number of its own", numbersEachSending),
  inMemory("transitionsKept", 50, "a reschedule is never refused", reschedulesAnything),
  inMemory(
    "payloadIntact",
    50,
    "a trace is dropped",
    entering(({ trace: _, ...item }) => item)
  ),
  inMemory(
    "payloadIntact",
    50,
    "a timeout is dropped",
    entering(({ timeout: _, ...item }) => item)
  ),
  inMemory(
    "payloadIntact",
    50,
    "a lease asked for is dropped",
    entering(({ leaseDuration: _, ...item }) => item)
  ),
  inMemory(
    "payloadIntact",
    50,
    "every payload is of version 1",
    entering((item) => ({ ...item, version: 1 }))
  ),
  inMemory(
    "neverEarly",
    50,
    "an instant is left out",
    entering(({ at: _, ...item }) => item)
  ),
  inMemory("payloadIntact", 50, "a grant has lost its deadline", (log) =>
    showing(log, { grant: (grant) => ({ ...grant, deadline: undefined }) })
  ),
  inMemory("payloadIntact", 50, "a job is shown without its deadline", (log) =>
    showing(log, { job: (job) => ({ ...job, deadline: undefined }) })
  ),
  inMemory("payloadIntact", 50, "a grant says that it was enqueued when it became ready", (log) =>
    showing(log, { grant: (grant) => ({ ...grant, enqueuedAt: grant.readySince }) })
  ),
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
  inMemory("readsAgree", 50, "the oldest job became ready just now", readyJustNow),
  inMemory("neverEarly", 50, "a grant is ready since it was enqueued", (log) =>
    showing(log, { grant: (grant) => ({ ...grant, readySince: grant.enqueuedAt }) })
  ),
  inMemory("neverEarly", 50, "the instant of a reschedule is left out", rescheduledNow),
  inMemory("readsAgree", 50, "the cause of a retry is not shown", (log) =>
    showing(log, { job: (job) => (job.state === "DeadLettered" ? job : { ...job, cause: undefined }) })
  ),
  inMemory("limitsAtTheEdge", 1, "a policy that leaves the backlog out sets it free", policiesStartAnew),
  inMemory("pauseHolds", 50, "a job of a paused queue is not shown as paused", (log) =>
    showing(log, { job: (job) => ({ ...job, paused: undefined }) })
  ),
  inMemory("pauseHolds", 50, "counts do not show the pause", (log) =>
    showing(log, { counts: (counts) => ({ ...counts, paused: false }) })
  ),
  inMemory("noLostWakeUp", 20, "nothing of a group is ever due", groupsAreNeverDue),
  inMemory("groupFifo", 100, "jobs of groups are granted under any name", groupsTakeAnyName),
  inMemory("capabilitiesHonest", 1, "jobs of groups are granted under any name, each time", groupsTakeAnyName),
  inMemory("capabilitiesHonest", 1, "of several names only the first is used", (log) => ({
    ...log,
    claim: (request) => log.claim({ ...request, names: request.names?.slice(0, 1) })
  })),
  boasting("a late settlement is refused, and claimed to be accepted", lateRefused, { lateSettle: "accepted" }),
  boasting("a late settlement is accepted, and claimed to be refused", memoryHarness, { lateSettle: "refused" }),
  boasting("a log of one process claims to be for several", fileHarness, { crossProcess: true }),
  inMemory("deadLettersConserved", 50, "a dead letter loses the message of its cause", (log) =>
    showing(log, { job: (job) => (job.cause === undefined ? job : { ...job, cause: { ...job.cause, message: "" } }) })
  ),
  inMemory("readsAgree", 50, "a completed job is shown as finished when it was enqueued", (log) =>
    showing(log, { job: (job) => (job.finishedAt === undefined ? job : { ...job, finishedAt: job.enqueuedAt }) })
  ),
  inMemory("readsAgree", 50, "counts of one queue are of all", (log) => ({
    ...log,
    read: (query) => log.read(query._tag === "Counts" ? { _tag: "Counts" } : query)
  })),
  inMemory("keyDeduplicates", 50, "a duplicate is told of a wrong state", (log) => ({
    ...log,
    enqueue: (items) =>
      Effect.map(log.enqueue(items), (results) =>
        results.map((result) => (result._tag === "Duplicate" ? { ...result, state: "Ready" as const } : result))
      )
  })),
  inMemory("limitsAtTheEdge", 1, "several commands are answered in another order", (log) => ({
    ...log,
    control: (commands) => Effect.map(log.control(commands), (results) => results.toReversed())
  })),
  inMemory("enqueueIdempotent", 50, "an id with the same payload is taken for the same job", sameIfPayloadIs),
  inMemory("enqueueIdempotent", 50, "a new trace makes other bytes", tracesCount),
  {
    name: "a refused settlement leaves its cause behind, while time runs",
    law: "staleChangesNothing",
    within: 50,
    original: restlessHarness,
    harness: mutate(restlessHarness, { name: "refusal leaves its cause", wrap: refusalLeavesCause })
  },
  {
    name: "the log's time is the wall clock's",
    law: "clockStepSafe",
    within: 50,
    original: memoryHarness,
    harness: wallTime
  },
  handled("clockStepSafe", 10, "an opening forgets what time it was", forgetsItsTime),
  opening("atomicBatch", 100, "a batch is several records", (log) => Effect.succeed(tornBatches(log))),
  opening("readYourDurability", 100, "a repeated enqueue is answered before the first is durable", (log) =>
    Effect.succeed(knownBeforeDurable(log))
  ),
  opening("durabilityNamed", 200, "a command is answered before it is durable", (log) =>
    Effect.succeed(commandsAnsweredEarly(log))
  ),
  opening("recoveryIdempotent", 50, "each opening moves a job", (log, opened) =>
    Effect.as(opened === 0 ? Effect.void : moves(log), log)
  ),
  opening("recoveryBound", 100, "each opening writes more than the one before", (log, opened) =>
    Effect.as(
      Effect.forEach(Array.from({ length: opened === 0 ? 0 : 2 ** opened }), () => log.control(configures(200)), {
        discard: true
      }),
      log
    )
  ),
  handled("compactionKeepsAll", 50, "compaction forgets a job", ({ compact, log }) => ({
    compact: compact === undefined ? undefined : Effect.andThen(compact, drops(log))
  })),
  onDisk("poisonOnSyncError", 100, "a failed sync is tried again", (disk) => ({
    open: (path, mode) =>
      Effect.map(disk.open(path, mode), (file) => ({
        ...file,
        datasync: Effect.retry(file.datasync, { times: 3 })
      }))
  })),
  onDisk("poisonOnSyncError", 100, "a failed sync is ignored", (disk) => ({
    open: (path, mode) =>
      Effect.map(disk.open(path, mode), (file) => ({ ...file, datasync: Effect.ignore(file.datasync) }))
  })),
  handled("haltOnDamage", 20, "a damaged log starts empty", ({ damage }) => ({
    damage:
      damage === undefined ? undefined : (options) => Effect.catch(damage(options), () => Effect.scoped(startsEmpty))
  })),
  handled("versionSafe", 20, "a later format is taken for an empty log", ({ newerFormat }) => ({
    newerFormat: newerFormat === undefined ? undefined : Effect.catch(newerFormat, () => Effect.scoped(startsEmpty))
  })),
  onDisk("singleOwner", 20, "nothing locks the directory", () => ({ lock: () => Effect.succeed(Effect.void) })),
  opening("quiescence", 50, "each beat writes, with nothing to do", (log) =>
    Effect.succeed({
      ...log,
      reclaim: (options: { readonly limit: number }) =>
        Effect.andThen(log.control(configures(20)), log.reclaim(options))
    })
  )
]
