/**
 * What the generated histories reached: in which state a job was met by which command, and under which fault.
 *
 * A cell that ought to be reached and never is hit is a duty about which the laws said nothing.
 *
 * @since 0.1.0
 */
import type { Capabilities } from "../src/log/Capabilities.ts"
import type { Hand } from "./Harness.ts"

/**
 * How a job stands when a command meets it. `expired`: its holder's lease has run out and nobody took it back.
 * `cancelledHeld`: cancelled while it ran, and its holder has not confirmed.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type CellState =
  | "absent"
  | "scheduled"
  | "ready"
  | "leased"
  | "expired"
  | "completed"
  | "deadLettered"
  | "cancelled"
  | "cancelledHeld"

/**
 * What meets the job: an operation of the port by its kind, or the log's opening again. A claim, reclaim, pause,
 * resume, configure or restart meets every job of its queue or log.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type CellCommand =
  | "enqueue"
  | "enqueueAgain"
  | "enqueueOtherBytes"
  | "enqueueKeyHeld"
  | "enqueueReplacing"
  | "claim"
  | "complete"
  | "retry"
  | "release"
  | "deadLetter"
  | "renew"
  | "close"
  | "reclaim"
  | "cancel"
  | "redrive"
  | "reschedule"
  | "purge"
  | "pause"
  | "resume"
  | "configure"
  | "read"
  | "reopen"

/**
 * `none`: as it should be. `stale`: with a token that is not current. `otherSession`: with the current token, by a
 * session that did not receive it. `late`: by the holder after its lease ran out. `deadSession`: by a session that is
 * over, with a grant that is not current, or asking for new ones. `repeated`: the same call a second time. `together`:
 * at the same time as another that wants the same. `crashDuring`: the log crashes while the call is in flight.
 * `crash`, `restart`: how it came to be opened again.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type CellFault =
  | "none"
  | "stale"
  | "otherSession"
  | "late"
  | "deadSession"
  | "repeated"
  | "together"
  | "crashDuring"
  | "crash"
  | "restart"

/**
 * Which cells were hit.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Coverage {
  /** Hits of every cell that can be reached with the log's capabilities, as `state × command × fault`. */
  readonly cells: Readonly<Record<string, number>>
  /** Those never hit. */
  readonly empty: ReadonlyArray<string>
}

