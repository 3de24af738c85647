/**
 * The law of capabilities: what a log lacks it refuses, and what it has is there.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import type { Capabilities } from "../src/log/Capabilities.ts"
import type { Grant, Session } from "../src/log/JobLog.ts"
import { refused, Unsupported } from "../src/log/LogError.ts"
import type { LogError } from "../src/log/LogError.ts"
import { Limits } from "../src/model/Limits.ts"
import { broken, call, claim, enqueue, newItem, onBench, open, pass, settle, settlementOf } from "./Direct.ts"
import type { Bench } from "./Direct.ts"
import { checkGenerated } from "./Law.ts"
import type { Law } from "./Law.ts"
import { mustRefuse } from "./Refusal.ts"
import { json, ofExit } from "./World.ts"

/** A request for what a log may say that it has not. */
interface Lack {
  readonly name: string
  readonly lacks: (can: Capabilities) => boolean
  /** Grants that the request needs. */
  readonly prepare?: (bench: Bench, session: Session) => Effect.Effect<ReadonlyArray<Grant>, LogError>
  readonly request: (
    bench: Bench,
    session: Session,
    grant: Grant,
    grants: ReadonlyArray<Grant>
  ) => Effect.Effect<unknown, LogError>
}

const lacks: ReadonlyArray<Lack> = [
  {
    name: "groups",
    lacks: (can) => !can.groups,
    request: (bench) => Effect.suspend(() => bench.log.enqueue([newItem(bench, { group: "g" })]))
  },
  {
    name: "dedupe",
    lacks: (can) => !can.dedupe,
    request: (bench) => Effect.suspend(() => bench.log.enqueue([newItem(bench, { key: { value: "k", window: 0 } })]))
  },
  {
    name: "priorities",
    lacks: (can) => can.priorities === 1,
    request: (bench) => Effect.suspend(() => bench.log.enqueue([newItem(bench, { priority: 1 })]))
  },
  {
    name: "maxDelay",
    lacks: (can) => can.maxDelay < Limits.durationMillis,
    request: (bench) =>
      Effect.suspend(() => bench.log.enqueue([newItem(bench, { delay: bench.log.capabilities.maxDelay + 1 })]))
  },
  {
    name: "nameFilter",
    lacks: (can) => !can.nameFilter,
    request: (bench, session) => claim(bench, session, { names: ["mail"] })
  },
  {
    name: "inspect",
    lacks: (can) => !can.inspect,
    request: (bench) => bench.log.read({ _tag: "Jobs", limit: 1 })
  },
  {
    name: "settle",
    lacks: (can) => can.settle === "prefix",
    prepare: (bench, session) =>
      Effect.andThen(
        enqueue(bench, newItem(bench, { queue: "line" }), newItem(bench, { queue: "line" })),
        claim(bench, session, { queue: "line", limit: 2 })
      ),
    request: (bench, session, _grant, grants) =>
      Effect.suspend(() => {
        const items = grants.slice(1).map((grant) => settlementOf(grant, { _tag: "Complete" }))
        return bench.log.settle({ session: session.id, call: call(bench, session.id), items })
      })
  },
  {
    name: "atomic",
    lacks: (can) => can.atomic === "queue",
    request: (bench, session, grant) =>
      Effect.suspend(() =>
        bench.log.settle({
          session: session.id,
          call: call(bench, session.id),
          items: [settlementOf(grant, { _tag: "Complete", enqueue: [newItem(bench, { queue: "beta" })] })]
        })
      ).pipe(
        // the refusal of the one settlement, which leaves its neighbours alone, is as good as that of the call
        Effect.flatMap(([answer]) =>
          answer?._tag === "Refused" && answer.reason === "invalidFollowUp"
            ? Effect.fail(refused("settle", new Unsupported({ capability: "atomic", detail: answer.reason })))
            : Effect.void
        )
      )
  }
]

const honestLaw: Pick<Law, "name" | "statement" | "claimedBy"> = {
  name: "capabilitiesHonest",
  statement:
    "What the log says it has not is refused with a typed error, and what it says it has is there. Not tried: callerTransactions, and crossProcess where the harness cannot open the log twice.",
  claimedBy: () => true
}

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const capabilitiesHonest: Law = {
  ...honestLaw,
  check: (harness, options = {}) =>
    checkGenerated(
      harness,
      honestLaw,
      { ...options, runs: 1 },
      {
        inputs: () => fc.constant(undefined),
        run: () =>
          onBench(harness, "capabilitiesHonest", (bench) =>
            Effect.gen(function* () {
              const can = harness.capabilities ?? bench.log.capabilities
              const session = yield* open(bench, 1000)
              yield* enqueue(bench, newItem(bench))
              const [grant] = yield* claim(bench, session)
              if (grant === undefined) return broken(bench, "capabilitiesHonest", "a fresh job was not granted")
              for (const lack of lacks) {
                if (!lack.lacks(can)) continue
                const grants = lack.prepare === undefined ? [] : yield* lack.prepare(bench, session)
                const request = lack.request(bench, session, grant, grants)
                yield* mustRefuse(
                  bench,
                  "capabilitiesHonest",
                  `asking for ${lack.name}`,
                  ["Unsupported", "InvalidRequest"],
                  request
                )
              }
              yield* claimedNames(bench, session, can)
              wellFormed(bench, can)
              yield* lateSettles(bench, can)
              yield* openedTwice(bench, can)
              if (can.parkedClaims) return
              // a log that cannot park answers at once
              const waiting = yield* open(bench, 1000)
              const grants = yield* claim(bench, waiting, { queue: "nothing", park: true })
              if (grants.length > 0) broken(bench, "capabilitiesHonest", "granted from an empty queue")
            })
          ),
        shrink: false
      }
    )
}

