/**
 * The law of wake-ups: whoever waits for work is woken, by whatever route a job becomes claimable.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as fc from "fast-check"
import type { Capabilities } from "../src/log/Capabilities.ts"
import type { Grant, Session } from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import {
  broken,
  claim,
  claimRequest,
  control,
  enqueue,
  inTurn,
  newItem,
  note,
  onBench,
  open,
  pass,
  settle
} from "./Direct.ts"
import type { Bench } from "./Direct.ts"
import { checkGenerated } from "./Law.ts"
import type { Law } from "./Law.ts"
import { claimedTwice, outlivedClaim } from "./ParkedClaims.ts"
import { json, outcome } from "./World.ts"

/** How a job becomes claimable: prepared so that nothing is, then triggered. */
interface Route {
  readonly name: string
  /** The trigger is the passing of time alone. */
  readonly timed?: boolean
  readonly needs?: (capabilities: Capabilities) => boolean
  readonly prepare: (bench: Bench, holder: Session) => Effect.Effect<Effect.Effect<unknown, LogError>, LogError>
}

/** Enqueues a job and lets the holder claim it. */
const held = (bench: Bench, holder: Session, options?: Parameters<typeof newItem>[1]): Effect.Effect<Grant, LogError> =>
  Effect.gen(function* () {
    yield* enqueue(bench, newItem(bench, options))
    const [grant] = yield* claim(bench, holder)
    return grant ?? (yield* Effect.die(new Error("a fresh job was not granted")))
  })

const failure = { kind: "failure", tag: "Declined", message: "declined" } as const

/** A delay of so many milliseconds, or the log's longest. */
const longest = (bench: Bench, millis: number): number => Math.min(millis, bench.capabilities.maxDelay)

const needsGroups = (can: Capabilities): boolean => can.groups

