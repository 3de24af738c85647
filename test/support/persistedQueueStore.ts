import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import { JobLog } from "../../src/log/JobLog.ts"
import type { Grant, Settlement } from "../../src/log/JobLog.ts"
import type { FailureCause } from "../../src/model/FailureCause.ts"
import { Limits } from "../../src/model/Limits.ts"

const failed = (message: string) => (cause: unknown) => new PersistedQueue.PersistedQueueError({ message, cause })
const days = (count: number): number => count * 24 * 3600 * 1000

/** Effect's own persisted queue on any job log: its elements are jobs, its taker decides about retries. */
export const layer: Layer.Layer<PersistedQueue.PersistedQueueStore, PersistedQueue.PersistedQueueError, JobLog> =
  Layer.effect(
    PersistedQueue.PersistedQueueStore,
    Effect.gen(function* () {
      const log = yield* JobLog
      const opening = log.open({ owner: "PersistedQueue", leaseDuration: 30_000 })
      const session = yield* Effect.acquireRelease(Effect.mapError(opening, failed("open")), ({ id }) =>
        Effect.ignore(log.close(id))
      )
      let calls = 0
      const numbered = () => ({ session: session.id, call: ++calls })
      const beat = Effect.suspend(() => log.renew({ ...numbered(), started: [], progress: [] }))
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(10_000), Effect.ignore(beat))))
      const settle = ({ id, token, receipt }: Grant, settlement: Settlement) =>
        Effect.ignore(log.settle({ ...numbered(), items: [{ id, token, receipt, settlement }] }))
      return PersistedQueue.PersistedQueueStore.of({
        offer: (options) =>
          log
            .enqueue([
              {
                id: SecureRandom.uuidV4Unsafe(),
                queue: options.name,
                name: "element",
                version: 1,
                payload: JSON.stringify(options.element),
                metadata: { id: options.id },
                key: { value: options.id, window: days(30) },
                maxAttempts: Limits.attempts,
                maxDeliveries: Limits.attempts,
                delay: options.delay === undefined ? undefined : Math.ceil(Duration.toMillis(options.delay))
              }
            ])
            .pipe(Effect.asVoid, Effect.mapError(failed("offer"))),
        take: (options) =>
          Effect.uninterruptibleMask((restore) =>
            Effect.gen(function* () {
              const request = { ...numbered(), queue: options.name, limit: 1, park: true }
              const giveBack = Effect.flatMap(log.claim({ ...request, park: false }), ({ grants }) =>
                Effect.forEach(grants, (grant) => settle(grant, { _tag: "Release" }))
              )
              const { grants } = yield* restore(log.claim(request)).pipe(
                Effect.onInterrupt(() => Effect.ignore(giveBack)),
                Effect.mapError(failed("take"))
              )
              const grant = grants[0] ?? (yield* Effect.die(new Error("a parked claim came back empty")))
              yield* Effect.addFinalizer((exit) => {
                if (exit._tag === "Success") return settle(grant, { _tag: "Complete" })
                if (Cause.hasInterruptsOnly(exit.cause)) return settle(grant, { _tag: "Release" })
                const cause: FailureCause = { kind: "failure", message: Cause.pretty(exit.cause) }
                const undecodable = Predicate.isTagged(
                  Cause.squash(exit.cause),
                  "~effect/persistence/PersistedQueue/DeadLetter"
                )
                if (undecodable || grant.attempt >= options.maxAttempts) {
                  return settle(grant, {
                    _tag: "DeadLetter",
                    cause: undecodable ? { ...cause, kind: "undecodable" } : cause
                  })
                }
                return Effect.flatMap(options.retryDelay(grant.attempt), (delay) =>
                  settle(grant, { _tag: "Retry", delay: Math.ceil(Duration.toMillis(delay)), cause })
                )
              })
              // the bytes are those that `offer` encoded
              const element: unknown = JSON.parse(grant.payload)
              return { id: grant.metadata?.["id"] ?? grant.id, attempts: grant.attempt, element }
            })
          ),
        // the log's own retention removes completed records
        cleanup: () => Effect.void
      })
    })
  )
