/**
 * The library of functions that the log runs on the server: one for each operation, so that each is one atomic step.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import { claim } from "./lua/Claim.ts"
import { control } from "./lua/Control.ts"
import { core } from "./lua/Core.ts"
import { enqueue } from "./lua/Enqueue.ts"
import { frames } from "./lua/Frames.ts"
import { grant } from "./lua/Grant.ts"
import { jobs } from "./lua/Jobs.ts"
import { line } from "./lua/Line.ts"
import { news } from "./lua/News.ts"
import { read } from "./lua/Read.ts"
import { sessions } from "./lua/Sessions.ts"
import { settle } from "./lua/Settle.ts"
import { transitions } from "./lua/Transitions.ts"

/**
 * A library under a name that its content decides, so that nodes of different releases can share a server.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Library {
  readonly name: string
  /** For FUNCTION LOAD. Each function bears the library's name, `_` and its own. */
  readonly functions: string
  /** For EVAL, where there are no functions: the source of one. */
  readonly script: (operation: string) => string
}

/**
 * What each function may do although the server's memory is full: all but the one that adds jobs.
 */
const flags = {
  open: "allow-oom",
  renew: "allow-oom",
  close: "allow-oom",
  enqueue: "",
  claim: "allow-oom",
  unpark: "allow-oom",
  settle: "allow-oom",
  reclaim: "allow-oom",
  control: "allow-oom",
  await: "allow-oom",
  readJob: "no-writes",
  readJobs: "no-writes",
  readCounts: "no-writes"
} as const

/**
 * The functions of a library.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type FunctionName = keyof typeof flags

/**
 * Before functions came, what a script may write when memory is full is decided by its first write, so that is one that
 * needs no memory. It comes only before another: a server notes an empty transaction for a script with nothing else.
 */
const knock = `
local knocked = false
local reads = {}
local names = 'EXISTS GET HGET HGETALL HKEYS HMGET HSCAN HVALS LINDEX PUBSUB SMEMBERS TIME XRANGE XREVRANGE ZCOUNT ZRANGE ZRANGEBYSCORE ZSCORE'
for name in names:gmatch('%u+') do reads[name] = true end
local function knocking(name, ...)
  if not knocked and not reads[name] then
    knocked = true
    redis.call('DEL', KEYS[2])
  end
  return redis.call(name, ...)
end
`

/** The server's own time, in milliseconds. */
const serverClock = "local t = call('TIME') return t[1] * 1000 + floor(t[2] / 1000)"

/**
 * Any functions as a library.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const assemble = (body: string, functions: Readonly<Record<string, string>>): Library => {
  const name = `leasehold_${createHash("sha1").update(body).digest("hex").slice(0, 12)}`
  const registered = Object.entries(functions).map(
    ([own, flag]) =>
      `redis.register_function{function_name='${name}_${own}',callback=${own},flags={${flag === "" ? "" : `'${flag}'`}}}`
  )
  return {
    name,
    functions: `#!lua name=${name}\n${body}\n${registered.join("\n")}\n`,
    script: (operation) => {
      const flag = functions[operation]
      if (flag === undefined) throw new Error(`leasehold: there is no function ${operation}`)
      const source = flag === "allow-oom" ? body.replace("redis.call,", "knocking,") : body
      return `${flag === "allow-oom" ? knock : ""}\n${source}\nreturn ${operation}(KEYS, ARGV)\n`
    }
  }
}

/**
 * The library of the log. `clock`: the body of a function that answers the time, for tests that move it; `call` calls
 * the server, and `B` is what keys begin with.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const library = (clock = serverClock): Library =>
  assemble(
    [core, frames, jobs, news, line, transitions, enqueue, sessions, grant, claim, settle, control, read]
      .join("\n")
      .replace("$clock", () => clock),
    flags
  )