const routes: ReadonlyArray<Route> = [
  { name: "enqueue", prepare: (bench) => Effect.succeed(Effect.suspend(() => enqueue(bench, newItem(bench)))) },
  {
    name: "delay due",
    timed: true,
    needs: (can) => can.maxDelay > 0,
    prepare: (bench) => Effect.as(enqueue(bench, newItem(bench, { delay: longest(bench, 700) })), pass(bench, 700))
  },
  {
    name: "delay of a group's job due",
    timed: true,
    needs: (can) => can.groups && can.maxDelay > 0,
    prepare: (bench) =>
      Effect.as(enqueue(bench, newItem(bench, { delay: longest(bench, 700), group: "g" })), pass(bench, 700))
  },
  {
    name: "retry of a group's head due",
    timed: true,
    needs: needsGroups,
    prepare: (bench, holder) =>
      Effect.gen(function* () {
        const grant = yield* held(bench, holder, { group: "g" })
        yield* settle(bench, holder, grant, { _tag: "Retry", delay: 300, cause: failure })
        return pass(bench, 300)
      })
  },
  {
    name: "retry due",
    timed: true,
    prepare: (bench, holder) =>
      Effect.gen(function* () {
        const grant = yield* held(bench, holder)
        yield* settle(bench, holder, grant, { _tag: "Retry", delay: 300, cause: failure })
        return pass(bench, 300)
      })
  },
  {
    name: "release",
    prepare: (bench, holder) =>
      Effect.map(held(bench, holder), (grant) => settle(bench, holder, grant, { _tag: "Release" }))
  },
  {
    name: "retry at once",
    prepare: (bench, holder) =>
      Effect.map(held(bench, holder), (grant) =>
        settle(bench, holder, grant, { _tag: "Retry", delay: 0, cause: failure })
      )
  },
  {
    name: "close of a session",
    prepare: (bench, holder) => Effect.as(held(bench, holder), bench.log.close(holder.id))
  },
  {
    name: "reclaim",
    needs: (can) => can.reclaim === "log" && can.lease === "timed",
    prepare: (bench, holder) =>
      Effect.as(
        held(bench, holder),
        Effect.andThen(pass(bench, holder.leaseDuration), bench.log.reclaim({ limit: 100 })).pipe(Effect.asVoid)
      )
  },
  {
    name: "resume",
    prepare: (bench) =>
      Effect.gen(function* () {
        yield* control(bench, { _tag: "Pause", queue: "alpha" })
        yield* enqueue(bench, newItem(bench))
        return control(bench, { _tag: "Resume", queue: "alpha" })
      })
  },
  {
    name: "follow-up",
    prepare: (bench, holder) =>
      Effect.map(held(bench, holder), (grant) =>
        Effect.suspend(() => settle(bench, holder, grant, { _tag: "Complete", enqueue: [newItem(bench)] }))
      )
  },
  {
    name: "group permit",
    needs: needsGroups,
    prepare: (bench, holder) =>
      Effect.gen(function* () {
        const grant = yield* held(bench, holder, { group: "g" })
        yield* enqueue(bench, newItem(bench, { group: "g" }))
        return settle(bench, holder, grant, { _tag: "Complete" })
      })
  },
  {
    name: "permit of a cancelled job",
    needs: needsGroups,
    prepare: (bench, holder) =>
      Effect.gen(function* () {
        const grant = yield* held(bench, holder, { group: "g" })
        yield* enqueue(bench, newItem(bench, { group: "g" }))
        yield* control(bench, { _tag: "Cancel", id: grant.id })
        return settle(bench, holder, grant, { _tag: "Release" })
      })
  },
  {
    name: "group head cancelled",
    needs: needsGroups,
    prepare: (bench, holder) =>
      Effect.gen(function* () {
        const grant = yield* held(bench, holder, { group: "g" })
        yield* enqueue(bench, newItem(bench, { group: "g" }))
        yield* settle(bench, holder, grant, { _tag: "Retry", delay: 60_000, cause: failure })
        return control(bench, { _tag: "Cancel", id: grant.id })
      })
  },
  {
    name: "group concurrency raised",
    needs: needsGroups,
    prepare: (bench, holder) =>
      Effect.gen(function* () {
        yield* held(bench, holder, { group: "g" })
        yield* enqueue(bench, newItem(bench, { group: "g" }))
        return control(bench, { _tag: "Configure", queue: "alpha", policy: { groupConcurrency: 2 } })
      })
  },
  {
    name: "redrive",
    prepare: (bench, holder) =>
      Effect.gen(function* () {
        const grant = yield* held(bench, holder)
        yield* settle(bench, holder, grant, { _tag: "DeadLetter", cause: failure })
        return control(bench, { _tag: "Redrive", id: grant.id })
      })
  },
  {
    name: "reschedule",
    needs: (can) => can.maxDelay > 0,
    prepare: (bench) =>
      Effect.gen(function* () {
        const item = newItem(bench, { delay: longest(bench, 60_000) })
        yield* enqueue(bench, item)
        return control(bench, { _tag: "Reschedule", id: item.id, delay: 0 })
      })
  },
  {
    name: "replacement",
    needs: (can) => can.dedupe && can.maxDelay > 0,
    prepare: (bench) =>
      Effect.gen(function* () {
        const key = { value: "k", window: 0, onConflict: "replace" } as const
        yield* enqueue(bench, newItem(bench, { delay: longest(bench, 60_000), key }))
        return Effect.suspend(() => enqueue(bench, newItem(bench, { key })))
      })
  },
  {
    name: "an earlier delay due",
    timed: true,
    needs: (can) => can.maxDelay > 0,
    prepare: (bench) =>
      Effect.gen(function* () {
        yield* enqueue(bench, newItem(bench, { delay: longest(bench, 60_000) }))
        const earlier = Effect.suspend(() => enqueue(bench, newItem(bench, { delay: longest(bench, 300) })))
        return Effect.andThen(earlier, pass(bench, 300))
      })
  }
]