/** Capabilities are of those that there are, so that no law is left out by a misspelling. */
const wellFormed = (bench: Bench, can: Capabilities): void => {
  const named: ReadonlyArray<readonly [string, unknown, ReadonlyArray<unknown>]> = [
    ["fence", can.fence, ["strict", "advisory", "none"]],
    ["tokenScope", can.tokenScope, ["queue", "log"]],
    ["lease", can.lease, ["timed", "connection"]],
    ["lateSettle", can.lateSettle, ["accepted", "refused"]],
    ["reclaim", can.reclaim, ["log", "broker"]],
    ["settle", can.settle, ["individual", "prefix"]],
    ["durability", can.durability, ["none", "process", "powerLoss"]]
  ]
  for (const [name, value, allowed] of named) {
    if (!allowed.includes(value)) broken(bench, "capabilitiesHonest", `capability ${name} is ${json(value)}`)
  }
}

const claimedNames = (bench: Bench, session: Session, can: Capabilities): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    if (!can.nameFilter) return
    yield* enqueue(bench, newItem(bench, { queue: "named", name: "a" }), newItem(bench, { queue: "named", name: "b" }))
    const grants = yield* claim(bench, session, { queue: "named", names: ["b"], limit: 2 })
    if (grants.length !== 1 || grants[0]?.name !== "b") {
      broken(bench, "capabilitiesHonest", `a claim of jobs named b received ${json(grants.map((grant) => grant.name))}`)
    }
    const several = ["a", "b", "c"].map((name) => newItem(bench, { queue: "several", name }))
    yield* enqueue(bench, ...several)
    const some = yield* claim(bench, session, { queue: "several", names: ["c", "a"], limit: 3 })
    const received = some.map((grant) => grant.name).join(", ")
    if (received !== "a, c" && !(can.order !== "exact" && received === "c, a")) {
      broken(bench, "capabilitiesHonest", `a claim of jobs named c or a received ${received || "nothing"}`)
    }
    if (can.groups) yield* claimedNamesOfGroups(bench, session)
  })

/** A filter by name does not lead past the head of a group. */
const claimedNamesOfGroups = (bench: Bench, session: Session): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    const queue = "lined"
    yield* enqueue(bench, ...["a", "b"].map((name) => newItem(bench, { queue, name, group: "g" })))
    const past = yield* claim(bench, session, { queue, names: ["b"] })
    if (past.length > 0) {
      broken(
        bench,
        "capabilitiesHonest",
        `a claim of jobs named b received ${past[0]?.name}, the head of its group is a`
      )
    }
    const head = yield* claim(bench, session, { queue, names: ["a"] })
    if (head[0]?.name !== "a") broken(bench, "capabilitiesHonest", "the head of a group is not granted by its name")
  })

/** What a session whose lease has run out settles, before anybody took its grants back. */
const lateSettles = (bench: Bench, can: Capabilities): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    // a broker takes back when it likes
    if (can.lease !== "timed" || can.reclaim !== "log" || can.fence !== "strict") return
    const session = yield* open(bench, 1000)
    yield* enqueue(bench, newItem(bench, { queue: "late" }))
    const [grant] = yield* claim(bench, session, { queue: "late" })
    if (grant === undefined) return broken(bench, "capabilitiesHonest", "a fresh job was not granted")
    yield* pass(bench, session.leaseDuration)
    const answer = ofExit(yield* Effect.exit(settle(bench, session, grant, { _tag: "Complete" })))
    const accepted = answer._tag === "Ok" && answer.value?._tag === "Settled"
    if (accepted !== (can.lateSettle === "accepted")) {
      const told = accepted ? "accepted" : "refused"
      broken(bench, "capabilitiesHonest", `lateSettle is ${can.lateSettle}, but a late settlement was ${told}`)
    }
  })

/** A log for several processes can be opened a second time, and both see the same jobs. */
const openedTwice = (bench: Bench, can: Capabilities): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    const { openSecond } = bench.test
    if (!can.crossProcess || openSecond === undefined) return
    const item = newItem(bench, { queue: "shared" })
    yield* enqueue(bench, item)
    const claiming = Effect.gen(function* () {
      const second = yield* openSecond
      const session = yield* second.open({
        owner: "leasehold properties",
        leaseDuration: Math.min(60_000, can.maxLease)
      })
      const { grants } = yield* second.claim({ session: session.id, call: 1, queue: "shared", limit: 1 })
      return grants.map(({ id }) => id)
    })
    const answer = ofExit(yield* Effect.exit(Effect.scoped(claiming)))
    if (answer._tag !== "Ok" || answer.value[0] !== item.id) {
      const why = answer._tag === "Failed" ? answer.error.message : answer._tag === "Died" ? answer.message : "no grant"
      broken(bench, "capabilitiesHonest", `crossProcess is claimed, but opened a second time it gives: ${why}`)
    }
  })
