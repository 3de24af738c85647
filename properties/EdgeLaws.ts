/**
 * The law at the edge: what breaks a stated limit is refused and changes nothing.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import type { Capabilities } from "../src/log/Capabilities.ts"
import type { EnqueueItem, Grant, Session, Settlement } from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import { Limits } from "../src/model/Limits.ts"
import { broken, call, claim, enqueue, inTurn, newItem, onBench, open, settlementOf } from "./Direct.ts"
import type { Bench } from "./Direct.ts"
import type { Harness } from "./Harness.ts"
import { mustRefuse } from "./Refusal.ts"
import { checkGenerated } from "./Law.ts"
import type { Law, RunResult } from "./Law.ts"

/** A call that must be refused, by a session that holds a grant. */
interface Case {
  readonly name: string
  readonly call: (
    bench: Bench,
    session: Session,
    grant: Grant,
    capabilities: Capabilities
  ) => Effect.Effect<unknown, LogError>
}

const badItem = (name: string, change: (can: Capabilities) => Record<string, unknown>): Case => ({
  name: `enqueue: ${name}`,
  call: (bench, _session, _grant, can) =>
    Effect.suspend(() => {
      // deliberately unsound: callers without types send such things
      const bad = { ...newItem(bench), ...change(can) } as EnqueueItem
      return bench.log.enqueue([newItem(bench), bad, newItem(bench)])
    })
})

const badFollowUpless = (name: string, settlement: Settlement): Case => ({
  name: `settle: ${name}`,
  call: (bench, session, grant) =>
    bench.log.settle({ session: session.id, call: call(bench, session.id), items: [settlementOf(grant, settlement)] })
})

const badClaim = (name: string, change: object): Case => ({
  name: `claim: ${name}`,
  call: (bench, session) =>
    bench.log.claim({ session: session.id, call: call(bench, session.id), queue: "alpha", limit: 1, ...change })
})

