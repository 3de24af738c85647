/**
 * Somebody who controls a fleet: cancels, pauses, resumes, moves and redrives what happens to be there.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as JobQueue from "../scheduler/JobQueue.ts"
import { queues } from "./FleetJobs.ts"
import type { FleetRun } from "./FleetRun.ts"

/**
 * An operator at work.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Operator {
  /** Stops, and leaves no queue paused. */
  readonly leave: Effect.Effect<void>
}

/**
 * Starts an operator on a machine of its own.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const operate = (fleet: FleetRun): Operator => {
  const { cluster, config, history } = fleet
  const machine = cluster.machine("operator")
  const node = machine.boot()
  const generator = fleet.generator.split("operator")
  const queue = JobQueue.make(cluster.network.client(machine.name, node))

  const pick = (): string | undefined => {
    const ids = [...history.jobs.keys()]
    return ids.length === 0 ? undefined : ids[generator.between(0, ids.length - 1)]
  }
  const once = Effect.suspend(() => {
    const id = pick()
    const name = generator.pick(queues)
    const act = generator.between(0, 9)
    if (act <= 1) return queue.pause(name)
    if (act <= 4) return queue.resume(name)
    if (act === 5 && id !== undefined) return queue.cancel(id)
    if (act === 6 && id !== undefined) return queue.reschedule(id, { delay: generator.between(0, 3_000) })
    if (act === 7 && id !== undefined) return queue.reschedule(id, { priority: generator.between(-5, 5) })
    if (act === 8) return queue.deadLetters.redrive({ limit: 3 })
    return queue.counts()
  })
  machine.start(
    Effect.gen(function* () {
      for (;;) {
        yield* Effect.sleep(generator.between(100, config.operatorEvery ?? Math.ceil(config.duration / 8)))
        const exit = yield* Effect.exit(once)
        cluster.counters.add(`operator/${exit._tag}`)
      }
    })
  )
  const aim = fleet.generator.split("aim")
  const held = (): ReadonlyArray<string> =>
    [...history.jobs.values()].flatMap(({ cancelSent, grants, item }) =>
      grants.length > 0 && !cancelSent && grants.at(-1)?.settleSentAt === undefined ? [item.id] : []
    )
  const cancelling = Effect.gen(function* () {
    for (;;) {
      yield* Effect.sleep(aim.between(100, Math.ceil(config.duration / 20)))
      const ids = held()
      if (ids.length === 0) continue
      const exit = yield* Effect.exit(queue.cancel(ids[aim.between(0, ids.length - 1)]!))
      cluster.counters.add(`operator/cancelsHeld/${exit._tag}`)
    }
  })
  if (config.cancels) machine.start(cancelling)
  return {
    leave: Effect.gen(function* () {
      node.crash()
      cluster.network.callerGone(node)
      // commands that are still under way arrive
      yield* Effect.sleep(1_000)
      for (const name of queues) {
        const done = yield* cluster.ask((log) => log.control([{ _tag: "Resume", queue: name }]))
        if (done === undefined) history.violate("eventuallyAnswered", `${name} cannot be resumed after the last fault`)
      }
    })
  }
}
