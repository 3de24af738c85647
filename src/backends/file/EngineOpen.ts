/**
 * From a directory to a live engine: recover, take the places, end the former owner's sessions.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { ClockAhead, LogError, refused } from "../../log/LogError.ts"
import type { Disk } from "./journal/Disk.ts"
import { Engine, formerHolders } from "./Engine.ts"
import { reclaimFormer } from "./EngineReclaim.ts"
import { openJournal } from "./journal/Journal.ts"
import { JobStore } from "./JobStore.ts"
import { LogClock } from "./LogClock.ts"
import { takePlaces } from "./Placement.ts"
import { Replay } from "./Replay.ts"
import { retainAll } from "./Retention.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface OpenOptions {
  readonly disk: Disk
  readonly directory: string
  readonly segmentBytes: number | undefined
  readonly acceptClockAhead: boolean
}

/** Furthest that the recorded time may lie ahead of the wall clock, milliseconds. */
const acceptedAhead = 3_600_000
/** Reclaimed jobs per frame. */
const reclaimBatch = 1000
/** Written ahead of the disk at most, bytes. */
const pendingBytes = 4 * 1024 * 1024

const durable = (engine: Engine): Effect.Effect<void, LogError> =>
  Effect.callback((resume) => {
    engine.journal.commit((failure) => {
      resume(
        failure === undefined
          ? Effect.void
          : Effect.fail(new LogError({ operation: "open", outcome: failure.outcome, reason: failure.reason }))
      )
    })
  })

/**
 * Opens the log in a directory. Whoever opened it must close its journal; it is not interruptible.
 *
 * Fails as the journal's opening does, and with `ClockAhead`.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const openEngine: (options: OpenOptions) => Effect.Effect<Engine, LogError> = Effect.fnUntraced(
  function* (options) {
    const clock = yield* Clock.Clock
    const store = new JobStore(formerHolders(() => replay.epoch))
    const replay: Replay = new Replay(store)
    let logClock: LogClock | undefined
    const journal = yield* openJournal({
      disk: options.disk,
      directory: options.directory,
      segmentBytes: options.segmentBytes,
      onFrame: replay.onFrame,
      now: () => (logClock ??= new LogClock(clock, replay.lastAt)).now()
    })
    return yield* Effect.onError(
      Effect.gen(function* () {
        const wall = clock.currentTimeMillisUnsafe()
        if (!options.acceptClockAhead && replay.lastAt > wall + acceptedAhead) {
          return yield* refused("open", new ClockAhead({ recorded: replay.lastAt, wall }))
        }
        logClock ??= new LogClock(clock, replay.lastAt)
        const engine = new Engine(journal, store, logClock)
        engine.begin()
        engine.checkpointAgain()
        takePlaces(store)
        const held = engine.formerGrants()
        for (let from = 0; from < held.length; from += reclaimBatch) {
          engine.begin()
          reclaimFormer(engine, held.slice(from, from + reclaimBatch))
          engine.finish()
          if (journal.pendingBytes > pendingBytes) yield* durable(engine)
        }
        for (let more = true; more;) {
          engine.begin()
          more = !retainAll(engine)
          engine.finish()
          if (journal.pendingBytes > pendingBytes) yield* durable(engine)
        }
        yield* durable(engine)
        return engine
      }),
      () => journal.abandon
    )
  },
  // an interruption between the journal's opening and the handler that abandons it would leave the directory locked
  Effect.uninterruptible
)
