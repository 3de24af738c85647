/**
 * The settler: groups the settlements of ended runs into one call to the log, one call in flight at a time, and takes
 * note of each outcome.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { JobLogOperations, SettleItem, SettleResult } from "../log/JobLog.ts"
import { itemsBytes, upperBytes } from "../log/ValidateItem.ts"
import { Limits } from "../model/Limits.ts"
import { delay } from "./Backoff.ts"
import type { LeaseSupervisor } from "./LeaseSupervisor.ts"
import type { Elapsed } from "./MonotonicClock.ts"
import type { Settle } from "./Protocol.ts"
import type { Telemetry } from "./Telemetry.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Settler {
  /** Never blocks: what waits is bounded by what is claimed, and claims stop while the settler is congested. */
  readonly offer: (message: Settle) => void
  /** Waits until everything offered so far has an outcome. */
  readonly flush: Effect.Effect<void>
  /** The log is so far behind that nothing more should be claimed. */
  readonly isCongested: () => boolean
  /** Waits until it is no longer congested. */
  readonly room: Effect.Effect<void>
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SettlerOptions {
  readonly log: JobLogOperations
  readonly supervisor: LeaseSupervisor
  readonly elapsed: Elapsed
  readonly telemetry: Telemetry
}

/** Settlements that may wait before claiming stops: some batches, so that the log is never idle. */
const congestion = 4 * Limits.batchItems

/** At least the bytes of a settlement's result and follow-ups. */
const sizeOf = ({ settlement }: SettleItem): number =>
  settlement._tag !== "Complete"
    ? 0
    : (settlement.result === undefined ? 0 : upperBytes(settlement.result)) +
      (settlement.enqueue === undefined ? 0 : itemsBytes(settlement.enqueue, upperBytes))

const followUpsOf = ({ settlement }: SettleItem): number =>
  settlement._tag === "Complete" && settlement.enqueue !== undefined ? settlement.enqueue.length : 0

/**
 * Starts a settler; closing the scope stops it. Call `flush` first to leave nothing behind.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = Effect.fnUntraced(function* (
  options: SettlerOptions
): Effect.fn.Return<Settler, never, Scope.Scope> {
  const { elapsed, log, supervisor, telemetry } = options
  let pending: Array<Settle> = []
  let inFlight = false
  const wake = Latch.makeUnsafe(false)
  const idle = Latch.makeUnsafe(true)
  const room = Latch.makeUnsafe(true)

  const takeBatch = (): Array<Settle> => {
    const epoch = pending[0]!.epoch
    let bytes = 0
    let followUps = 0
    let count = 0
    while (count < pending.length && count < Limits.batchItems && pending[count]!.epoch === epoch) {
      const { item } = pending[count]!
      bytes += sizeOf(item)
      followUps += followUpsOf(item)
      if (count > 0 && (bytes > Limits.batchBytes || followUps > Limits.batchItems)) break
      count++
    }
    if (count === pending.length) {
      const all = pending
      pending = []
      return all
    }
    return pending.splice(0, count)
  }

  const note = (message: Settle, result: SettleResult, now: number): void => {
    const { item, queue } = message
    if (result._tag === "Settled") {
      telemetry.settled(
        queue,
        item,
        result.state,
        message.startedAt === undefined ? undefined : now - message.startedAt,
        message.name
      )
      return
    }
    if (result._tag === "Unverified") return
    telemetry.refused(queue, result.reason)
    if (result.reason === "cancelled" && item.settlement._tag !== "Release") {
      // the job was cancelled while it ran: tell the log that we have stopped
      pending.push({ ...message, item: { ...item, settlement: { _tag: "Release" } } })
    } else if (result.reason === "invalidFollowUp") {
      const cause = { kind: "defect" as const, message: `a follow-up job was refused: ${result.detail ?? "invalid"}` }
      pending.push({ ...message, item: { ...item, settlement: { _tag: "DeadLetter", cause } } })
    }
  }

  const settleBatch = Effect.fnUntraced(function* (batch: ReadonlyArray<Settle>) {
    const live = yield* supervisor.session
    const epoch = batch[0]!.epoch
    if (live.epoch !== epoch) {
      // their session died: the log has given or will give these jobs to others
      for (const message of batch) telemetry.refused(message.queue, "sessionDead")
      return
    }
    const request = { session: live.session.id, call: live.nextCall(), items: batch.map((message) => message.item) }
    let failures = 0
    for (;;) {
      const exit = yield* Effect.exit(live.call("settle", log.settle(request)))
      if (Exit.isSuccess(exit)) {
        const now = elapsed()
        for (let index = 0; index < batch.length; index++) note(batch[index]!, exit.value[index]!, now)
        return
      }
      const error = Cause.findErrorOption(exit.cause)
      if (error._tag === "Some" && error.value.outcome === "refused" && error.value.reason._tag === "Full") {
        yield* Effect.sleep(yield* delay(failures++))
        if (supervisor.isLive(epoch)) continue
      }
      const invalid =
        error._tag === "Some" && error.value.outcome === "refused" && error.value.reason._tag === "InvalidRequest"
      if (invalid && batch.length > 1) {
        // one settlement breaks a limit: find it without holding up the others
        for (const message of batch) yield* settleOne(message)
        return
      }
      yield* Effect.logError("settlements were not accepted", exit.cause)
      for (const message of batch) telemetry.refused(message.queue, "logFailure")
      if (invalid) {
        deadLetter(batch[0]!, error.value.message)
      } else {
        supervisor.sessionDied(epoch)
      }
      return
    }
  })

  const settleOne = (message: Settle): Effect.Effect<void> => Effect.suspend(() => settleBatch([message]))

  const deadLetter = (message: Settle, why: string): void => {
    if (message.item.settlement._tag === "DeadLetter") return
    const cause = { kind: "defect" as const, message: `the settlement was refused: ${why}` }
    pending.push({ ...message, item: { ...message.item, settlement: { _tag: "DeadLetter", cause } } })
  }

  yield* Effect.forkScoped(
    Effect.gen(function* () {
      for (;;) {
        if (pending.length === 0) {
          wake.closeUnsafe()
          idle.openUnsafe()
          yield* wake.await
          // runs that end in the same turn share a call, also on a log that answers at once
          yield* Effect.yieldNow
          continue
        }
        inFlight = true
        yield* settleBatch(takeBatch())
        inFlight = false
        if (pending.length < congestion) room.openUnsafe()
      }
    })
  )

  return {
    offer: (message) => {
      pending.push(message)
      if (pending.length === congestion) room.closeUnsafe()
      if (!inFlight && pending.length === 1) {
        idle.closeUnsafe()
        wake.openUnsafe()
      }
    },
    isCongested: () => pending.length >= congestion,
    room: room.await,
    flush: Effect.suspend(() => (pending.length === 0 && !inFlight ? Effect.void : idle.await))
  }
})
