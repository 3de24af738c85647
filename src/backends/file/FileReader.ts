/**
 * Queries over a log's state, be it the owner's or one replayed beside a live owner.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { JobLogOperations, ReadAnswer, ReadQuery } from "../../log/JobLog.ts"
import { InvalidRequest, type LogError, refused } from "../../log/LogError.ts"
import * as Validate from "../../log/Validate.ts"
import type { Disk } from "./journal/Disk.ts"
import { formerHolders } from "./Engine.ts"
import { countsOf, pageOf, viewOf } from "./EngineRead.ts"
import { capabilities } from "./FileCapabilities.ts"
import { parseJobId } from "./JobId.ts"
import { JobStore } from "./JobStore.ts"
import { type Journal, openJournal } from "./journal/Journal.ts"
import { LogClock } from "./LogClock.ts"
import { nodeDisk } from "./journal/NodeDisk.ts"
import { takePlaces } from "./Placement.ts"
import { Replay } from "./Replay.ts"

const words = new Int32Array(4)

/**
 * Looks at the columns now; the effect reads what only the journal has.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const readStore = (
  journal: Pick<Journal, "peek" | "read">,
  store: JobStore,
  query: ReadQuery
): Effect.Effect<ReadAnswer, LogError> => {
  const { now } = store
  switch (query._tag) {
    case "Counts": {
      const queues =
        query.queue === undefined
          ? [...store.queues.values()].map((queue) => countsOf(store, queue))
          : [countsOf(store, store.queue(query.queue))]
      return Effect.succeed({ _tag: "Counts", now, queues })
    }
    case "Job": {
      parseJobId(query.id, words, 0)
      const row = store.ids.find(words, 0)
      if (row === -1) return Effect.succeed({ _tag: "Job", now, job: undefined })
      return Effect.map(viewOf(journal, store, row), (job) => ({ _tag: "Job", now, job }))
    }
    case "Jobs": {
      const after = query.after === undefined ? 0 : Number(query.after)
      if (!Number.isSafeInteger(after) || after < 0) {
        return Effect.fail(
          refused("read", new InvalidRequest({ field: "after", detail: "must be the cursor of a page" }))
        )
      }
      const { rows, full } = pageOf(store, { ...query, after })
      const last = rows[rows.length - 1]
      const next = last === undefined || !full ? undefined : String(store.sequenceOf(last))
      return Effect.map(Effect.all(rows.map((row) => viewOf(journal, store, row))), (jobs) => ({
        _tag: "Jobs",
        now,
        jobs,
        next
      }))
    }
  }
}

/**
 * A log that can only be read.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Reader = Pick<JobLogOperations, "read" | "capabilities">

/**
 * Replays the log in a directory beside its live owner, if there is one, and answers from what it found. It takes no
 * lock and changes nothing.
 *
 * Fails with `Corrupt`, `UnsupportedFormat` or `Unavailable`.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const readDirectory: (
  directory: string,
  options?: { readonly disk?: Disk | undefined }
) => Effect.Effect<Reader, LogError, Scope.Scope> = Effect.fnUntraced(function* (directory, options) {
  const clock = yield* Clock.Clock
  const store = new JobStore(formerHolders(() => replay.epoch))
  const replay: Replay = new Replay(store)
  const journal = yield* Effect.acquireRelease(
    openJournal({
      disk: options?.disk ?? nodeDisk,
      directory,
      onFrame: replay.onFrame,
      readOnly: true,
      now: () => 0
    }),
    (opened) => opened.close
  )
  const logClock = new LogClock(clock, replay.lastAt)
  store.now = logClock.now()
  takePlaces(store)
  return {
    capabilities,
    read: (query) =>
      Effect.suspend(() => {
        const invalid = Validate.read(query)
        if (invalid !== undefined) return Effect.fail(refused("read", invalid))
        store.now = logClock.now()
        return readStore(journal, store, query)
      })
  }
})
