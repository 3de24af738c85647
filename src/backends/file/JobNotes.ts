/**
 * What few jobs have: a cause, a result, a progress. It lies in side tables, and a flag of the row says that it is there.
 * Its bytes count as alive, since carrying the job forward writes them again.
 *
 * @since 0.1.0
 */
import type { FailureCause } from "../../model/FailureCause.ts"
import type { JobStore } from "./JobStore.ts"
import { Flag } from "./JobTable.ts"
import type { Location } from "./StoredJob.ts"

/**
 * Why the latest attempt failed; undefined takes it away.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const setCause = (store: JobStore, row: number, cause: FailureCause | undefined): void => {
  const { flags } = store.table.chunk(row)
  const i = store.table.index(row)
  const present = (flags[i]! & Flag.Cause) === 0 ? undefined : store.causes.get(row)
  if (present === cause) return
  store.segments.liveBytes += (cause?.message.length ?? 0) - (present?.message.length ?? 0)
  if (cause === undefined) {
    store.causes.delete(row)
    flags[i]! &= ~Flag.Cause
  } else {
    store.causes.set(row, cause)
    flags[i]! |= Flag.Cause
  }
}

/**
 * Where the result is stored.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const setResult = (store: JobStore, row: number, location: Location): void => {
  store.table.chunk(row).flags[store.table.index(row)]! |= Flag.Result
  store.segments.liveBytes += location.length - (store.results.get(row)?.length ?? 0)
  store.results.set(row, location)
}

/**
 * The latest progress of a run.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const setProgress = (store: JobStore, row: number, value: string): void => {
  store.table.chunk(row).flags[store.table.index(row)]! |= Flag.Progress
  store.segments.liveBytes += value.length - (store.progress.get(row)?.length ?? 0)
  store.progress.set(row, value)
}

/**
 * The job's record goes, and its notes with it.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const forgetNotes = (store: JobStore, row: number): void => {
  store.segments.liveBytes -=
    (store.causes.get(row)?.message.length ?? 0) +
    (store.results.get(row)?.length ?? 0) +
    (store.progress.get(row)?.length ?? 0)
  store.causes.delete(row)
  store.results.delete(row)
  store.progress.delete(row)
}