const cases: ReadonlyArray<Case> = [
  badItem("an id that is no UUID", () => ({ id: "job-1" })),
  badItem("an id in upper case", () => ({ id: "ABCDEF00-0000-4000-8000-000000000001" })),
  badItem("an empty queue name", () => ({ queue: "" })),
  badItem("a queue name with a blank", () => ({ queue: "a b" })),
  badItem("a job name over its limit", () => ({ name: "n".repeat(Limits.nameBytes + 1) })),
  badItem("a payload over its limit", (can) => ({
    payload: "x".repeat(Math.min(Limits.payloadBytes, can.maxPayload) + 1)
  })),
  badItem("a payload over its limit in bytes, not in characters", (can) => ({
    payload: "é".repeat(Math.min(Limits.payloadBytes, can.maxPayload) / 2 + 1)
  })),
  badItem("a payload that UTF-8 cannot express", () => ({ payload: `"${"\ud800"}"` })),
  badItem("a payload that is no string", () => ({ payload: { a: 1 } })),
  badItem("a priority over its limit", () => ({ priority: Limits.priority + 1 })),
  badItem("a fractional priority", () => ({ priority: 0.5 })),
  badItem("a priority that is no number", () => ({ priority: Number.NaN })),
  badItem("a negative delay", () => ({ delay: -1 })),
  badItem("an endless delay", () => ({ delay: Number.POSITIVE_INFINITY })),
  badItem("a delay and an instant", () => ({ delay: 1, at: 1 })),
  badItem("no attempt", () => ({ maxAttempts: 0 })),
  badItem("attempts over their limit", () => ({ maxAttempts: Limits.attempts + 1 })),
  badItem("no delivery", () => ({ maxDeliveries: 0 })),
  badItem("a lease under its limit", () => ({ leaseDuration: Limits.leaseMinMillis - 1 })),
  badItem("an empty group", () => ({ group: "" })),
  badItem("a group over its limit", () => ({ group: "é".repeat(Limits.keyBytes / 2 + 1) })),
  badItem("a key over its limit", () => ({ key: { value: "k".repeat(Limits.keyBytes + 1), window: 0 } })),
  badItem("a key with a negative window", () => ({ key: { value: "k", window: -1 } })),
  badItem("metadata over their limit", () => ({ metadata: { a: "m".repeat(Limits.metadataBytes) } })),
  badItem("metadata that are no strings", () => ({ metadata: { a: 1 } })),
  {
    name: "enqueue: a batch over its limit",
    call: (bench, _session, _grant, can) =>
      Effect.suspend(() => {
        const count = Math.min(Limits.batchItems, can.maxBatch) + 1
        return bench.log.enqueue(Array.from({ length: count }, () => newItem(bench)))
      })
  },
  {
    name: "enqueue: a batch of too many bytes",
    call: (bench) =>
      Effect.suspend(() => {
        const payload = "x".repeat(Limits.payloadBytes)
        return bench.log.enqueue(Array.from({ length: 9 }, () => newItem(bench, { payload })))
      })
  },
  {
    name: "enqueue: the same id twice with other bytes, one of them invalid",
    call: (bench) =>
      Effect.suspend(() => {
        const item = newItem(bench)
        return bench.log.enqueue([item, { ...item, payload: "2", priority: 5000 }])
      })
  },
  badClaim("no grant", { limit: 0 }),
  badClaim("a fractional limit", { limit: 1.5 }),
  badClaim("a limit over its limit", { limit: Limits.claimItems + 1 }),
  badClaim("a queue that is no name", { queue: "a b" }),
  badClaim("call number 0", { call: 0 }),
  badFollowUpless("a result over its limit", { _tag: "Complete", result: "x".repeat(Limits.resultBytes + 1) }),
  badFollowUpless("a result that UTF-8 cannot express", { _tag: "Complete", result: "\ud800" }),
  badFollowUpless("a negative back-off", { _tag: "Retry", delay: -1, cause: { kind: "failure", message: "" } }),
  badFollowUpless("an endless back-off", {
    _tag: "Retry",
    delay: Number.POSITIVE_INFINITY,
    cause: { kind: "failure", message: "" }
  }),
  badFollowUpless("a negative delay of a release", { _tag: "Release", delay: -1 }),
  {
    name: "settle: a batch over its limit",
    call: (bench, session, grant, can) => {
      const count = Math.min(Limits.batchItems, can.maxBatch) + 1
      const items = Array.from({ length: count }, () => settlementOf(grant, { _tag: "Complete" }))
      return bench.log.settle({ session: session.id, call: call(bench, session.id), items })
    }
  },
  {
    name: "open: a lease under its limit",
    call: (bench) => bench.log.open({ owner: "leasehold properties", leaseDuration: Limits.leaseMinMillis - 1 })
  },
  {
    name: "open: a lease over its limit",
    call: (bench, _session, _grant, can) =>
      bench.log.open({ owner: "leasehold properties", leaseDuration: can.maxLease + 1 })
  },
  {
    name: "renew: progress over its limit",
    call: (bench, session, grant) =>
      bench.log.renew({
        session: session.id,
        call: call(bench, session.id),
        started: [],
        progress: [{ token: grant.token, value: "x".repeat(Limits.progressBytes + 1) }]
      })
  },
  { name: "control: a queue that is no name", call: (bench) => bench.log.control([{ _tag: "Pause", queue: "a b" }]) },
  {
    name: "control: one invalid command after a valid one",
    call: (bench, _session, grant) =>
      bench.log.control([
        { _tag: "Cancel", id: grant.id },
        { _tag: "Reschedule", id: grant.id, priority: Limits.priority + 1 }
      ])
  },
  {
    name: "control: no permit for a group",
    call: (bench) => bench.log.control([{ _tag: "Configure", queue: "alpha", policy: { groupConcurrency: 0 } }])
  },
  { name: "read: no row", call: (bench) => bench.log.read({ _tag: "Jobs", limit: 0 }) },
  {
    name: "read: a page over its limit",
    call: (bench) => bench.log.read({ _tag: "Jobs", limit: Limits.pageItems + 1 })
  }
]

/** What is just within its limit is taken, and kept as it is. */
const atTheLimit = (bench: Bench, session: Session, capabilities: Capabilities): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    const item = newItem(bench, {
      queue: "q".repeat(Limits.nameBytes),
      name: "n".repeat(Limits.nameBytes),
      payload: "x".repeat(Math.min(Limits.payloadBytes, capabilities.maxPayload)),
      metadata: { a: "m".repeat(Limits.metadataBytes - 1) },
      maxAttempts: Limits.attempts,
      ...(capabilities.priorities > 2 * Limits.priority ? { priority: Limits.priority } : undefined),
      ...(capabilities.groups ? { group: "é".repeat(Limits.keyBytes / 2) } : undefined),
      ...(capabilities.dedupe
        ? { key: { value: "k".repeat(Limits.keyBytes), window: Limits.durationMillis } }
        : undefined)
    })
    yield* bench.log.enqueue([item])
    const [grant] = yield* claim(bench, session, { queue: item.queue, limit: Limits.claimItems })
    if (grant?.payload !== item.payload || grant.name !== item.name || grant.metadata?.["a"] !== item.metadata?.["a"]) {
      broken(bench, "limitsAtTheEdge", "a job exactly at its limits is not granted as it was enqueued")
    }
    yield* bench.log.enqueue([])
    const count = Math.min(Limits.batchItems, capabilities.maxBatch)
    const many = yield* bench.log.enqueue(Array.from({ length: count }, () => newItem(bench, { queue: "many" })))
    if (many.some((answer) => answer._tag !== "Inserted")) {
      broken(bench, "limitsAtTheEdge", "a batch exactly at its limit was not inserted")
    }
  })

