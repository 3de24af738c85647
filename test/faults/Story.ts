/** What the parent of a process under faults may conclude from what it was told. */
import type { Effects, Line } from "./Line.ts"

/** One of the states that the log may be in, jobs by id; what is not named was never touched. */
export type World = ReadonlyMap<string, string>

/** An acknowledged grant. */
export type Granted = Extract<Line, { readonly _tag: "Granted" }>

/** Reasons with which a log may fail when its disk fails. `SessionDead` follows from its being opened again. */
const allowedReasons: ReadonlySet<string> = new Set(["Poisoned", "Unavailable", "NotWritable", "Full", "SessionDead"])

const applied = (world: World, effects: Effects): World => new Map([...world, ...Object.entries(effects)])

const distinct = (worlds: ReadonlyArray<World>): ReadonlyArray<World> => {
  const byText = new Map(
    worlds.map((world) => [JSON.stringify([...world].sort(([a], [b]) => (a < b ? -1 : 1))), world])
  )
  return [...byText.values()]
}

export const agrees = (world: World, states: Effects): boolean =>
  Object.entries(states).every(([id, state]) => (world.get(id) ?? "Absent") === state)

/**
 * Follows the calls of one process. An acknowledged call happened, a refused one did not, and one that is unknown or
 * was under way at the end may have: then both worlds are kept, until something that was read decides.
 */
export class Story {
  worlds: ReadonlyArray<World> = [new Map()]
  readonly violations: Array<string> = []
  readonly notes: Array<string> = []
  /** The latest grant of each job. */
  readonly grants = new Map<string, Granted>()
  greatestToken = 0n
  finished = false
  gaveUp: string | undefined
  acknowledged = 0
  refused = 0
  unknown = 0
  readonly #underWay = new Map<number, { readonly what: string; readonly effects: Effects }>()

  hear(line: Line): void {
    switch (line._tag) {
      case "Doing":
        this.#underWay.set(line.call, line)
        return
      case "Done":
        this.acknowledged++
        return this.#end(line.call, "happened")
      case "Failed":
        if (!allowedReasons.has(line.reason)) this.violations.push(`failed with ${line.reason}: ${line.detail}`)
        if (line.outcome === "unknown") this.unknown++
        else this.refused++
        return this.#end(line.call, line.outcome === "unknown" ? "unknown" : "refused")
      case "Granted":
        return this.#granted(line)
      case "Saw":
        return this.#saw(line.states, "read")
      case "Wrong":
        this.violations.push(line.detail)
        return
      case "Noted":
        this.notes.push(line.text)
        return
      case "GaveUp":
        this.gaveUp = `${line.reason}: ${line.detail}`
        if (!allowedReasons.has(line.reason)) this.violations.push(`gave up with ${this.gaveUp}`)
        return
      case "Finished":
        this.finished = true
    }
  }

  /** Nothing more will be heard: what was under way may have happened. */
  ended(): void {
    for (const call of [...this.#underWay.keys()]) this.#end(call, "unknown")
  }

  #end(call: number, outcome: "happened" | "refused" | "unknown"): void {
    const doing = this.#underWay.get(call)
    this.#underWay.delete(call)
    if (doing === undefined || outcome === "refused") return
    const after = this.worlds.map((world) => applied(world, doing.effects))
    this.worlds = distinct(outcome === "happened" ? after : [...this.worlds, ...after])
  }

  #granted(grant: Granted): void {
    const token = BigInt(grant.token)
    const former = this.grants.get(grant.id)
    // an answer may be repeated to the session that asked for it
    const repeated = former?.token === grant.token && former.session === grant.session
    if (!repeated) {
      if (former !== undefined && token <= BigInt(former.token))
        this.violations.push(`token ${token} of ${grant.id} is not new`)
      // a redrive begins a new generation, with all its deliveries
      if (former?.generation === grant.generation && grant.delivery <= former.delivery) {
        this.violations.push(`delivery ${grant.delivery} of ${grant.id} came before`)
      }
    }
    this.grants.set(grant.id, grant)
    if (token > this.greatestToken) this.greatestToken = token
  }

  #saw(states: Effects, where: string): void {
    const possible = this.worlds.filter((world) => agrees(world, states))
    if (possible.length > 0) this.worlds = possible
    else this.violations.push(this.#difference(states, where))
  }

  /** The whole log was read: every job of it must be explained, and none may be missing. */
  judge(states: Effects): void {
    const seen = new Map(Object.entries(states))
    const possible = this.worlds.filter(
      (world) => agrees(world, states) && [...world].every(([id, state]) => (seen.get(id) ?? "Absent") === state)
    )
    if (possible.length > 0) this.worlds = possible
    else this.violations.push(this.#difference(states, "the log holds"))
  }

  #difference(states: Effects, where: string): string {
    const ids = new Set([...Object.keys(states), ...this.worlds.flatMap((world) => [...world.keys()])])
    const wrong = [...ids].flatMap((id) => {
      const may = new Set(this.worlds.map((world) => world.get(id) ?? "Absent"))
      const is = states[id] ?? (where === "read" ? undefined : "Absent")
      return is === undefined || (may.has(is) && may.size === 1)
        ? []
        : [`${id} is ${is} and may be ${[...may].join(" or ")}`]
    })
    return `${where} what no outcome of the calls explains: ${wrong.slice(0, 6).join("; ")}`
  }
}
