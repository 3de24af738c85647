/** What a soak has done so far, over all its runs. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import * as Schema from "effect/Schema"

const PartState = Schema.Struct({
  /** The first case not tried yet. */
  position: Schema.Int,
  done: Schema.Boolean,
  /** Processor time is not measured: seconds that its processes lived. */
  seconds: Schema.Number,
  counters: Schema.Record(Schema.String, Schema.Number),
  violations: Schema.Array(Schema.String)
})
export type PartState = typeof PartState.Type

const State = Schema.Struct({ parts: Schema.Record(Schema.String, PartState) })
export type State = typeof State.Type

export const untouched: PartState = { position: 0, done: false, seconds: 0, counters: {}, violations: [] }

/** What the file holds; nothing, if there is none. Throws if it is something else. */
export const load = (path: string): State => {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch {
    return { parts: {} }
  }
  return Schema.decodeUnknownSync(Schema.fromJsonString(State))(text)
}

/** Replaces the file in one step. */
export const save = (path: string, value: unknown): void => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.new`, `${JSON.stringify(value, undefined, 2)}\n`)
  renameSync(`${path}.new`, path)
}
