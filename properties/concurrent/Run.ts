/**
 * Runs a concurrent program on a fresh log and records its history: the clients side by side over a lossy network, then
 * a drain over a sound one.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { LogError } from "../../src/log/LogError.ts"
import type { Harness } from "../Harness.ts"
import { realSleep } from "../World.ts"
import * as Calls from "./Calls.ts"
import { makeClient } from "./Client.ts"
import type { Client, Room } from "./Client.ts"
import type { History } from "./History.ts"
import { Network } from "./Network.ts"
import type { Program } from "./Program.ts"
import { advance, perform } from "./Steps.ts"

/**
 * A history, and what no history can tell.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Recording {
  readonly history: History
  /** Answers that were neither a success nor a typed failure. */
  readonly defects: ReadonlyArray<string>
  /** Why the program could not be carried out to its end. */
  readonly failures: ReadonlyArray<string>
  readonly coverage: ReadonlyMap<string, number>
}

/** Claims of a drain before it counts as endless. */
const drainClaims = 100

/** Beyond every lease and delay of a program, milliseconds. */
const quietTime = 6001

const drain = (room: Room, client: Client): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    yield* advance(room, client, quietTime)
    if (room.log.capabilities.reclaim === "log") {
      for (let tries = 0; tries < 10; tries++) if (yield* Calls.reclaim(room, client, 1000)) break
    }
    for (let claims = 0; claims < drainClaims; claims++) {
      const granted = yield* Calls.claim(room, client, 10)
      if (granted === 0) return true
      yield* Calls.settle(room, client, client.held, "Complete", 0)
    }
    return false
  })

const inspect = (room: Room, client: Client): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (!room.log.capabilities.inspect) return
    for (const id of room.sent) yield* Calls.read(room, client, id)
    yield* Calls.list(room, client)
  })

/**
 * Runs a program. Everything that comes by chance is part of it: the same program on a log without real waiting gives
 * the same history.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const runProgram = (harness: Harness, program: Program): Effect.Effect<Recording, LogError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const test = yield* harness.make
      const capabilities = harness.capabilities ?? test.log.capabilities
      const coverage = new Map<string, number>()
      const network = new Network(test.log, coverage)
      const room: Room = {
        test,
        log: { ...test.log, capabilities },
        network,
        timeKeeper: Semaphore.makeUnsafe(1).withPermits(1),
        sent: [],
        dead: [],
        grants: [],
        failures: []
      }
      let drained = false
      const run = Effect.gen(function* () {
        const observer = makeClient("observer", 0, 60_000)
        yield* Calls.lookAtTime(room, observer)
        if (program.first.length > 0) yield* Calls.enqueue(room, observer, program.first)
        yield* Effect.forEach(
          program.clients,
          (plan, i) => {
            const client = makeClient(`client ${i + 1}`, i + 1, plan.lease)
            return Effect.forEach(plan.steps, (step) => perform(room, client, step), { discard: true })
          },
          { concurrency: "unbounded", discard: true }
        )
        yield* network.settled
        if (room.failures.length > 0) return
        drained = yield* drain(room, observer)
        if (!drained) room.failures.push(`the log still grants jobs after ${drainClaims} claims without faults`)
        yield* inspect(room, observer)
        yield* Calls.lookAtTime(room, observer)
      })
      const patience = 4 * (harness.patience ?? 5000)
      yield* Effect.raceFirst(
        run,
        Effect.map(realSleep(patience), () => void room.failures.push(`a call was not answered within ${patience} ms`))
      )
      const history: History = {
        format: "leasehold-history/1",
        log: harness.name,
        promises: {
          lateSettle: capabilities.lateSettle,
          attempts: capabilities.attempts,
          settle: capabilities.settle,
          // as those of a server do
          sessionsOutliveCrashes: capabilities.crossProcess && capabilities.lease === "timed"
        },
        operations: network.operations,
        drained
      }
      return { history, defects: network.defects, failures: room.failures, coverage }
    })
  )
