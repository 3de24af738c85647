/**
 * What the self-check of a log on a server finds, whichever server that is.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * `ok`: as it should be. `warn`: it works, but slower, or less safely. `fail`: the log does not work, or loses jobs.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const Level = Schema.Literals(["ok", "warn", "fail"])

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Level = typeof Level.Type

/**
 * What each finding tells beside the name of its check. It holds no connection string and no password.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const findingFields = {
  level: Level,
  /** What was found, short: `PostgreSQL 15.18`, `2 ms behind`. */
  found: Schema.String,
  /** What it means for the log. */
  meaning: Schema.String,
  /** What to do about it; nothing where it is as it should be. */
  remedy: Schema.optionalKey(Schema.String)
} as const

/**
 * The worst level of all findings.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const worst = (findings: ReadonlyArray<{ readonly level: Level }>): Level => {
  const levels = findings.map(({ level }) => level)
  return levels.includes("fail") ? "fail" : levels.includes("warn") ? "warn" : "ok"
}

/** A finding, by whichever log. */
interface Found {
  readonly check: string
  readonly level: Level
  readonly found: string
  readonly meaning: string
  readonly remedy?: string | undefined
}

/**
 * Logs what is not as it should be, each with what it means and what to do.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const logFindings = (findings: ReadonlyArray<Found>): Effect.Effect<void> =>
  Effect.forEach(
    findings.filter(({ level }) => level !== "ok"),
    ({ check, found, level, meaning, remedy }) =>
      (level === "fail" ? Effect.logError : Effect.logWarning)(
        `leasehold: ${check}: ${found}. It means: ${meaning}. ${remedy === undefined ? "" : `To do: ${remedy}.`}`
      ),
    { discard: true }
  )
