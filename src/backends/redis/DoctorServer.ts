/**
 * Checks of the self-check that read what the server says of itself.
 *
 * @since 0.1.0
 */
import type { Capabilities } from "../../log/Capabilities.ts"
import type { Confirmation } from "./ConnectionOptions.ts"
import { type Check, Finding } from "./DoctorReport.ts"

/**
 * What the server says of itself: the lines of INFO, and settings, of which those are missing that the program may not
 * read.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Facts {
  readonly info: ReadonlyMap<string, string>
  readonly settings: ReadonlyMap<string, string>
}

/**
 * The lines of INFO, or of a like command.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const linesOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(":")
      return line.startsWith("#") || colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
    })
  )

const finding = (
  check: Check,
  level: Finding["level"],
  found: string,
  meaning: string,
  remedy?: string | undefined
): Finding => new Finding({ check, level, found, meaning, ...(remedy === undefined ? undefined : { remedy }) })

const numberOf = (facts: Facts, name: string): number => Number(facts.info.get(name) ?? "0")

const oldest = [6, 2] as const

const server = ({ info }: Facts): Finding => {
  const valkey = info.get("valkey_version")
  const spoken = info.get("redis_version") ?? "unknown"
  const found = valkey === undefined ? `Redis ${spoken}` : `Valkey ${valkey}`
  const [major = 0, minor = 0] = spoken.split(".").map(Number)
  const isNew = major > oldest[0] || (major === oldest[0] && minor >= oldest[1])
  return isNew
    ? finding("server", "ok", found, "Redis 6.2 and newer and Valkey are supported")
    : finding("server", "fail", found, "the log's scripts need Redis 6.2 or newer, or Valkey", "upgrade the server")
}

const role = ({ info }: Facts): Finding =>
  info.get("role") === "master"
    ? finding("role", "ok", "a master", "it takes writes")
    : finding(
        "role",
        "fail",
        "a replica",
        "it only reads: every operation of the log is refused",
        "connect to the master, through Sentinel or your provider's address for writers"
      )

/** `state`: what a Cluster says of itself; nothing where it is none. */
const cluster = ({ info }: Facts, state: string | undefined): Finding => {
  if (info.get("cluster_enabled") !== "1") {
    return finding("cluster", "ok", "no Cluster", "the log is on this server")
  }
  return state === "ok"
    ? finding(
        "cluster",
        "ok",
        "a Cluster in order",
        "the log is one slot, on one node; several logs spread over several"
      )
    : finding(
        "cluster",
        "fail",
        `a Cluster whose state is ${state ?? "unknown"}`,
        "operations are refused while slots are nobody's",
        "look at CLUSTER INFO and CLUSTER NODES"
      )
}

const eviction = ({ info }: Facts): Finding => {
  const policy = info.get("maxmemory_policy")
  if (policy === "noeviction") {
    return finding("eviction", "ok", policy, "the server removes nothing by itself; when it is full it refuses")
  }
  return finding(
    "eviction",
    "fail",
    policy ?? "unknown",
    "when its memory is full, the server deletes keys by itself: jobs get lost, and the log is damaged",
    "set maxmemory-policy noeviction, and keep caches on another server"
  )
}

