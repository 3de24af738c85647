/**
 * A Redis log as commands use it. It is loaded only where a command is about such a log, since it needs the package
 * `ioredis`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Connection from "../backends/redis/Connection.ts"
import type { ConnectionOptions } from "../backends/redis/ConnectionOptions.ts"
import { library } from "../backends/redis/Library.ts"
import { keysOf } from "../backends/redis/LogName.ts"
import { make } from "../backends/redis/RedisLog.ts"
import type { JobLogOperations } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import type { RedisPlace } from "./Access.ts"

/** Somebody waits for the command: milliseconds until it says that there is no server. */
const connectTimeout = 2_000

const optionsOf = ({ url }: RedisPlace): ConnectionOptions => ({ server: { _tag: "Url", url }, connectTimeout })

/**
 * A connection to the server, whatever it holds.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const connect = (place: RedisPlace): Effect.Effect<Connection.Connection, LogError, Scope.Scope> =>
  Connection.connect(optionsOf(place), library(), place.name)

/**
 * Whether anybody ever opened the log.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const exists = (place: RedisPlace): Effect.Effect<boolean, LogError> =>
  Effect.scoped(
    Effect.flatMap(connect(place), (connection) =>
      Effect.map(connection.command("EXISTS", [keysOf(place.name).first]), (found) => found === 1)
    )
  )

/**
 * The log, which is made where it is missing.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const openRedis = (place: RedisPlace): Effect.Effect<JobLogOperations, LogError, Scope.Scope> =>
  // whoever looks, or mends something, must be able to on a server that a service would refuse
  make({ ...optionsOf(place), name: place.name, allowEviction: true })
