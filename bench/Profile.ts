/** A CPU profile of exactly what is inside the clock, for reading in any viewer of .cpuprofile files. */
import { writeFileSync } from "node:fs"
import { Session } from "node:inspector/promises"

/** Starts profiling; the answer stops it and writes the file. Does nothing without a path. */
export const startProfile = async (path: string | undefined): Promise<() => Promise<void>> => {
  if (path === undefined) return async () => {}
  const session = new Session()
  session.connect()
  await session.post("Profiler.enable")
  await session.post("Profiler.setSamplingInterval", { interval: 200 })
  await session.post("Profiler.start")
  return async () => {
    const { profile } = await session.post("Profiler.stop")
    writeFileSync(path, JSON.stringify(profile))
    session.disconnect()
  }
}