/** `parked`: waits inside claim. `changes`: waits for news. `late`: the trigger comes before it begins to wait. */
const modes = ["parked", "changes", "late", "interrupted"] as const

interface Situation {
  readonly route: Route
  readonly mode: (typeof modes)[number]
  /** Scheduler turns between waiting and trigger. */
  readonly turns: number
}

/** Every route with every way of waiting that the log claims. */
const situations = (can: Capabilities, turns: ReadonlyArray<number>): ReadonlyArray<Situation> =>
  routes
    .filter((route) => route.needs === undefined || route.needs(can))
    .flatMap((route, i) =>
      modes
        .filter((mode) => (mode === "parked" || mode === "interrupted" ? can.parkedClaims : can.notify))
        .map((mode, j) => ({ route, mode, turns: turns[(i + j) % turns.length] ?? 0 }))
    )

const yields = (turns: number): Effect.Effect<void> => Effect.repeat(Effect.yieldNow, { times: turns })

/** Claims, waiting inside the log, until there is something. */
const parked = (bench: Bench, worker: Session): Effect.Effect<ReadonlyArray<Grant>, LogError> =>
  Effect.gen(function* () {
    while (true) {
      const grants = yield* claim(bench, worker, { park: true })
      if (grants.length > 0) return grants
      yield* Effect.yieldNow
    }
  })

/** Claims and waits for news in turn, as a log without parked claims is used. */
const told = (
  bench: Bench,
  worker: Session,
  route: Route,
  late: Effect.Effect<unknown, LogError>
): Effect.Effect<ReadonlyArray<Grant>, LogError> =>
  Effect.gen(function* () {
    let before = late
    while (true) {
      const result = yield* bench.log.claim(claimRequest(bench, worker))
      if (result.grants.length > 0) return result.grants
      if (route.timed === true && result.nextAt === undefined) {
        broken(bench, "noLostWakeUp", `${route.name}: an empty claim names no instant to wake for`)
        return []
      }
      yield* before
      before = Effect.void
      // time alone need not be announced: nextAt has said when to come back
      if (route.timed === true) yield* Effect.yieldNow
      else yield* bench.log.changes({ _tag: "Queue", queue: "alpha", cursor: result.cursor })
    }
  })

const wakeUp =
  ({ route, mode, turns }: Situation, capabilities: Capabilities) =>
  (bench: Bench): Effect.Effect<void, LogError> =>
    Effect.gen(function* () {
      note(bench, `route: ${route.name}, waiting: ${mode}`)
      const worker = yield* open(bench, Math.min(600_000, capabilities.maxLease))
      const holder = yield* open(bench, 1000)
      const trigger = yield* route.prepare(bench, holder)
      if (mode === "interrupted") return yield* interrupted(bench, worker, trigger, turns, route)
      const wait =
        mode === "parked" ? parked(bench, worker) : told(bench, worker, route, mode === "late" ? trigger : Effect.void)
      const fiber = yield* Effect.forkDetach(Effect.exit(wait))
      yield* yields(turns)
      if (mode !== "late") yield* trigger
      const woken = yield* outcome(Effect.flatten(Fiber.join(fiber)), bench.patience)
      fiber.interruptUnsafe()
      if (woken._tag !== "Ok") {
        const why = woken._tag === "Died" ? woken.message : woken.error.message
        return broken(bench, "noLostWakeUp", `${route.name}: who waits (${mode}) was not woken: ${why}`)
      }
    })

