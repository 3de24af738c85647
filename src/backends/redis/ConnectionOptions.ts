/**
 * How a log reaches its server: a single one, one that Sentinels name, or a Cluster.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import type { ClusterOptions, DNSLookupFunction, RedisOptions } from "ioredis"

/**
 * Where a node or a Sentinel listens.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * Who the program is to a server.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Credentials {
  readonly username?: string | undefined
  readonly password?: Redacted.Redacted | undefined
}

/**
 * A single server. `redis://[user:password@]host[:port][/database]`, `rediss://` for the same through TLS, and
 * `redis+unix://[user:password@localhost]/path/to/socket[?db=database]`.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface UrlServer {
  readonly _tag: "Url"
  readonly url: Redacted.Redacted
}

/**
 * The server that Sentinels hold for the master of this name, whichever it is at the time.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SentinelServer extends Credentials {
  readonly _tag: "Sentinel"
  readonly sentinels: ReadonlyArray<Address>
  /** The name of the master among the Sentinels, for example `mymaster`. */
  readonly master: string
  /** Who the program is to the Sentinels. */
  readonly sentinel?: Credentials | undefined
  readonly db?: number | undefined
  /** Speak TLS with the master; with the Sentinels only where `redis.sentinelTLS` says so. */
  readonly tls?: boolean | undefined
}

/**
 * A Cluster. A log is one slot of it, so it is as fast as one node; several logs spread over several.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ClusterServer extends Credentials {
  readonly _tag: "Cluster"
  /** Some of its nodes; they name the others. */
  readonly nodes: ReadonlyArray<Address>
  readonly tls?: boolean | undefined
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Server = UrlServer | SentinelServer | ClusterServer

/** What the log sets itself, since what it promises rests on it. */
type Own =
  | "autoPipeliningIgnoredCommands"
  | "autoResendUnfulfilledCommands"
  | "autoResubscribe"
  | "blockingTimeout"
  | "blockingTimeoutGrace"
  | "commandTimeout"
  | "connectionName"
  | "db"
  | "enableAutoPipelining"
  | "enableOfflineQueue"
  | "enableReadyCheck"
  | "failoverDetector"
  | "himportFieldsets"
  | "host"
  | "keyPrefix"
  | "lazyConnect"
  | "maxRetriesPerRequest"
  | "monitor"
  | "name"
  | "password"
  | "path"
  | "port"
  | "preferredSlaves"
  | "protocol"
  | "readOnly"
  | "reconnectOnError"
  | "replyMapping"
  | "retryStrategy"
  | "role"
  | "scripts"
  | "sentinelPassword"
  | "sentinelUsername"
  | "sentinels"
  | "socketTimeout"
  | "stringNumbers"
  | "username"

/**
 * Who has to confirm a write before it is answered.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Confirmation {
  /** That many replicas; at least 1, or 0 with `synced`. */
  readonly count: number
  /**
   * Milliseconds after which the outcome is unknown; default 1,000, and 3,000 with `synced`. The same call again waits
   * again.
   */
  readonly timeout?: number | undefined
  /**
   * They have not only received it but synced their append-only files, and so has the server itself (`WAITAOF`, Redis
   * 7.2 or newer and Valkey); default false. A server with `appendfsync everysec` makes every call wait for its next sync.
   */
  readonly synced?: boolean | undefined
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ConnectionOptions {
  readonly server: Server
  /** Options of ioredis that the log does not set itself, such as `tls`, `natMap` or `connectTimeout`. */
  readonly redis?: Omit<RedisOptions, Own> | undefined
  /**
   * Milliseconds in which the server must answer a call; default 30,000. After that it is not known whether the call
   * had an effect, and a connection on which nothing at all was heard for as long is made anew.
   */
  readonly commandTimeout?: number | undefined
  /**
   * Milliseconds for which a call waits while there is no connection, before it is refused; default 2,000.
   */
  readonly readyTimeout?: number | undefined
  /** Milliseconds in which the first connection must be there; default 10,000. */
  readonly connectTimeout?: number | undefined
  /** After each write, wait until replicas have it. It takes a round trip more. */
  readonly replicas?: Confirmation | undefined
}

