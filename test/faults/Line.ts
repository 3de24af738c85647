/** What a process under faults tells about each call to the log, one line per fact, before anything else happens. */
import { writeSync } from "node:fs"
import * as Schema from "effect/Schema"

/** How jobs stand, by id, as {@link describe} words it; `queue <name>` stands for a queue's pause. */
export const Effects = Schema.Record(Schema.String, Schema.String)
export type Effects = typeof Effects.Type

export const Line = Schema.Union([
  /** About to call. If the call happens, then all of `effects` hold. */
  Schema.TaggedStruct("Doing", { call: Schema.Int, what: Schema.String, effects: Effects }),
  /** The log acknowledged it. */
  Schema.TaggedStruct("Done", { call: Schema.Int }),
  Schema.TaggedStruct("Failed", {
    call: Schema.Int,
    outcome: Schema.Literals(["refused", "unknown"]),
    reason: Schema.String,
    detail: Schema.String
  }),
  /** The log acknowledged a grant. */
  Schema.TaggedStruct("Granted", {
    id: Schema.String,
    session: Schema.String,
    token: Schema.String,
    receipt: Schema.String,
    generation: Schema.Int,
    delivery: Schema.Int
  }),
  /** The log read this. */
  Schema.TaggedStruct("Saw", { states: Effects }),
  /** For the test that started the program. */
  Schema.TaggedStruct("Noted", { text: Schema.String }),
  /** An answer that no law allows. */
  Schema.TaggedStruct("Wrong", { detail: Schema.String }),
  /** The log went on failing; only faults that last may lead to this. */
  Schema.TaggedStruct("GaveUp", { reason: Schema.String, detail: Schema.String }),
  /** All that the scenario wanted was acknowledged. */
  Schema.TaggedStruct("Finished", {})
])
export type Line = typeof Line.Type

export type Tell = (line: Line) => void

/** To the standard output, synchronously: a line is out before the next call begins. */
export const tellParent: Tell = (line) => {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Line))

/** The lines of a text; a kill may have cut the last one, and the program's warnings stand between them. */
export const parse = (text: string): ReadonlyArray<Line> =>
  text
    .split("\n")
    .slice(0, -1)
    .filter((line) => line.startsWith('{"_tag"'))
    .map((line) => decode(line))
