/**
 * A run that nothing from outside can touch: for its duration every ambient source of time, chance and asynchrony
 * throws and is reported, and errors have no stack.
 *
 * @since 0.1.0
 */

/** Thrown where code inside of a simulation reached for the outside. */
class AmbientUse extends Error {
  override readonly name = "AmbientUse"
}

/** Frames of the stack that shows an ambient use. */
const shownFrames = 30

const globals: ReadonlyArray<string> = [
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "fetch",
  "requestAnimationFrame"
]

/** Owner (by path from the global object) and member of each ambient function. */
const members: ReadonlyArray<readonly [owner: ReadonlyArray<string>, member: string]> = [
  ...globals.map((name) => [[], name] as const),
  [["Math"], "random"],
  [["Date"], "now"],
  [["performance"], "now"],
  [["Performance", "prototype"], "now"],
  [["process"], "nextTick"],
  [["process"], "hrtime"],
  [["Promise", "prototype"], "then"],
  [["crypto"], "randomUUID"],
  [["Crypto", "prototype"], "randomUUID"],
  [["Crypto", "prototype"], "getRandomValues"]
]

const ownerAt = (path: ReadonlyArray<string>): object | undefined => {
  let owner: unknown = globalThis
  for (const part of path) {
    if ((typeof owner !== "object" && typeof owner !== "function") || owner === null) return undefined
    owner = Reflect.get(owner, part)
  }
  return (typeof owner === "object" || typeof owner === "function") && owner !== null ? owner : undefined
}

/**
 * Runs `body` synchronously; `found` is told the name of each ambient thing that was used, with the stack of the use,
 * and the use throws.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const sealed = <A>(found: (what: string, stack: string) => void, body: () => A): A => {
  const undo: Array<() => void> = []
  const refuse = (what: string): never => {
    Error.stackTraceLimit = shownFrames
    const error = new AmbientUse(
      `${what} inside of a simulation: it cannot be replayed. Use Effect's Clock, Random and Effect.sleep, and put a port before anything asynchronous`
    )
    Error.stackTraceLimit = 0
    found(what, error.stack ?? error.message)
    throw error
  }
  const replace = (owner: object, member: string, value: unknown): void => {
    const before = Object.getOwnPropertyDescriptor(owner, member)
    if (before === undefined || before.configurable !== true) return
    Object.defineProperty(owner, member, {
      configurable: true,
      writable: true,
      enumerable: before.enumerable ?? false,
      value
    })
    undo.push(() => Object.defineProperty(owner, member, before))
  }
  for (const [path, member] of members) {
    const owner = ownerAt(path)
    if (owner === undefined) continue
    const name = [...path.filter((part) => part !== "prototype"), member].join(".")
    const thrower = (): never => refuse(name)
    replace(owner, member, name === "process.hrtime" ? Object.assign(thrower, { bigint: thrower }) : thrower)
  }
  const RealDate = ownerAt(["Date"])
  if (typeof RealDate === "function") {
    replace(
      globalThis,
      "Date",
      new Proxy(RealDate, {
        construct: (target, given, newTarget) =>
          given.length === 0 ? refuse("new Date()") : Reflect.construct(target, given, newTarget),
        apply: () => refuse("Date()")
      })
    )
  }
  // a stack says from where the simulation was called, and a job's stored cause may hold one
  const frames = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return body()
  } finally {
    Error.stackTraceLimit = frames
    for (const restore of undo.reverse()) restore()
  }
}
