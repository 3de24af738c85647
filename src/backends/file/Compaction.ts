/**
 * Carrying forward: what still lives in the oldest segment is written again at the tail, and then the segment is given
 * up. There is no other file and no moment at which two versions of the truth exist: see
 * docs/decisions/0003-compaction-by-carrying-forward.md.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { Closed, LogError, Poisoned, refused } from "../../log/LogError.ts"
import type { Engine } from "./Engine.ts"
import { locationOf } from "./EngineRead.ts"
import type { Location } from "./StoredJob.ts"
import { chunkRows, Flag, Status } from "./JobTable.ts"
import type { Tombstone } from "./Keys.ts"
import { grantsOf } from "./Replies.ts"
import { writeSnapshot } from "./Snapshot.ts"

/** A batch ends with the row that reaches one of these. */
const batchRows = 256
const batchBytes = 256 * 1024

interface Loaded {
  readonly row: number
  readonly location: Location
  readonly request: Buffer
  readonly result: Buffer | undefined
}

const durable = (engine: Engine): Effect.Effect<void, LogError> =>
  Effect.callback((resume) => {
    engine.journal.commit((failure) => {
      resume(
        failure === undefined
          ? Effect.void
          : Effect.fail(new LogError({ operation: "compaction", outcome: failure.outcome, reason: failure.reason }))
      )
    })
  })

/** The journal may have failed or been closed while something was read: then there is nothing to be carried any more. */
const usable = (engine: Engine): Effect.Effect<void, LogError> =>
  Effect.suspend(() => {
    if (engine.failure !== undefined) {
      return Effect.fail(refused("compaction", new Poisoned({ detail: engine.failure })))
    }
    return engine.journal.closed ? Effect.fail(refused("compaction", new Closed({}))) : Effect.void
  })

/** Rows whose requests are stored in the segment, in the order in which they lie there. */
const rowsIn = Effect.fnUntraced(function* (engine: Engine, segment: number) {
  const { table } = engine.store
  const rows: Array<number> = []
  for (let from = 0; from < table.extent; from += chunkRows) {
    const chunk = table.chunk(from)
    for (let i = 0; i < chunkRows; i++) {
      if (chunk.segment[i] === segment && chunk.status[i] !== Status.Free) rows.push(from + i)
    }
    yield* Effect.yieldNow
  }
  const offsetOf = (row: number): number => table.chunk(row).offset[table.index(row)]!
  return rows.sort((a, b) => offsetOf(a) - offsetOf(b))
})

const isStill = (engine: Engine, row: number, location: Location): boolean => {
  const { table } = engine.store
  const chunk = table.chunk(row)
  const i = table.index(row)
  return chunk.status[i] !== Status.Free && chunk.segment[i] === location.segment && chunk.offset[i] === location.offset
}

const loadRow = Effect.fnUntraced(function* (engine: Engine, row: number, location: Location) {
  const { journal, store } = engine
  const bytes = yield* journal.read(location.segment, location.offset, location.length)
  const at = store.results.get(row)
  const result = at === undefined ? undefined : yield* journal.read(at.segment, at.offset, at.length)
  return { row, location, request: bytes, result }
})

/** Writes again what is still where it was loaded from; one synchronous step of the engine. */
const carry = (engine: Engine, batch: ReadonlyArray<Loaded>): void => {
  engine.step(() => {
    for (const { row, location, request, result } of batch) {
      if (!isStill(engine, row, location)) continue
      const { store, journal, recorder } = engine
      const hasResult = (store.table.chunk(row).flags[store.table.index(row)]! & Flag.Result) !== 0
      // it completed while it was being read: the next pass finds it with its result
      if (hasResult !== (result !== undefined)) continue
      writeSnapshot(store, recorder, () => journal.currentSegment, row, request, result)
    }
  })
}

const carryTombstones = (engine: Engine, segment: number): void => {
  const { store, journal, recorder } = engine
  const found: Array<Tombstone> = []
  store.keys.forEachTombstone((tombstone) => {
    if (tombstone.segment === segment) found.push(tombstone)
  })
  for (let from = 0; from < found.length; from += batchRows) {
    engine.step(() => {
      for (const tombstone of found.slice(from, from + batchRows)) {
        if (store.keys.holder(tombstone.scoped) !== tombstone) continue
        if (tombstone.until <= store.now) {
          store.unbury(tombstone)
          continue
        }
        recorder.tombstone(tombstone)
        store.bury({ ...tombstone, segment: journal.currentSegment })
      }
    })
  }
}

/** Kept answers to claims let go of the segment: they take their grants into memory. */
const unpin = Effect.fnUntraced(function* (engine: Engine, segment: number) {
  for (const session of [...engine.sessions.all()]) {
    for (const claimed of session.claimsIn(segment)) {
      const grants = yield* grantsOf(engine, claimed)
      session.materialize(claimed, grants)
    }
  }
})

/** Carries everything that lives in the oldest segment forward, durably. */
const carryForward = Effect.fnUntraced(function* (engine: Engine, segment: number) {
  // twice or more only if jobs completed with a result just while they were read
  while (engine.store.segments.count(segment) > 0) {
    const rows = yield* rowsIn(engine, segment)
    let batch: Array<Loaded> = []
    let bytes = 0
    for (const row of rows) {
      const location = locationOf(engine.store, row)
      if (!isStill(engine, row, { ...location, segment })) continue
      const loaded = yield* loadRow(engine, row, location)
      batch.push(loaded)
      bytes += loaded.request.length + (loaded.result?.length ?? 0)
      if (batch.length < batchRows && bytes < batchBytes) continue
      yield* usable(engine)
      carry(engine, batch)
      batch = []
      bytes = 0
      // one batch at a time, so that whoever waits for a commit waits behind no more than that
      yield* durable(engine)
      yield* Effect.yieldNow
    }
    yield* usable(engine)
    carry(engine, batch)
    carryTombstones(engine, segment)
    yield* durable(engine)
  }
})

/**
 * Gives up what can be given up: the oldest segments that nothing needs, and while the log takes more than twice the
 * bytes of what lives in it (and more than `floor`), also those that had to be carried forward first.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const compact: (engine: Engine, floor: number) => Effect.Effect<void, LogError> = Effect.fnUntraced(
  function* (engine, floor) {
    const { journal, store } = engine
    // what is written meanwhile is left for the next time, so that this one ends
    const last = journal.currentSegment
    while (engine.failure === undefined && !journal.closed) {
      const oldest = journal.segments()[0]?.index
      if (oldest === undefined || oldest >= last) return
      if (store.segments.count(oldest) > 0) {
        if (journal.totalBytes <= Math.max(floor, 2 * store.segments.liveBytes)) return
        yield* carryForward(engine, oldest)
      }
      if (store.segments.pinned(oldest)) {
        // most are forgotten soon by themselves
        if (oldest === last - 1) return
        yield* unpin(engine, oldest)
      }
      yield* engine.reads.none
      yield* trimUnused(engine, last)
    }
  }
)

/** Gives up the oldest segments that nothing needs, in one go. */
const trimUnused = (engine: Engine, last: number): Effect.Effect<void, LogError> =>
  Effect.suspend(() => {
    const { journal, store } = engine
    const segments = journal.segments()
    let upTo = segments[0]!.index
    while (upTo < last && store.segments.count(upTo) === 0 && !store.segments.pinned(upTo)) upTo++
    if (upTo === segments[0]!.index) return Effect.void
    return Effect.andThen(
      journal.trim(upTo),
      Effect.sync(() => store.segments.trimmed(upTo))
    )
  })