/**
 * Options of ioredis for one connection.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Settings = Omit<RedisOptions, "replyMapping">

/**
 * What ioredis is made with.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type ClientPlan =
  | { readonly _tag: "Redis"; readonly options: Settings }
  | {
      readonly _tag: "Cluster"
      readonly nodes: ReadonlyArray<Address>
      readonly options: Omit<ClusterOptions, "redisOptions">
      readonly redisOptions: Settings
    }

/**
 * A server that cannot be meant: which part of the options is wrong, and what it should be. It holds nothing secret.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface InvalidServer {
  readonly _tag: "Invalid"
  readonly field: string
  readonly detail: string
}

const invalid = (field: string, detail: string): InvalidServer => ({ _tag: "Invalid", field, detail })

const urlExpected =
  "must be redis://[user:password@]host[:port][/database], rediss:// for TLS, or redis+unix://[user:password@localhost]/path[?db=database]"

const databaseOf = (text: string): number | undefined => (/^\d{1,5}$/.test(text) ? Number(text) : undefined)

/** What a URL says. Nothing else can be set in it: options that promises rest on must not hide in a URL. */
const urlOptions = (text: string): Settings | InvalidServer => {
  let url: URL
  let username: string
  let password: string
  let path: string
  try {
    url = new URL(text)
    username = decodeURIComponent(url.username)
    password = decodeURIComponent(url.password)
    path = decodeURIComponent(url.pathname)
  } catch {
    return invalid("url", urlExpected)
  }
  const unix = url.protocol === "redis+unix:" || url.protocol === "unix:"
  if (!unix && url.protocol !== "redis:" && url.protocol !== "rediss:") return invalid("url", urlExpected)
  const named = unix ? "" : path.replace(/^\//, "")
  const db = databaseOf((named === "" ? url.searchParams.get("db") : named) ?? "0")
  if (db === undefined) return invalid("url", `${urlExpected}; the database is a number`)
  const who = {
    ...(username === "" ? undefined : { username }),
    ...(password === "" ? undefined : { password })
  }
  if (unix) return path.length > 1 ? { path, db, ...who } : invalid("url", urlExpected)
  if (url.hostname === "") return invalid("url", urlExpected)
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? 6379 : Number(url.port),
    db,
    ...who,
    ...(url.protocol === "rediss:" ? { tls: {} } : undefined)
  }
}

const credentials = ({ password, username }: Credentials): Settings => ({
  ...(username === undefined ? undefined : { username }),
  ...(password === undefined ? undefined : { password: Redacted.value(password) })
})

const encrypted = (tls: boolean | undefined): Settings => (tls === true ? { tls: {} } : {})

const keptName: DNSLookupFunction = (hostname, found) => found(null, hostname)

const addresses = (field: string, given: ReadonlyArray<Address>): InvalidServer | undefined =>
  given.length === 0 ? invalid(field, "must name at least one address") : undefined

/**
 * What ioredis is to be made with for a server, without what the log itself needs of it.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const clientPlan = (options: ConnectionOptions): ClientPlan | InvalidServer => {
  const { redis, server } = options
  switch (server._tag) {
    case "Url": {
      const given = urlOptions(Redacted.value(server.url))
      if ("_tag" in given) return given
      return { _tag: "Redis", options: { ...given, ...redis } }
    }
    case "Sentinel":
      return (
        addresses("sentinels", server.sentinels) ?? {
          _tag: "Redis",
          options: {
            ...encrypted(server.tls),
            ...(server.tls === true ? { enableTLSForSentinelMode: true } : undefined),
            ...redis,
            ...credentials(server),
            sentinels: server.sentinels.map(({ host, port }) => ({ host, port })),
            name: server.master,
            role: "master",
            db: server.db ?? 0,
            ...(server.sentinel?.username === undefined ? undefined : { sentinelUsername: server.sentinel.username }),
            ...(server.sentinel?.password === undefined
              ? undefined
              : { sentinelPassword: Redacted.value(server.sentinel.password) })
          }
        }
      )
    case "Cluster": {
      const redisOptions = { ...encrypted(server.tls), ...redis, ...credentials(server) }
      return (
        addresses("nodes", server.nodes) ?? {
          _tag: "Cluster",
          nodes: server.nodes,
          options: {
            ...(redis?.natMap === undefined ? undefined : { natMap: redis.natMap }),
            // certificates are made out to names, so names must not be turned into addresses
            ...(redisOptions.tls === undefined ? undefined : { dnsLookup: keptName })
          },
          redisOptions
        }
      )
    }
  }
}

/**
 * What must not appear in any text, as it stands and as a URL spells it.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const secretsOf = (plan: ClientPlan): ReadonlyArray<string> => {
  const { password, sentinelPassword } = plan._tag === "Redis" ? plan.options : plan.redisOptions
  return [password, sentinelPassword].flatMap((secret) =>
    secret === undefined || secret === "" ? [] : [secret, encodeURIComponent(secret)]
  )
}
