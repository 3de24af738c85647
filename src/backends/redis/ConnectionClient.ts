/**
 * A client of ioredis as the log needs it: it never keeps a call to send it later, and never sends one twice.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { Cluster, Redis } from "ioredis"
import { type Call, slotOf } from "./ConnectionCall.ts"
import { type ClientPlan, type ConnectionOptions, secretsOf, type Settings } from "./ConnectionOptions.ts"
import { cleaned, isHopeless, isWrongDatabase, messageOf } from "./Failure.ts"
import { keysOf } from "./LogName.ts"

/** Milliseconds between tries to connect, at first and at most. */
const backoff = { shortest: 50, longest: 2000 }

/** Milliseconds of idleness after which the network is asked whether the peer still exists. */
const keepAlive = 10_000

/** Milliseconds in which a server must take a connection. */
const handshakeMillis = 5000

/**
 * Milliseconds in which a server must answer, unless the options say otherwise.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const commandMillis = 30_000

/**
 * A way to the server that repairs itself.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Client {
  /** The log's slot in a Cluster. */
  readonly slot: number
  readonly secrets: ReadonlyArray<string>
  readonly isReady: () => boolean
  /** Waits for a connection, at most as long; answers whether there is one. */
  readonly ready: (millis: number, giveUp?: () => boolean) => Effect.Effect<boolean>
  /** What went wrong last, since there was a connection; nothing while all is well. */
  readonly lastError: () => string | undefined
  /** Why there is no connection. */
  readonly why: () => string
  /** Whether the server refuses the program for good, as it seems. */
  readonly isHopeless: () => boolean
  /** Sends a call; its promise tells the rest. */
  readonly send: (call: Call) => void
  /** Sends a call on the very connection that another was written to; answers whether that is still there. */
  readonly sendOn: (call: Call, socket: object) => boolean
  /** Connects anew, to whatever is the master now. */
  readonly renew: () => void
  /** Calls back when it connects anew; answers how to stop that. */
  readonly onRenewal: (listener: () => void) => () => void
  /** A client for one connection beside this, not connected yet, which does not repair itself. */
  readonly beside: (commandTimeout: number) => Redis
  /** The Sentinels, where there are any: the name of the master, and a client for one of them, as {@link beside}. */
  readonly sentinels:
    | { readonly master: string; readonly connect: (index: number, commandTimeout: number) => Redis }
    | undefined
}

/** What promises rest on, and so no one can set. */
const own = (name: string, commandTimeout: number) =>
  ({
    lazyConnect: true,
    // what cannot be sent now fails now, as unsent
    enableOfflineQueue: false,
    enableReadyCheck: true,
    // what was sent and not answered is never sent again: whether it had an effect is the caller's to find out
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    enableAutoPipelining: false,
    keyPrefix: "",
    readOnly: false,
    stringNumbers: false,
    // the older protocol says all that is needed, and is spoken by whatever stands in between
    protocol: 2,
    disableClientInfo: true,
    connectionName: `leasehold:${name}`,
    commandTimeout,
    // a little sooner, so that nothing more is sent on a connection which says nothing any more
    socketTimeout: Math.ceil(commandTimeout * 0.98)
  }) satisfies Settings

const chosen = {
  keepAlive,
  connectTimeout: handshakeMillis,
  disconnectTimeout: 500,
  maxLoadingRetryTime: 250
} satisfies Settings

/** A server that was the master: its successor is found by connecting anew. */
const isDemoted = (error: Error): boolean => error.message.startsWith("READONLY")

interface Parts {
  readonly connector: Redis | Cluster
  readonly nodes: () => ReadonlyArray<Redis>
  readonly beside: (own: Settings) => Redis
  readonly sentinels: { readonly master: string; readonly connect: (index: number, own: Settings) => Redis } | undefined
}

const single = (options: Settings): Parts => {
  const redis = new Redis(options)
  const { family, name, sentinelPassword, sentinels, sentinelTLS, sentinelUsername } = options
  const connect = (index: number, own: Settings): Redis =>
    new Redis({
      ...chosen,
      ...own,
      ...sentinels?.[index % sentinels.length],
      family,
      username: sentinelUsername,
      password: sentinelPassword,
      tls: sentinelTLS,
      enableReadyCheck: false
    })
  return {
    connector: redis,
    nodes: () => [redis],
    beside: (own) => new Redis({ ...options, ...own }),
    sentinels: sentinels === undefined || name === undefined ? undefined : { master: name, connect }
  }
}

const clustered = (
  plan: ClientPlan & { readonly _tag: "Cluster" },
  redisOptions: Settings,
  slot: number,
  random: Random.Random
): Parts => {
  const cluster = new Cluster([...plan.nodes], {
    ...plan.options,
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: true,
    enableAutoPipelining: false,
    scaleReads: "master",
    // a call that was lost with its connection may have had its effect
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    clusterRetryStrategy: (times) => delayed(times, random),
    redisOptions
  })
  cluster.on("+node", (node: Redis) => {
    // ioredis asks for it and looks at no answer; without this a lost connection would end the process
    const asking = node.asking.bind(node)
    node.asking = () => {
      const promise = asking()
      promise.catch(() => undefined)
      return promise
    }
  })
  const beside = (own: Settings): Redis => {
    const key = cluster.slots[slot]?.[0]
    const masters = cluster.nodes("master")
    const nodes = masters.length > 0 ? masters : cluster.nodes("all")
    const owner = nodes.find(({ options: { host, port } }) => `${host}:${port}` === key)
    const known = owner ?? nodes[0]
    const named = plan.nodes[Math.floor(random.nextDoubleUnsafe() * plan.nodes.length)]
    return known?.duplicate(own) ?? new Redis({ ...redisOptions, ...named, ...own })
  }
  return { connector: cluster, nodes: () => cluster.nodes("all"), beside, sentinels: undefined }
}

