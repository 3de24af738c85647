/**
 * How long records of completed and cancelled jobs stay: by time and by number, per queue.
 *
 * @since 0.1.0
 */
import type { Engine } from "./Engine.ts"
import { Flag, Status } from "./JobTable.ts"
import type { QueueState } from "./QueueState.ts"
import { Tag } from "./RecordTags.ts"

/**
 * Records and applies the removal of a terminal job; its key stays for its window.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const purge = (engine: Engine, row: number): void => {
  const { store, recorder } = engine
  const chunk = store.table.chunk(row)
  const i = store.table.index(row)
  recorder.run(Tag.Purged, chunk.sequence[i]!)
  if ((chunk.flags[i]! & Flag.Key) === 0) return store.purge(row)
  const own = store.keys.own(row)!
  const until = store.grants.finishedAt[chunk.slot[i]!]! + own.window
  const held = store.keys.holder(own.scoped) === row && until > store.now
  const state = chunk.status[i] === Status.Completed ? "Completed" : "DeadLettered"
  const id = store.table.idOf(row)
  store.purge(row)
  if (!held) return
  const tombstone = { scoped: own.scoped, id, until, state, segment: engine.journal.currentSegment } as const
  recorder.tombstone(tombstone)
  store.bury(tombstone)
}

/**
 * Removes what the queue's policy does not keep any more, as much as the present operation may. Answers whether that was
 * all of it.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const retain = (engine: Engine, queue: QueueState): boolean => {
  const { store } = engine
  const { retained, policy, counts } = queue
  const { table, grants } = store
  while (retained.size > 0) {
    const row = retained.peek()
    const chunk = table.chunk(row)
    const i = table.index(row)
    const status = chunk.status[i]!
    if (status === Status.Completed || status === Status.Cancelled) {
      const kept = counts[Status.Completed]! + counts[Status.Cancelled]!
      const expired = grants.finishedAt[chunk.slot[i]!]! + policy.retainCompleted <= store.now
      if (kept <= policy.retainCompletedCount && !expired) return true
      if (engine.purgesLeft === 0) return false
      engine.purgesLeft--
      purge(engine, row)
    }
    retained.shift()
    table.unmention(row)
  }
  return true
}

/**
 * As {@link retain}, for all queues.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const retainAll = (engine: Engine): boolean => {
  for (const queue of engine.store.queues.values()) if (!retain(engine, queue)) return false
  return true
}
