/**
 * The end of a history: everything is set right, workers go on, and no job may be left over.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { perform } from "./Interpreter.ts"
import type { SettleSpec, Step } from "./Step.ts"
import { queueNames, report, slotLeases } from "./World.ts"
import type { World } from "./World.ts"

/** Each lets more time pass than any lease, delay or back-off of the histories lasts. */
const rounds = 4
/** Of one queue in one round; a group's jobs come one by one. */
const claims = 200

const complete = (grant: number): SettleSpec => ({
  grant,
  kind: "Complete",
  delay: 0,
  result: "ok",
  followUps: [],
  badFollowUp: false
})

/**
 * Resumes, lets leases and delays run out, then claims and completes until nothing is left. Reports what is.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const drain = (world: World): Effect.Effect<void> =>
  Effect.gen(function* () {
    const act = (step: Step): Effect.Effect<void> => Effect.suspend(() => perform(world, step))
    const queues = queueNames.map((_, queue) => queue)
    const left = (): ReadonlyArray<string> =>
      [...world.model.jobs.values()]
        .filter((job) => job.status === "Waiting" || job.status === "Leased")
        .map((job) => `${job.id} (${job.status})`)
    world.lines.push("   workers go on:")
    for (const queue of queues) yield* act({ _tag: "Resume", queue })
    // leases that end with their connection are not outwaited
    if (world.capabilities.lease === "connection") for (const slot of [0, 1, 2]) yield* act({ _tag: "Close", slot })
    for (let round = 0; round < rounds && left().length > 0; round++) {
      yield* act({ _tag: "Advance", millis: slotLeases[2] + 10_000 })
      yield* act({ _tag: "Reclaim", limit: 1000 })
      for (const queue of queues) {
        for (let i = 0; i < claims; i++) {
          const before = world.grants.length
          const limit = Math.min(10, world.capabilities.maxBatch)
          yield* act({ _tag: "Claim", slot: 2, queue, limit, dead: false })
          const granted = world.grants.length - before
          if (granted === 0) break
          const items = Array.from({ length: granted }, (_, grant) => complete(grant))
          yield* act({ _tag: "Settle", items, otherSession: false })
        }
      }
    }
    if (left().length > 0)
      report(world, ["eventuallyClaimed"], `after ${rounds} rounds there are left ${left().join(", ")}`)
  })
