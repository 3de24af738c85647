/**
 * What a file log does beside its operations: giving up segments, and watching the disk's space.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { turn } from "./BackgroundTurn.ts"
import { compact } from "./Compaction.ts"
import type { Disk } from "./journal/Disk.ts"
import type { Host } from "./FileOperations.ts"

/** After a failure, unless there is something to do before. */
const retryMillis = 10_000

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface HousekeepingOptions {
  readonly disk: Disk
  readonly directory: string
  /** Bytes of free space kept for settlements. */
  readonly reserve: number
  /** Size up to which a log is never compacted, bytes. */
  readonly floor: number
}

/**
 * Runs for ever; `chores` is opened when there may be something to do.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const housekeeping = (host: Host, chores: Latch.Latch, options: HousekeepingOptions): Effect.Effect<never> =>
  Effect.suspend(() => {
    chores.closeUnsafe()
    const { engine } = host
    // at each new segment: no more than one segment is written between two looks
    const look = options.disk.freeBytes(options.directory).pipe(
      Effect.map((free) => {
        engine.diskLow = free < options.reserve
      }),
      Effect.ignore
    )
    // a failed write poisons the journal, which every caller learns; a segment that stays is only space
    return Effect.andThen(look, turn("giving up segments", compact(engine, options.floor)))
  }).pipe(
    Effect.flatMap((tidy) =>
      tidy ? Latch.await(chores) : Effect.raceFirst(Latch.await(chores), Effect.sleep(Duration.millis(retryMillis)))
    ),
    Effect.forever({ disableYield: true })
  )