/** A parked claim that is given up must not swallow a job: the same call again receives it. */
const interrupted = (
  bench: Bench,
  worker: Session,
  trigger: Effect.Effect<unknown, LogError>,
  turns: number,
  route: Route
): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    const request = claimRequest(bench, worker, { park: true })
    const fiber = yield* Effect.forkDetach(bench.log.claim(request))
    yield* Effect.yieldNow
    const triggering = yield* Effect.forkDetach(trigger)
    // gives up somewhere between the trigger's start and the claim's answer
    yield* yields(turns)
    fiber.interruptUnsafe()
    const given = yield* Fiber.await(fiber)
    yield* Fiber.join(triggering)
    note(bench, `claim ${json(request)} interrupted (${given._tag})`)
    const again = yield* outcome(bench.log.claim(request), bench.patience)
    note(bench, `the same again → ${again._tag === "Ok" ? json(again.value) : again._tag}`)
    if (again._tag !== "Ok" || again.value.grants.length === 0) {
      broken(bench, "noLostWakeUp", `${route.name}: the job is lost to an interrupted claim`)
    }
  })

/** Ways in which a job becomes terminal while somebody waits for it. */
const endings: ReadonlyArray<{
  readonly name: string
  readonly end: (bench: Bench, holder: Session, grant: Grant) => Effect.Effect<unknown, LogError>
}> = [
  { name: "completed", end: (bench, holder, grant) => settle(bench, holder, grant, { _tag: "Complete", result: "1" }) },
  {
    name: "dead-lettered",
    end: (bench, holder, grant) => settle(bench, holder, grant, { _tag: "DeadLetter", cause: failure })
  },
  { name: "cancelled", end: (bench, _holder, grant) => control(bench, { _tag: "Cancel", id: grant.id }) }
]

/** Who waits for a job is told of its end, before or after it began to wait. */
const ended =
  (index: number, late: boolean, turns: number) =>
  (bench: Bench): Effect.Effect<void, LogError> =>
    Effect.gen(function* () {
      const ending = endings[index % endings.length]
      if (ending === undefined) return
      const holder = yield* open(bench, 1000)
      const grant = yield* held(bench, holder)
      const waiting = bench.log.changes({ _tag: "Job", id: grant.id })
      if (late) yield* ending.end(bench, holder, grant)
      const fiber = yield* Effect.forkDetach(Effect.exit(waiting))
      yield* yields(turns)
      if (!late) yield* ending.end(bench, holder, grant)
      const woken = yield* outcome(Effect.flatten(Fiber.join(fiber)), bench.patience)
      fiber.interruptUnsafe()
      if (woken._tag === "Ok") return
      const why = woken._tag === "Died" ? woken.message : woken.error.message
      broken(bench, "noLostWakeUp", `who waits for a job was not told that it was ${ending.name}: ${why}`)
    })

const law: Pick<Law, "name" | "statement" | "claimedBy"> = {
  name: "noLostWakeUp",
  statement: "A claim is empty only if nothing is claimable, and whoever waits is woken by every route.",
  claimedBy: (can) => can.notify || can.parkedClaims
}

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const noLostWakeUp: Law = {
  ...law,
  check: (harness, options = {}) =>
    // each run goes through the whole table
    checkGenerated(
      harness,
      law,
      { ...options, runs: Math.ceil((options.runs ?? 100) / 20) },
      {
        inputs: () => fc.array(fc.nat(6), { minLength: modes.length, maxLength: 2 * modes.length }),
        run: (turns) =>
          Effect.gen(function* () {
            const made = yield* Effect.scoped(Effect.map(harness.make, ({ log }) => log.capabilities))
            const capabilities = harness.capabilities ?? made
            const routed = situations(capabilities, turns).map((situation) => wakeUp(situation, capabilities))
            const told = Array.from({ length: capabilities.notify ? 2 * endings.length : 0 }, (_, i) =>
              ended(i, i >= endings.length, turns[i % turns.length] ?? 0)
            )
            const parking = capabilities.parkedClaims ? [claimedTwice] : []
            const expiring = capabilities.parkedClaims && capabilities.lease === "timed" ? [outlivedClaim] : []
            return yield* inTurn(
              [...routed, ...told, ...parking, ...expiring].map((body) => onBench(harness, "noLostWakeUp", body))
            )
          }),
        // each failing try waits in vain
        shrink: false
      }
    )
}
