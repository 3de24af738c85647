/**
 * Clients of a fleet that enqueue: they send the same ids again until they have an answer, and remember what they were
 * told.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { EnqueueItem } from "../log/JobLog.ts"
import * as JobQueue from "../scheduler/JobQueue.ts"
import type { FleetRun } from "./FleetRun.ts"

/**
 * Starts a producer on a machine of its own; answers whether it has finished.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const produce = (
  fleet: FleetRun,
  index: number,
  jobs: { readonly next: (now: number) => EnqueueItem }
): (() => boolean) => {
  const { cluster, config, history } = fleet
  const { counters, network } = cluster
  const machine = cluster.machine(`producer${index}`)
  const node = machine.boot()
  const generator = fleet.generator.split(machine.name)
  const mood = fleet.generator.split(`mood of ${machine.name}`)
  const queue = JobQueue.make(network.client(machine.name, node))
  const share = Math.ceil(config.jobs / config.producers)
  let finished = false

  const send = Effect.fnUntraced(function* (items: ReadonlyArray<EnqueueItem>) {
    for (let failures = 0; ; failures++) {
      const call = queue.enqueue(items)
      // whoever is interrupted does not know what became of it
      const patience = generator.chance(config.interrupted) ? generator.between(0, 50) : Infinity
      const exit = yield* Effect.exit(
        patience === Infinity ? Effect.map(call, Option.some) : Effect.timeoutOption(call, patience)
      )
      if (Exit.isSuccess(exit)) {
        if (Option.isSome(exit.value)) {
          for (const [at, answer] of exit.value.value.entries()) {
            history.answered(items[at]!.id, answer)
            counters.add(`enqueue/${answer._tag}`)
          }
          return
        }
        counters.add("enqueue/interrupted")
        continue
      }
      const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
      if (error === undefined) return yield* Effect.failCause(exit.cause)
      counters.add(`enqueue/${error.outcome}/${error.reason._tag}`)
      if (!error.isRetryable) {
        history.violate("producer", `an enqueue of ${items.map(({ id }) => id).join()} failed: ${error.message}`)
        return
      }
      // some give up: what was not acknowledged may be there or not
      if (failures > 3 && generator.chance(0.2)) return
      if (error.outcome === "refused" && mood.chance(config.givesUp)) return
      yield* Effect.sleep(generator.between(50, 2_000))
    }
  })

  machine.start(
    Effect.gen(function* () {
      for (let left = share; left > 0;) {
        yield* Effect.sleep(((2 * config.duration) / share) * generator.next())
        const now = yield* Clock.currentTimeMillis
        const items = Array.from({ length: Math.min(left, generator.between(1, config.batch)) }, () => jobs.next(now))
        left -= items.length
        history.attempt(items)
        yield* send(items)
      }
    }),
    (exit) => {
      finished = true
      if (Exit.isFailure(exit)) history.violate("producer", `${machine.name} died: ${Cause.pretty(exit.cause)}`)
    }
  )
  return () => finished
}