const delayed = (times: number, random: Random.Random): number =>
  Math.min(backoff.longest, backoff.shortest * 2 ** Math.min(times - 1, 10)) * (0.5 + random.nextDoubleUnsafe() / 2)

/**
 * Milliseconds until try number `times`, the first of which is 1.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const delay = (times: number): Effect.Effect<number> =>
  Effect.map(Random.Random, (random) => delayed(times, random))

/** Makes ioredis go on where it has given up, which it does when it is cut off in the middle of connecting. */
const revive = (connector: Redis | Cluster): Effect.Effect<never> =>
  Effect.forever(
    Effect.callback<void>((resume) => {
      const ended = (): void => resume(Effect.void)
      connector.once("end", ended)
      return Effect.sync(() => connector.off("end", ended))
    }).pipe(
      Effect.andThen(delay(3)),
      Effect.flatMap(Effect.sleep),
      Effect.andThen(Effect.sync(() => void connector.connect().catch(() => undefined)))
    )
  )

/**
 * Begins to connect, and goes on until its scope ends.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makeClient = Effect.fnUntraced(function* (
  plan: ClientPlan,
  options: ConnectionOptions,
  name: string
): Effect.fn.Return<Client, never, Scope.Scope> {
  const random = yield* Random.Random
  const secrets = secretsOf(plan)
  const slot = slotOf(keysOf(name).first)
  const commandTimeout = options.commandTimeout ?? commandMillis
  const given = plan._tag === "Redis" ? plan.options : plan.redisOptions
  const settings: Settings = {
    ...chosen,
    ...given,
    ...own(name, commandTimeout),
    reconnectOnError: isDemoted
  }
  const alone = (millis: number): Settings => ({
    ...own(name, millis),
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
    reconnectOnError: null
  })
  const { beside, connector, nodes, sentinels } =
    plan._tag === "Cluster"
      ? clustered(plan, settings, slot, random)
      : single({
          ...settings,
          retryStrategy: (times) => delayed(times, random),
          sentinelRetryStrategy: (times) => delayed(times, random)
        })

  let lastError: string | undefined
  let hopeless = false
  let wrongDatabase = false
  const waiting = new Set<() => void>()
  const renewals = new Set<() => void>()
  const wake = (): void => {
    for (const resume of waiting) resume()
  }
  // a connection that is being given up counts as ready until it is gone
  const isReady = (): boolean =>
    connector.status === "ready" && !wrongDatabase && (connector instanceof Cluster || connector.stream.writable)

  const failed = (error: unknown): void => {
    lastError = cleaned(messageOf(error), secrets)
    hopeless = isHopeless(lastError)
    if (isWrongDatabase(lastError)) wrongDatabase = true
    if (hopeless) wake()
  }
  connector.on("error", failed)
  connector.on("node error", failed)
  connector.on("close", () => {
    wrongDatabase = false
  })
  connector.on("ready", () => {
    if (!isReady()) return
    lastError = undefined
    hopeless = false
    wake()
  })

  yield* Effect.acquireRelease(
    Effect.sync(() => void connector.connect().catch(() => undefined)),
    () => Effect.sync(() => connector.disconnect())
  )
  yield* Effect.forkScoped(revive(connector))

  return {
    slot,
    secrets,
    isReady,
    ready: (millis, giveUp) =>
      Effect.callback<boolean>((resume) => {
        if (isReady()) return resume(Effect.succeed(true))
        const look = (): void => {
          if (isReady()) resume(Effect.succeed(true))
          else if (giveUp?.() === true) resume(Effect.succeed(false))
        }
        waiting.add(look)
        look()
        return Effect.sync(() => {
          waiting.delete(look)
        })
      }).pipe(Effect.timeoutOption(millis), Effect.map(Option.getOrElse(() => false))),
    lastError: () => lastError,
    why: () =>
      lastError ?? (connector.status === "connect" ? "the server still reads its data" : "there is no connection yet"),
    isHopeless: () => hopeless,
    send: (call) => {
      connector.sendCommand(call)
      if (connector instanceof Cluster) call.followRedirections()
    },
    sendOn: (call, socket) => {
      const node = nodes().find(({ status, stream }) => stream === socket && status === "ready")
      if (node === undefined) return false
      void node.sendCommand(call)
      return true
    },
    renew: () => {
      connector.disconnect(true)
      for (const renewed of renewals) renewed()
    },
    onRenewal: (listener) => {
      renewals.add(listener)
      return () => renewals.delete(listener)
    },
    beside: (commandTimeout) => beside(alone(commandTimeout)),
    sentinels: sentinels && {
      master: sentinels.master,
      connect: (index, commandTimeout) => sentinels.connect(index, alone(commandTimeout))
    }
  }
})
