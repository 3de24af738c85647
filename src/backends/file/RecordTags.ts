/**
 * What a frame of the file log's engine consists of: entries, each a tag and its fields. docs/file-format.md has them
 * byte by byte.
 *
 * @since 0.1.0
 */
import { firstEngineType } from "./journal/Frame.ts"

/**
 * The one frame type of the engine: entries that take effect together, at the frame's time.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const entriesFrame = firstEngineType

/**
 * Tags of entries. The numbers are part of the format.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const Tag = {
  /** A profile, numbered from 0 within its frame. */
  Profile: 1,
  Enqueued: 2,
  Replaced: 3,
  /** The session that the following grants go to. */
  Holder: 4,
  /** Runs: jobs of consecutive sequences, in claim order, with consecutive tokens. */
  Granted: 5,
  Completed: 6,
  CompletedWithResult: 7,
  Retried: 8,
  /** Runs: released at the frame's time without a cause. */
  Released: 9,
  ReleasedWith: 10,
  /** Runs. */
  Reclaimed: 11,
  DeadLettered: 12,
  /** Runs. */
  Cancelled: 13,
  /** Runs. */
  CancelConfirmed: 14,
  Redriven: 15,
  Rescheduled: 16,
  /** Runs. */
  Purged: 17,
  /** Runs. */
  Started: 18,
  Progress: 19,
  /** A key whose job's record is gone. */
  Tombstone: 20,
  /** A queue's pause flag and policy. */
  Queue: 21,
  /** Where the counters stand: first in every segment but the very first. */
  Checkpoint: 22,
  /** A whole job, carried forward. */
  Snapshot: 23
} as const
