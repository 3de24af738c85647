/** The file that a server appends to, cut off somewhere, as a loss of power leaves it. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Redis } from "../../support/servers/Redis.ts"

/** The file that grows: the last of several parts, or before version 7 the only one. */
const tailOf = ({ directory }: Redis): string => {
  const folder = join(directory, "appendonlydir")
  const isOld = !readdirSync(directory).includes("appendonlydir")
  if (isOld) return join(directory, "appendonly.aof")
  const tails = readdirSync(folder).filter((name) => name.endsWith(".incr.aof"))
  const [tail] = tails
  if (tail === undefined || tails.length > 1) throw new Error(`the file of the server has other parts: ${tails.join()}`)
  return join(folder, tail)
}

/** How much the server has written. */
export const sizeOf = (server: Redis): number => statSync(tailOf(server)).size

export const readTail = (server: Redis): Buffer => readFileSync(tailOf(server))

/** Kills the server, and starts it on so much of what it has written. */
export const restartOn = async (server: Redis, bytes: Buffer): Promise<void> => {
  await server.kill()
  writeFileSync(tailOf(server), bytes)
  await server.restart()
}
