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
import { broken, call, claim, enqueue, newItem, onBench, open, settlementOf } from "./Direct.ts"
import type { Bench } from "./Direct.ts"
import { checkGenerated } from "./Law.ts"
import type { Law } from "./Law.ts"
import { mustRefuse } from "./Refusal.ts"
import { json } from "./World.ts"

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
  statement: "What the log says it has not is refused with a typed error, and what it says it has is there.",
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
              if (can.parkedClaims) return
              // a log that cannot park answers at once
              const grants = yield* claim(bench, session, { queue: "nothing", park: true })
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
  })