/**
 * What an acknowledged operation survives.
 *
 * With `appendfsync everysec`, while the disk is being synced in the background, the server answers before it has written
 * to its file at all, for up to two seconds. So even the death of its process alone can lose what it acknowledged. Not so
 * where the log itself waits for the sync of each write.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const survived = ({ info, settings }: Facts, confirmation?: Confirmation): Capabilities["durability"] => {
  if (info.get("aof_enabled") !== "1") return "none"
  if (confirmation?.synced === true) return "powerLoss"
  switch (settings.get("appendfsync")) {
    case "always":
      return settings.get("no-appendfsync-on-rewrite") === "yes" ? "process" : "powerLoss"
    case "no":
      return "process"
    default:
      return "none"
  }
}

const durability = (facts: Facts, confirmation?: Confirmation): Finding => {
  const { info, settings } = facts
  const fsync = settings.get("appendfsync")
  const remedy = "set appendonly yes and appendfsync always, or accept it"
  if (info.get("aof_enabled") !== "1") {
    const found = "appendonly no"
    const meaning = "when the server ends, all is lost since its last snapshot, if it makes any"
    return finding("durability", "fail", found, meaning, remedy)
  }
  const waits = confirmation?.synced === true
  const found = `appendonly yes, appendfsync ${fsync ?? "unknown"}${waits ? ", the log waits for the sync" : ""}`
  if (waits && fsync === "no") {
    const meaning = "the server leaves it to the system when to sync: calls will not be confirmed, and are unknown"
    return finding("durability", "fail", found, meaning, "set appendfsync everysec or always")
  }
  switch (survived(facts, confirmation)) {
    case "powerLoss":
      return finding("durability", "ok", found, "what is acknowledged survives a loss of power")
    case "process": {
      if (fsync === "always") {
        const meaning = "a loss of power while the file is rewritten loses what was acknowledged meanwhile"
        return finding("durability", "warn", found, meaning, "set no-appendfsync-on-rewrite no")
      }
      const meaning = "what is acknowledged survives the server's death, but a loss of power loses the last half minute"
      return finding("durability", "warn", found, meaning, remedy)
    }
    case "none": {
      const meaning =
        fsync === undefined
          ? "the program may not read appendfsync: it is not known how much a crash loses, commonly a second or two"
          : "a crash of the server or a loss of power loses what was acknowledged in the last second or two"
      return finding("durability", "warn", found, meaning, remedy)
    }
  }
}

const disk = ({ info, settings }: Facts): Finding => {
  const remedy = "look at the server's disk and its log"
  if (info.get("aof_enabled") === "1" && (info.get("aof_last_write_status") ?? "ok") !== "ok") {
    return finding("disk", "fail", "appending to the file failed", "writes are refused until it succeeds", remedy)
  }
  if ((info.get("rdb_last_bgsave_status") ?? "ok") !== "ok") {
    const refuses = settings.get("stop-writes-on-bgsave-error") !== "no" && settings.get("save") !== ""
    return refuses
      ? finding("disk", "fail", "the last snapshot failed", "writes are refused until one succeeds", remedy)
      : finding("disk", "warn", "the last snapshot failed", "replicas may not be able to follow", remedy)
  }
  if (info.get("aof_enabled") === "1" && (info.get("aof_last_bgrewrite_status") ?? "ok") !== "ok") {
    return finding("disk", "warn", "the last rewrite of the file failed", "the file grows until one succeeds", remedy)
  }
  return finding("disk", "ok", "nothing failed", "the server writes what it is told to")
}

const replication = (facts: Facts, confirmation?: Confirmation): Finding => {
  const waitsFor = confirmation?.count ?? 0
  const replicas = numberOf(facts, "connected_slaves")
  const least = facts.settings.get("min-replicas-to-write") ?? facts.settings.get("min-slaves-to-write")
  const found = `${replicas} replicas follow, min-replicas-to-write ${least ?? "unknown"}`
  if (facts.info.get("role") === "master" && Number(least ?? "0") > numberOf(facts, "min_slaves_good_slaves")) {
    const meaning = "every write is refused until more replicas follow"
    return finding("replication", "fail", found, meaning, "start replicas, or lower min-replicas-to-write")
  }
  if (replicas === 0) return finding("replication", "ok", found, "there is nothing to fail over to")
  if (waitsFor > 0) {
    return finding(
      "replication",
      "ok",
      `${found}, the log waits for ${waitsFor}`,
      confirmation?.synced === true
        ? "what is acknowledged is on replicas' disks"
        : "what is acknowledged is on replicas"
    )
  }
  return finding(
    "replication",
    "warn",
    found,
    "a failover loses what was acknowledged in its last moments, and of a master that was cut off all since then",
    "let the log wait for replicas (`replicas: { count: 1 }`), and set min-replicas-to-write 1; or accept it"
  )
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`

const memory = (facts: Facts): Finding => {
  const used = numberOf(facts, "used_memory")
  const most = numberOf(facts, "maxmemory")
  if (most === 0) {
    const all = numberOf(facts, "total_system_memory")
    const found = `${mebibytes(used)} used of ${mebibytes(all)}, maxmemory is not set`
    return all > 0 && used > 0.75 * all
      ? finding(
          "memory",
          "warn",
          found,
          "when the machine's memory is full, the system ends the server",
          "set maxmemory to well below the machine's memory: the log then refuses new jobs and goes on with the others"
        )
      : finding("memory", "ok", found, "there is room")
  }
  const found = `${mebibytes(used)} of ${mebibytes(most)} used`
  return used <= 0.9 * most
    ? finding("memory", "ok", found, "there is room")
    : finding("memory", "warn", found, "when it is full, new jobs are refused", "raise maxmemory, or purge jobs")
}

const connections = (facts: Facts): Finding => {
  const used = numberOf(facts, "connected_clients")
  const most = numberOf(facts, "maxclients")
  if (most === 0) return finding("connections", "ok", `${used} are used`, "each program needs two")
  const found = `${used} of ${most} are used`
  return used < 0.9 * most
    ? finding("connections", "ok", found, "there is room")
    : finding("connections", "warn", found, "when none is left, programs that start are refused", "raise maxclients")
}

const functions = (calls: "functions" | "scripts"): Finding =>
  calls === "functions"
    ? finding("functions", "ok", "functions", "operations are functions of a library that the server keeps")
    : finding(
        "functions",
        "ok",
        "scripts",
        "operations are scripts: the server is older than 7, or does not allow FUNCTION or FCALL; all else is the same"
      )

/** Milliseconds by which two clocks may differ before it matters to anybody. */
const skewMillis = 1000

/** How far the server's clock is ahead, by a question that was asked `before` and answered `after`. */
const clock = (server: number, before: number, after: number): Finding => {
  const skew = Math.round(server - (before + after) / 2)
  const uncertain = Math.ceil((after - before) / 2)
  const found = `the server's clock is ${Math.abs(skew)} ms ${skew < 0 ? "behind" : "ahead"} (± ${uncertain} ms)`
  return Math.abs(skew) - uncertain <= skewMillis
    ? finding("clock", "ok", found, "leases and delays go by the server's clock alone")
    : finding(
        "clock",
        "warn",
        found,
        "leases and delays are safe, as they go by the server's clock alone; instants that programs give (`at`, deadlines) are off by as much",
        "let both machines follow a time server"
      )
}

/** `millis`: how long a message took to come back; nothing where it did not. */
const news = (millis: number | undefined, patience: number): Finding =>
  millis === undefined
    ? finding(
        "news",
        "warn",
        `nothing came back within ${patience} ms`,
        "idle workers of other processes find new jobs by polling, within a second",
        "allow the program SUBSCRIBE and PUBLISH on the log's channel, and look at the server's load"
      )
    : finding("news", "ok", `a message is back after ${Math.round(millis)} ms`, "idle workers are woken at once")

/**
 * The checks, by name.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const serverChecks = {
  server,
  role,
  cluster,
  eviction,
  durability,
  disk,
  replication,
  memory,
  clock,
  connections,
  functions,
  news
} as const
