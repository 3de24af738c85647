/**
 * What a file log does beside its operations: giving up segments that nothing needs, and watching the disk's space.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Disk } from "./Disk.ts"
import type { Engine } from "./Engine.ts"
import type { Host } from "./FileOperations.ts"

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
}

/** Index of the first segment that something still needs; the current one is always needed. */
const firstNeeded = (engine: Engine): number => {
  const { journal, store } = engine
  for (const { index } of journal.segments()) {
    if (index === journal.currentSegment || store.segments.count(index) > 0) return index
  }
  return journal.currentSegment
}

const trimDead = (engine: Engine): Effect.Effect<void> =>
  Effect.suspend(() => {
    const needed = firstNeeded(engine)
    const oldest = engine.journal.segments()[0]
    if (oldest === undefined || needed <= oldest.index || engine.failure !== undefined) return Effect.void
    return engine.journal.trim(needed).pipe(
      Effect.tap(() => Effect.sync(() => engine.store.segments.trimmed(needed))),
      // a failed write poisons the journal, which every caller learns; a segment that stays is only space
      Effect.catch((error) => Effect.logDebug("segments could not be given up", error))
    )
  })

/** Runs for ever; `chores` is opened when there may be something to do. */
export const housekeeping = (host: Host, chores: Latch.Latch, options: HousekeepingOptions): Effect.Effect<never> =>
  Effect.suspend(() => {
    chores.closeUnsafe()
    const { engine } = host
    const look = options.disk.freeBytes(options.directory).pipe(
      Effect.map((free) => {
        engine.diskLow = free < options.reserve
      }),
      Effect.ignore
    )
    return Effect.andThen(look, trimDead(engine))
  }).pipe(Effect.andThen(Latch.await(chores)), Effect.forever({ disableYield: true }))
