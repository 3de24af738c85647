/**
 * The one error of the job log port: what was asked, whether it may have happened, and why it failed.
 *
 * A failed operation is either *refused* (provably without any effect) or *unknown* (it may have happened once).
 * A log never reports `unknown` as `refused`.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The log refuses everything after a failed write or sync, until it is opened again from its storage: by opening a
 * session, or by the log itself when it is called again later.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export class Poisoned extends Schema.TaggedError<Poisoned>()("Poisoned", {
  /** What failed first, for example `fdatasync: EIO`. */
  detail: Schema.String
}) {
  override get message(): string {
    return `the log refuses everything after a failed write (${this.detail}); open it again to recover what was acknowledged`
  }
}

/**
 * The log holds as much as it may: its `maxBacklog`, or the disk's reserve for settlements.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export class Full extends Schema.TaggedError<Full>()("Full", {
  limit: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `the log is full (${this.limit}): ${this.detail}; drain or purge jobs, or raise the limit`
  }
}

/**
 * Another live owner holds the log's storage.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export class OwnedBy extends Schema.TaggedError<OwnedBy>()("OwnedBy", {
  path: Schema.String,
  /** The owner as it introduced itself, for example `pid 4711 on web-1 since 2026-11-22T08:00:00Z`. */
  owner: Schema.String
}) {
  override get message(): string {
    return `${this.path} is owned by ${this.owner}; one process owns a file log at a time`
  }
}

/**
 * The storage cannot be written: permissions, a read-only or a network file system.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export class NotWritable extends Schema.TaggedError<NotWritable>()("NotWritable", {
  path: Schema.String,
  cause: Schema.Literals(["permission", "readOnly", "notADirectory", "networkFileSystem", "other"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.path} cannot hold a log (${this.cause}): ${this.detail}`
  }
}

/**
 * Stored data that was acknowledged is damaged or missing. Nothing is skipped and nothing is repaired.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export class Corrupt extends Schema.TaggedError<Corrupt>()("Corrupt", {
  /** File name of the segment, or of the file that is missing. */
  segment: Schema.String,
  /** Byte offset within the segment. */
  offset: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `the log is damaged at ${this.segment}+${this.offset}: ${this.detail}; restore it from a backup (nothing was changed)`
  }
}

/**
 * The storage was written by a format version that this release does not read.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export class UnsupportedFormat extends Schema.TaggedError<UnsupportedFormat>()("UnsupportedFormat", {
  path: Schema.String,
  found: Schema.Int,
  supported: Schema.Int
}) {
  override get message(): string {
    return `${this.path} has format version ${this.found}; this release reads version ${this.supported}`
  }
}

/**
 * The log's last recorded time lies more than an hour ahead of this machine's clock.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export class ClockAhead extends Schema.TaggedError<ClockAhead>()("ClockAhead", {
  /** Last time written to the log, Unix milliseconds. */
  recorded: Schema.Finite,
  /** Wall clock now, Unix milliseconds. */
  wall: Schema.Finite
}) {
  override get message(): string {
    return (
      `the log's last record is ${Math.round((this.recorded - this.wall) / 1000)} s ahead of this machine's clock; ` +
      `set the clock, or open with acceptClockAhead to go on from the recorded time`
    )
  }
}

/**
 * The session expired, was closed, or was ended when the log was opened again.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export class SessionDead extends Schema.TaggedError<SessionDead>()("SessionDead", {
  session: Schema.String
}) {
  override get message(): string {
    return `session ${this.session} is dead: its jobs are given to others; open a new session`
  }
}

/**
 * The request breaks a stated limit or rule of the port.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()("InvalidRequest", {
  /** The offending part, for example `items[3].payload`. */
  field: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.field}: ${this.detail}`
  }
}

/**
 * The log does not have a capability that the request needs.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export class Unsupported extends Schema.TaggedError<Unsupported>()("Unsupported", {
  capability: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `this log does not support ${this.capability}: ${this.detail}`
  }
}

/**
 * The log was closed by its owner.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export class Closed extends Schema.TaggedError<Closed>()("Closed", {}) {
  override get message(): string {
    return "the log is closed"
  }
}

/**
 * The log's storage or server could not be reached or failed in passing.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {
  detail: Schema.String
}) {
  override get message(): string {
    return `the log is unavailable: ${this.detail}`
  }
}

/**
 * Every reason of a {@link LogError}.
 *
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export const LogErrorReason = Schema.Union([
  Poisoned,
  Full,
  OwnedBy,
  NotWritable,
  Corrupt,
  UnsupportedFormat,
  ClockAhead,
  SessionDead,
  InvalidRequest,
  Unsupported,
  Closed,
  Unavailable
])

/**
 * @since 0.1.0
 * @category reasons
 * @stability unstable
 */
export type LogErrorReason = typeof LogErrorReason.Type

/**
 * A failed operation of a job log.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class LogError extends Schema.TaggedError<LogError>()("LogError", {
  /** The operation of the port that failed, for example `enqueue`. */
  operation: Schema.String,
  /** `refused`: provably no effect. `unknown`: it may have happened once. */
  outcome: Schema.Literals(["refused", "unknown"]),
  reason: LogErrorReason
}) {
  override get message(): string {
    const outcome = this.outcome === "unknown" ? " (it may have happened: repeat it with the same ids to learn)" : ""
    return `${this.operation}: ${this.reason.message}${outcome}`
  }

  /** Whether the same call can succeed later without an operator. */
  get isRetryable(): boolean {
    switch (this.reason._tag) {
      case "Poisoned":
      case "Full":
      case "OwnedBy":
      case "Unavailable":
        return true
      default:
        return false
    }
  }
}

/**
 * A failure that provably had no effect.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const refused = (operation: string, reason: LogErrorReason): LogError =>
  new LogError({ operation, outcome: "refused", reason })

/**
 * A failure after which the operation may have happened once.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const unknown = (operation: string, reason: LogErrorReason): LogError =>
  new LogError({ operation, outcome: "unknown", reason })