/**
 * A cell by name.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const cellOf = (state: CellState, command: CellCommand, fault: CellFault): string =>
  `${state} × ${command} × ${fault}`

const present: ReadonlyArray<CellState> = [
  "scheduled",
  "ready",
  "leased",
  "expired",
  "completed",
  "deadLettered",
  "cancelled",
  "cancelledHeld"
]
const all: ReadonlyArray<CellState> = ["absent", ...present]
const held: ReadonlyArray<CellState> = ["leased", "cancelledHeld"]
const settles: ReadonlyArray<CellCommand> = ["complete", "retry", "release", "deadLetter"]

interface Row {
  readonly commands: ReadonlyArray<CellCommand>
  readonly fault: CellFault
  readonly states: ReadonlyArray<CellState>
  readonly if?: (can: Capabilities) => boolean
  readonly needs?: Hand
}

const strict = (can: Capabilities): boolean => can.fence === "strict"
const timed = (can: Capabilities): boolean => can.lease === "timed"

const rows: ReadonlyArray<Row> = [
  { commands: ["enqueue"], fault: "none", states: ["absent"] },
  { commands: ["enqueueAgain", "enqueueOtherBytes"], fault: "none", states: present },
  // a cancelled job has given its key up
  {
    commands: ["enqueueKeyHeld", "enqueueReplacing"],
    fault: "none",
    states: ["scheduled", "ready", "leased", "expired", "completed", "deadLettered"],
    if: (can) => can.dedupe
  },
  { commands: ["claim"], fault: "none", states: all },
  { commands: ["claim"], fault: "deadSession", states: all },
  { commands: ["claim"], fault: "together", states: all },
  { commands: settles, fault: "none", states: held },
  { commands: settles, fault: "late", states: ["expired", "cancelledHeld"], if: timed },
  { commands: settles, fault: "stale", states: present, if: strict },
  { commands: settles, fault: "otherSession", states: held, if: strict },
  { commands: settles, fault: "deadSession", states: present, if: strict },
  { commands: ["complete", "cancel"], fault: "together", states: ["leased"] },
  // what such a call leaves behind, and the next holder
  { commands: ["claim"], fault: "repeated", states: present },
  { commands: ["complete"], fault: "repeated", states: ["completed", "cancelled"] },
  { commands: ["retry"], fault: "repeated", states: ["scheduled", "ready", "leased"] },
  // out of attempts
  { commands: ["retry"], fault: "repeated", states: ["deadLettered"], if: (can) => can.attempts === "job" },
  { commands: ["release"], fault: "repeated", states: ["scheduled", "ready", "leased"] },
  { commands: ["deadLetter"], fault: "repeated", states: ["ready", "leased", "deadLettered"] },
  { commands: ["renew"], fault: "none", states: held },
  { commands: ["renew"], fault: "late", states: ["expired", "cancelledHeld"], if: timed },
  { commands: ["renew"], fault: "stale", states: present, if: strict },
  { commands: ["renew"], fault: "deadSession", states: present, if: strict },
  { commands: ["close"], fault: "none", states: held },
  { commands: ["close"], fault: "late", states: ["expired"], if: timed },
  { commands: ["reclaim"], fault: "none", states: all, if: (can) => can.reclaim === "log" && timed(can) },
  { commands: ["cancel", "redrive", "reschedule"], fault: "none", states: all },
  { commands: ["purge"], fault: "none", states: all },
  { commands: ["pause", "resume"], fault: "none", states: all },
  { commands: ["configure"], fault: "none", states: all, if: (can) => can.groups },
  { commands: ["read"], fault: "none", states: all, if: (can) => can.inspect },
  { commands: ["reopen"], fault: "crash", states: all, needs: "crash" },
  { commands: ["reopen"], fault: "restart", states: all, needs: "restart" },
  { commands: ["enqueue"], fault: "crashDuring", states: ["absent"], needs: "crash" },
  { commands: ["claim"], fault: "crashDuring", states: present, needs: "crash" },
  { commands: settles, fault: "crashDuring", states: ["leased"], needs: "crash" },
  { commands: ["cancel"], fault: "crashDuring", states: ["scheduled", "ready", "leased"], needs: "crash" },
  { commands: ["redrive"], fault: "crashDuring", states: ["deadLettered"], needs: "crash" },
  { commands: ["reschedule"], fault: "crashDuring", states: ["scheduled", "ready"], needs: "crash" },
  { commands: ["purge"], fault: "crashDuring", states: ["completed", "deadLettered", "cancelled"], needs: "crash" }
]

/** States that a log with these capabilities does not know. */
const unknownStates = (can: Capabilities): ReadonlySet<CellState> =>
  new Set<CellState>([
    ...(can.maxDelay === 0 ? (["scheduled"] as const) : []),
    ...(timed(can) ? [] : ["expired" as const])
  ])

/**
 * The cells that the laws are to reach with these capabilities and hands.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const expectedCells = (can: Capabilities, available: (hand: Hand) => boolean): ReadonlyArray<string> => {
  const unknown = unknownStates(can)
  return rows
    .filter((row) => (row.if?.(can) ?? true) && (row.needs === undefined || available(row.needs)))
    .flatMap((row) =>
      row.commands.flatMap((command) =>
        row.states.filter((state) => !unknown.has(state)).map((state) => cellOf(state, command, row.fault))
      )
    )
}

/**
 * What several laws reached together.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const coverageOf = (
  expected: ReadonlyArray<string>,
  hits: ReadonlyArray<Readonly<Record<string, number>>>
): Coverage => {
  const cells = Object.fromEntries(expected.map((cell) => [cell, 0]))
  for (const hit of hits) {
    for (const [cell, times] of Object.entries(hit)) cells[cell] = (cells[cell] ?? 0) + times
  }
  return { cells, empty: expected.filter((cell) => cells[cell] === 0) }
}
