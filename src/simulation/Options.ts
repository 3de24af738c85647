/**
 * What options may say. A misspelt fault or no seeds would look like a simulation that passes.
 *
 * @since 0.1.0
 */
import { faults } from "./Fault.ts"

const whole = (name: string, value: unknown, from: number): void => {
  if (value === undefined || (typeof value === "number" && Number.isSafeInteger(value) && value >= from)) return
  throw new RangeError(`${name} must be a whole number, at least ${from}; it is ${String(value)}`)
}

/** The least that each may be. */
const least = {
  seed: 0,
  seeds: 1,
  firstSeed: 0,
  keepLines: 0,
  nodes: 1,
  duration: 0,
  longestPause: 0,
  settleWithin: 0,
  maxSteps: 1
} as const

/**
 * Throws a RangeError that names what cannot be meant.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const assertOptions = (
  options: { readonly [Name in keyof typeof least]?: number | undefined } & { readonly faults?: unknown }
): void => {
  const given = new Map<string, unknown>(Object.entries(options))
  for (const [name, from] of Object.entries(least)) whole(name, given.get(name), from)
  const { faults: chosen } = options
  if (chosen === undefined || chosen === "all" || chosen === "none") return
  const known: ReadonlyArray<unknown> = faults
  const strange = Array.isArray(chosen) ? chosen.find((fault) => !known.includes(fault)) : chosen
  if (strange === undefined) return
  throw new RangeError(`faults must be "all", "none" or a list of these: ${faults.join(", ")}; not ${String(strange)}`)
}
