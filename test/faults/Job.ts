/** The jobs of the scenarios: everything about one follows from its number. */
import type { EnqueueItem, JobView } from "../../src/log/JobLog.ts"

export const queue = "faults"

export const idOf = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`

/** Ids from a number on. */
export const idsFrom = (first: number, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, k) => idOf(first + k))

/** Jobs with a number from here on are large: three of them no longer fit into a write on the calling thread. */
export const firstLarge = 0x9000

/** Characters that tell from where they come, so that no other job's bytes pass for them. */
export const payloadOf = (id: string, edition = 1): string => {
  const n = Number.parseInt(id.slice(-12), 16)
  const words = n >= firstLarge ? 1_600 : 5 + (n % 13)
  return `${id}/${edition} `.repeat(words)
}

export const itemOf = (id: string, options: Partial<EnqueueItem> = {}): EnqueueItem => ({
  id,
  queue,
  name: "job",
  version: 1,
  payload: payloadOf(id),
  ...options
})

/**
 * A job in a few words: state, known attempts, priority and edition of its payload. That it is leased is left out,
 * since a lease ends with the process.
 */
export const describe = (view: JobView | undefined): string => {
  if (view === undefined) return "Absent"
  const words = [`${view.state === "Leased" ? "Ready" : view.state}`, `a${view.attempts}`]
  if (view.priority !== 0) words.push(`p${view.priority}`)
  if (view.payload === payloadOf(view.id, 2)) words.push("second")
  else if (view.payload !== payloadOf(view.id)) words.push("DAMAGED")
  return words.join(" ")
}