/** Commands of one call are carried out and answered in their order. */
const severalCommands = (bench: Bench): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    const item = newItem(bench, { queue: "commands" })
    yield* enqueue(bench, item)
    const told = Effect.map(
      Effect.suspend(() =>
        bench.log.control([
          { _tag: "Redrive", id: item.id },
          { _tag: "Cancel", id: item.id },
          { _tag: "Cancel", id: item.id },
          { _tag: "Purge", id: item.id },
          { _tag: "Purge", id: item.id },
          { _tag: "Pause", queue: "commands" }
        ])
      ),
      (answers) => answers.map((answer) => (answer._tag === "Done" ? "Done" : answer.reason)).join(", ")
    )
    const answers = yield* told
    if (answers !== "notDeadLettered, Done, cancelled, Done, unknownJob, Done") {
      broken(bench, "limitsAtTheEdge", `several commands in one call were answered ${answers}`)
    }
  })

/** A queue that holds as much as it may refuses more, until something left it. */
const fullBacklog = (bench: Bench, session: Session): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    const policy = { _tag: "Configure", queue: "narrow", policy: { maxBacklog: 2 } } as const
    const item = () => newItem(bench, { queue: "narrow" })
    yield* bench.log.control([policy])
    yield* enqueue(bench, item())
    const more = Effect.suspend(() => bench.log.enqueue([item(), item()]))
    if (bench.capabilities.maxBatch > 1) {
      yield* mustRefuse(bench, "limitsAtTheEdge", "enqueue beyond the backlog", ["Full"], more)
    }
    yield* enqueue(bench, item())
    // what a policy leaves out keeps its value
    yield* bench.log.control([{ ...policy, policy: { retainCompleted: 60_000 } }])
    yield* mustRefuse(
      bench,
      "limitsAtTheEdge",
      "enqueue beyond the backlog",
      ["Full"],
      Effect.suspend(() => bench.log.enqueue([item()]))
    )
    yield* bench.log.control([{ ...policy, policy: { maxBacklog: "unlimited" } }])
    yield* enqueue(bench, item())
    yield* bench.log.control([policy])
    const grants = yield* claim(bench, session, { queue: "narrow", limit: 2 })
    if (grants.length !== 2) broken(bench, "limitsAtTheEdge", "a full queue grants nothing")
    yield* enqueue(bench, item())
  })

const edgeLaw: Pick<Law, "name" | "statement" | "claimedBy"> = {
  name: "limitsAtTheEdge",
  statement:
    "What breaks a stated limit is refused with its whole batch and changes nothing; what just keeps it is taken.",
  claimedBy: () => true
}

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const limitsAtTheEdge: Law = {
  ...edgeLaw,
  check: (harness, options = {}) =>
    // a table, not a sample: each case once, on a log of its own
    checkGenerated(
      harness,
      edgeLaw,
      { ...options, runs: 1, path: undefined },
      {
        inputs: () => fc.constant(undefined),
        run: () => inTurn([...cases, undefined].map((found) => edgeCase(harness, found))),
        shrink: false
      }
    )
}

const edgeCase = (harness: Harness, found: Case | undefined): Effect.Effect<RunResult, LogError> =>
  onBench(harness, "limitsAtTheEdge", (bench) =>
    Effect.gen(function* () {
      const capabilities = harness.capabilities ?? bench.log.capabilities
      // long enough for a slow server not to take the grant back meanwhile
      const session = yield* open(bench, 60_000)
      yield* enqueue(bench, newItem(bench), newItem(bench))
      const [grant] = yield* claim(bench, session)
      if (grant === undefined) return broken(bench, "limitsAtTheEdge", "a fresh job was not granted")
      if (found === undefined) {
        yield* atTheLimit(bench, session, capabilities)
        if (capabilities.maxBatch >= 6) yield* severalCommands(bench)
        return yield* fullBacklog(bench, session)
      }
      const request = found.call(bench, session, grant, capabilities)
      yield* mustRefuse(bench, "limitsAtTheEdge", found.name, ["InvalidRequest", "Unsupported"], request)
    })
  )
